"""What an authentic order lacks, and whether that hinders it. Pure; the lane's own state is judged by `gate.passage`.

Whoever gives permission must lack nothing. Taking permission away waits for no clock. Freeing people takes a certificate for this gate, a role
that gives orders, and a shift that ended at most a day ago; an old challenge and a shift that has ended since stand in the record. Nothing is
revoked, so that day is also how long a removed officer can free people. For everybody else there is the hard-wired release (docs/safety.md).

A shift is judged by the later of the wall clock and the clock's floor, which no step of the wall clock sets back (decision 0024). An unsure wall
clock counts for nothing: what the floor alone proves to be over is over.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from gate_core.orders.certificate import open_certificate
from gate_core.orders.challenge import Freshness
from gate_core.orders.errors import OrderError
from gate_core.orders.verbs import ROLES, VERBS, Power, Verb

if TYPE_CHECKING:
    from gate_core.orders.order import Signed


class Lack(enum.Enum):
    """What an order may lack. Stored in records; never renamed."""

    OTHER_GATE = "other_gate"  # it names another gate
    CHALLENGE_FOREIGN = "challenge_foreign"  # it answers no challenge of this start of this lane
    CHALLENGE_OLD = "challenge_old"  # it answers one that is older than 30 s
    ROLE = "role"  # the certified role may not, or is none that the party has
    GATE_NOT_CERTIFIED = "gate_not_certified"  # the shift is worked at other gates
    SHIFT_NOT_BEGUN = "shift_not_begun"
    SHIFT_OVER = "shift_over"
    SHIFT_LONG_OVER = "shift_long_over"  # for more than a day: it does not even free people
    CLOCK_UNSURE = "clock_unsure"  # whether the shift lasts cannot be told


FREES_AFTER_SHIFT_S_MAX: Final = 24 * 3600

_HINDERS = {
    Power.GIVES: frozenset(Lack),
    Power.TAKES: frozenset(Lack) - {Lack.CLOCK_UNSURE},
    Power.FREES: frozenset(Lack) - {Lack.CHALLENGE_OLD, Lack.SHIFT_NOT_BEGUN, Lack.SHIFT_OVER, Lack.CLOCK_UNSURE},
}
OVER: Final = frozenset({Lack.SHIFT_OVER, Lack.SHIFT_LONG_OVER})


def lacks(signed: Signed, *, gate: str, freshness: Freshness, now_s: int | None, floor_s: int) -> tuple[Lack, ...]:
    """Everything an order lacks at this gate now. `now_s` is the wall clock in seconds since 1970, None when it is unsure; before `floor_s` it
    cannot be now, whatever the wall clock shows.
    """
    order, by = signed.order, signed.by
    found = []
    if order.gate != gate:
        found.append(Lack.OTHER_GATE)
    if freshness is not Freshness.FRESH:
        found.append(Lack.CHALLENGE_OLD if freshness is Freshness.OLD else Lack.CHALLENGE_FOREIGN)
    if by.role not in VERBS[order.verb].roles & ROLES[by.party]:
        found.append(Lack.ROLE)
    if not by.covers(gate):
        found.append(Lack.GATE_NOT_CERTIFIED)
    if now_s is None:
        found.append(Lack.CLOCK_UNSURE)
    latest_s = floor_s if now_s is None else max(now_s, floor_s)
    if latest_s >= by.until:
        found.append(Lack.SHIFT_OVER if latest_s - by.until <= FREES_AFTER_SHIFT_S_MAX else Lack.SHIFT_LONG_OVER)
    elif now_s is not None and latest_s < by.not_before:
        found.append(Lack.SHIFT_NOT_BEGUN)
    return tuple(found)


def hindrances(signed: Signed, lacking: tuple[Lack, ...]) -> tuple[Lack, ...]:
    """Those of the lacks for which the order is not obeyed."""
    hinders = _HINDERS[VERBS[signed.order.verb].power]
    return tuple(lack for lack in lacking if lack in hinders)


def sealing_key(certificate: bytes, *, authority: bytes, gate: str, now_s: int) -> bytes | None:
    """The key to which a traveller's pictures may be sealed at this gate now: that of an officer whom this authority certified, else None.

    Asked where a traveller's face or document lives, of certificates that the lane names: its word for a key is not taken.
    """
    try:
        says = open_certificate(certificate, authority)
    except OrderError:
        return None
    may_view = says.role in VERBS[Verb.VIEW].roles & ROLES[says.party]
    return says.sealing_key if may_view and says.covers(gate) and says.not_before <= now_s < says.until else None
