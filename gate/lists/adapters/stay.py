"""Short stays: 90 days in any 180 (Regulation (EU) 2016/399, Article 6(1)). Pure.

The day of entry and the day of exit are days of stay, and on each day of a stay the 180 days that end with it are looked at (Article 6(2)).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

DAYS_MAX: Final = 90
WINDOW_DAYS: Final = 180
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """From the day of entry to the day of exit, both included; `last` None: still here."""

    first: date
    last: date | None

    def __post_init__(self) -> None:
        """Refuse what ends before it begins."""
        if self.last is not None and self.last < self.first:
            raise ValueError("a stay ends before it begins")


def merged(stays: Iterable[Stay], today: date) -> tuple[tuple[date, date], ...]:
    """The days of stay until today, as spans that do not touch one another: a day that stands in two stays is one day."""
    spans = sorted(
        (one.first, min(today if one.last is None else one.last, today)) for one in stays if one.first <= today
    )
    found: list[tuple[date, date]] = []
    for first, last in spans:
        if found and first <= found[-1][1] + _DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def used(spans: Sequence[tuple[date, date]], day: date) -> int:
    """How many days of stay there are among the 180 that end with this one."""
    begin = day - timedelta(days=WINDOW_DAYS - 1)
    return sum(max(0, (min(last, day) - max(first, begin)).days + 1) for first, last in spans)


def days_left(stays: Iterable[Stay], first_day: date) -> int:
    """How many days somebody may stay from this day on, it included, without a day on which 90 are exceeded; 0: not today.

    Stays until this day are counted as they were; from it on every day is one of stay. Days that are used never become fewer while somebody stays, so
    the last day that is allowed is found by halving.
    """
    spans = merged(stays, first_day - _DAY)

    def used_on_the_last_of(days: int) -> int:
        last = first_day + timedelta(days=days - 1)
        return used((*spans, (first_day, last)), last)

    return bisect.bisect_right(range(1, DAYS_MAX + 1), DAYS_MAX, key=used_on_the_last_of)


def overstayed(stays: Iterable[Stay], today: date) -> int:
    """By how many days the limit is exceeded on the day of exit; 0: it is kept."""
    return max(0, used(merged(stays, today), today) - DAYS_MAX)
