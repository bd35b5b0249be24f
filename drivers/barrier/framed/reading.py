"""What one reply of a board says, and what of it is believed. Pure.

A check of eight bits misses one double bit error in twelve to twenty, so a single reply may lie. What tightens security counts at once;
what relaxes it (closed, fewer bodies, an alarm or an emergency gone) and every count needs two replies in a row that agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.barrier.framed.profile import Status
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LeafPosition


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, as it stands; or what is believed after several. Counts are the board's own."""

    position: LeafPosition
    bodies: int
    left: int
    right: int
    fire: bool
    emergency: bool
    alarms: frozenset[Alarm]
    powered_up: bool

    @property
    def is_closed(self) -> bool:
        """True when the leaf rests closed."""
        return self.position is LeafPosition.CLOSED

    @property
    def counts(self) -> tuple[int, int]:
        """Passages to the left and to the right."""
        return self.left, self.right


def reading_of(status: Status, values: Mapping[str, int]) -> Reading:
    """What a reply's fields mean."""
    return Reading(
        position=status.position.values.get(values[status.position.field], LeafPosition.UNKNOWN),
        bodies=status.beams.bodies(values),
        left=values[status.passages_left],
        right=values[status.passages_right],
        fire=status.fire.shows(values),
        emergency=status.emergency.shows(values),
        alarms=frozenset(sign.alarm for sign in status.alarms if sign.shows(values)),
        powered_up=status.powered_up is not None and status.powered_up.shows(values),
    )


def relaxes(believed: Reading, seen: Reading) -> bool:
    """True when this reply would relax what is believed, or counts otherwise: one more must agree."""
    return (
        (seen.is_closed and not believed.is_closed)
        or seen.bodies < believed.bodies
        or seen.counts != believed.counts
        or (believed.fire and not seen.fire)
        or (believed.emergency and not seen.emergency)
        or not believed.alarms <= seen.alarms
        or (believed.powered_up and not seen.powered_up)
    )


def settled(first: Reading, second: Reading, *, believed: Reading) -> Reading:
    """What is believed after two replies in a row: what both say, and else the tighter of the two; counts as before, unless both agree."""
    agreed = first.counts == second.counts
    return Reading(
        position=first.position if second.is_closed else second.position,
        bodies=max(first.bodies, second.bodies),
        left=second.left if agreed else believed.left,
        right=second.right if agreed else believed.right,
        fire=first.fire or second.fire,
        emergency=first.emergency or second.emergency,
        alarms=first.alarms | second.alarms,
        powered_up=first.powered_up or second.powered_up,
    )
