"""What an authentic order lacks, and whether that hinders it. Pure; the lane's own state is judged by `gate.passage`.

Whoever gives permission must lack nothing. Taking permission away waits for no clock. Freeing people is obeyed whenever it is an
officer's word to this start of this lane; whatever else it lacks stands in the record.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from gate.orders.certificate import open_certificate
from gate.orders.challenge import Freshness
from gate.orders.errors import OrderError
from gate.orders.verbs import ROLES, VERBS, Power, Verb

if TYPE_CHECKING:
    from gate.orders.order import Signed


class Lack(enum.Enum):
    """What an order may lack. Stored in records; never renamed."""

    OTHER_GATE = "other_gate"  # it names another gate
    CHALLENGE_FOREIGN = "challenge_foreign"  # it answers no challenge of this start of this lane
    CHALLENGE_OLD = "challenge_old"  # it answers one that is older than 30 s
    ROLE = "role"  # the certified role may not, or is none that the party has
    GATE_NOT_CERTIFIED = "gate_not_certified"  # the shift is worked at other gates
    SHIFT_NOT_BEGUN = "shift_not_begun"
    SHIFT_OVER = "shift_over"
    CLOCK_UNSURE = "clock_unsure"  # whether the shift lasts cannot be told


_HINDERS = {
    Power.GIVES: frozenset(Lack),
    Power.TAKES: frozenset(Lack) - {Lack.CLOCK_UNSURE},
    Power.FREES: frozenset({Lack.OTHER_GATE, Lack.CHALLENGE_FOREIGN}),
}


def lacks(signed: Signed, *, gate: str, freshness: Freshness, now_s: int | None) -> tuple[Lack, ...]:
    """Everything an order lacks at this gate now. `now_s` is the wall clock in seconds since 1970, None when it is unsure."""
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
    elif now_s < by.not_before:
        found.append(Lack.SHIFT_NOT_BEGUN)
    elif now_s >= by.until:
        found.append(Lack.SHIFT_OVER)
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
