"""What a barrier controller counts, and how many went through between two looks at it. Pure.

A controller counts up from its power-up and begins again at 0 when it is powered up anew, which it counts, too; a counter that is full
goes on at 0. What was counted between the last look and a power-up that nobody saw is known to nobody; everything since is.
"""

from __future__ import annotations

from dataclasses import dataclass

COUNTS = 2**32  # a counter goes on at 0 after so many
_BACK = COUNTS // 2  # so many in one go is a counter that was set back


@dataclass(frozen=True, slots=True)
class Counters:
    """Passages in both directions since the controller was powered up for the `power_ups`th time, absolute."""

    entry: int
    exit: int
    power_ups: int


def begins_anew(before: Counters | None, now: Counters) -> bool:
    """True when nothing is known of what was counted before: the first look, a power-up, counters that were set back."""
    if before is None or before.power_ups != now.power_ups:
        return True
    return any(_grown(*pair) >= _BACK for pair in ((before.entry, now.entry), (before.exit, now.exit)))


def passages_between(before: Counters | None, now: Counters) -> tuple[int, int]:
    """How many went through, in entry and in exit direction, as far as that is known; none at the first look."""
    if before is None:
        return 0, 0
    if begins_anew(before, now):
        return now.entry, now.exit
    return _grown(before.entry, now.entry), _grown(before.exit, now.exit)


def _grown(before: int, now: int) -> int:
    return (now - before) % COUNTS
