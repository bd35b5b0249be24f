"""Who is shown what of a gate, and offered which orders, by role and party. What does not stand here nobody is.

Whether an order is obeyed the lane decides by the certificate's role, whatever stands here.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

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


SIGHTS: Final[dict[Sight, frozenset[Who]]] = {
    Sight.STATE: WATCHING,
    Sight.REASONS: OFFICERS,
    Sight.PICTURES: OFFICERS,
    Sight.FLAGS: OFFICERS,
}


def sees(certificate: Certificate) -> frozenset[Sight]:
    """What the holder of a certificate is shown."""
    found = frozenset(sight for sight, who in SIGHTS.items() if Who.of(certificate) in who)
    return found if certificate.trained or certificate.role is Role.SUPERVISOR else found - {Sight.FLAGS}


def may_order(certificate: Certificate, verb: Verb) -> bool:
    """Whether the console offers this verb to the holder of a certificate."""
    return Who.of(certificate) in ORDERING and certificate.role in VERBS[verb].roles
