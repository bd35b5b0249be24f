"""Ninety days in any 180, against an oracle that counts day by day."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from gate.lists.adapters.entry_exit import Stay, days_left, merged, overstayed, used

TODAY = date(2026, 12, 5)
HISTORIES = 100_000


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


@pytest.mark.parametrize(
    ("stays", "left"),
    [
        ([], 90),
        ([Stay(day(89), None)], 1),
        ([Stay(day(90), None)], 0),
        ([Stay(day(100), day(11))], 0),
        ([Stay(day(100), day(12))], 1),
        ([Stay(day(300), day(200))], 90),
        ([Stay(day(179), day(179))], 90),  # it drops out on the second day
        ([Stay(day(179), day(100)), Stay(day(50), day(41))], 0),  # today; tomorrow a day drops out
        ([Stay(day(180), day(101)), Stay(day(50), day(41))], 80),
        ([Stay(day(20), day(11)), Stay(day(15), day(11))], 80),  # a day that stands in two stays is one day
    ],
)
def test_how_many_days_are_left(stays: list[Stay], left: int) -> None:
    assert days_left(stays, TODAY) == left


def test_the_days_of_entry_and_exit_count() -> None:
    assert used(merged([Stay(day(3), day(2))], TODAY), TODAY) == 2
    assert used(merged([Stay(TODAY, TODAY)], TODAY), TODAY) == 1
    assert merged([Stay(day(9), day(5)), Stay(day(4), day(2))], TODAY) == ((day(9), day(2)),)


def test_who_leaves_is_too_late_by_so_many_days() -> None:
    assert overstayed([], TODAY) == overstayed([Stay(TODAY, None)], TODAY) == 0
    assert overstayed([Stay(day(89), None)], TODAY) == 0
    assert overstayed([Stay(day(90), None)], TODAY) == 1
    assert overstayed([Stay(day(95), None)], TODAY) == 6


def test_a_stay_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        Stay(day(1), day(2))


def by_the_days(present: set[int], today: int) -> int:
    """How many days from today on are allowed: counted one by one, as a person with a calendar does. Days are numbers."""
    days = sum(1 for one in present if one >= today - 180)
    for length in range(1, 200):
        now = today + length - 1
        days += 1 - ((now - 180) in present)
        if days > 90:
            return length - 1
    raise AssertionError("nobody may stay for so long")


def test_of_a_hundred_thousand_histories_none_is_counted_otherwise_than_by_the_days() -> None:
    chance, today = Random(90_180), TODAY.toordinal()
    wrong = []
    for number in range(HISTORIES):
        stays, present = [], set[int]()
        for _ in range(chance.randrange(6)):
            begin = today - chance.randrange(1, 400)
            end = min(today - 1, begin + chance.choice((0, 1, 5, 20, 60, 89, 90, 91, 120)))
            stays.append(Stay(date.fromordinal(begin), date.fromordinal(end)))
            present.update(range(begin, end + 1))
        if days_left(stays, TODAY) != by_the_days(present, today):
            wrong.append(number)
    assert wrong == []
