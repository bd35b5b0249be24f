"""Who may what at the console: one table, by role, party and route. What does not stand here nobody may.

It decides what the console shows and carries. Whether an order is obeyed the lane decides by the certificate's role, whatever stands here.
"""

from __future__ import annotations

import enum
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.routing import compile_path

from gate_core.evidence.names import Role
from gate_core.orders.verbs import VERBS, Party, Verb

if TYPE_CHECKING:
    from gate_core.orders.certificate import Certificate


class Who(NamedTuple):
    """What a certificate says that somebody is."""

    role: Role
    party: Party

    @classmethod
    def of(cls, certificate: Certificate) -> Who:
        """Of a certificate's holder."""
        return cls(certificate.role, certificate.party)


EVERYBODY: Final = frozenset(Who(role, party) for role, party in product(Role, Party))
OFFICERS: Final = frozenset({Who(Role.OFFICER, Party.POLICE), Who(Role.SUPERVISOR, Party.POLICE)})
TECHNICIANS: Final = frozenset({Who(Role.TECHNICIAN, Party.POLICE), Who(Role.TECHNICIAN, Party.INTEGRATOR)})
AUDITORS: Final = frozenset(Who(Role.AUDITOR, party) for party in Party)
AIRPORT: Final = frozenset(Who(role, Party.AIRPORT) for role in Role)
ORDERING: Final = OFFICERS | TECHNICIANS
WATCHING: Final = ORDERING | AUDITORS | AIRPORT


class Sight(enum.Enum):
    """What of a gate is shown."""

    STATE = "state"  # state, outage, times, notices, who is present
    REASONS = "reasons"  # why a traveller waits, and what was found
    PICTURES = "pictures"  # and what is sealed to the officer
    FLAGS = "flags"  # quiet flags, of those only who are trained, and supervisors


class Admitted(NamedTuple):
    """A row's last column. `who` None: whoever comes, signed in or not. `by_itself`: pages ask it without anybody's act."""

    who: frozenset[Who] | None
    by_itself: bool = False


_STRANGERS: Final = Admitted(None, by_itself=True)

ROUTES: Final[dict[tuple[str, str], Admitted]] = {
    ("GET", "/static/{path:path}"): _STRANGERS,
    ("GET", "/healthz"): _STRANGERS,
    ("GET", "/sign-in"): _STRANGERS,
    ("GET", "/enrol"): _STRANGERS,
    ("POST", "/sign-in/{question}"): _STRANGERS,
    ("GET", "/session/challenge"): _STRANGERS,
    ("POST", "/session"): _STRANGERS,
    ("POST", "/session/end"): _STRANGERS,
    ("GET", "/"): Admitted(WATCHING),
    ("GET", "/events"): Admitted(WATCHING, by_itself=True),
    ("GET", "/gates/{gate}/look"): Admitted(ORDERING),
    ("POST", "/gates/{gate}/orders"): Admitted(ORDERING),
    ("GET", "/gates/{gate}"): Admitted(WATCHING),
    ("POST", "/gates/{gate}/calls/{kind}"): Admitted(ORDERING),
    ("GET", "/gates/{gate}/crossings/{crossing}"): Admitted(OFFICERS),
    ("POST", "/gates/{gate}/crossings/{crossing}/opinion"): Admitted(OFFICERS),
    ("GET", "/handover"): Admitted(ORDERING),
    ("POST", "/handover"): Admitted(ORDERING),
    ("POST", "/handover/read"): Admitted(OFFICERS),
}

SIGHTS: Final[dict[Sight, frozenset[Who]]] = {
    Sight.STATE: WATCHING,
    Sight.REASONS: OFFICERS,
    Sight.PICTURES: OFFICERS,
    Sight.FLAGS: OFFICERS,
}

_PATTERNS: Final = [(method, compile_path(path)[0], admitted) for (method, path), admitted in ROUTES.items()]


def admitted(method: str, path: str) -> Admitted | None:
    """The row of a request; None where there is none."""
    wanted = "GET" if method == "HEAD" else method
    return next((row for of, pattern, row in _PATTERNS if of == wanted and pattern.match(path)), None)


def sees(certificate: Certificate) -> frozenset[Sight]:
    """What the holder of a certificate is shown."""
    found = frozenset(sight for sight, who in SIGHTS.items() if Who.of(certificate) in who)
    return found if certificate.trained or certificate.role is Role.SUPERVISOR else found - {Sight.FLAGS}


def may_order(certificate: Certificate, verb: Verb) -> bool:
    """Whether the console offers this verb to the holder of a certificate."""
    return Who.of(certificate) in ORDERING and certificate.role in VERBS[verb].roles
