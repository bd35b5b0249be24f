"""Marks of a site, with time as an argument: their minutes, midnight, and each gate's share."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_central.exchange.marks import (
    KEY_BYTES,
    MARK_BYTES,
    MINUTES_MAX,
    OF_A_GATE_MAX,
    DayKey,
    Elsewhere,
    Marks,
    OtherKeyError,
    TooManyError,
)

NOON = datetime(2026, 12, 5, 12)  # noqa: DTZ001 - the site's own wall clock has no zone
MIDNIGHT = datetime(2026, 12, 6)  # noqa: DTZ001 - likewise


@dataclass
class Site:
    """An exchange that has run for an hour, and its two clocks."""

    local: datetime = NOON
    clock_s: float = 0.0
    drawn: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.marks = Marks(random=lambda size: bytes([next(self.drawn)]) * size, local=self.local, clock_s=self.clock_s)
        self.goes_on(3600)

    def goes_on(self, seconds: float) -> None:
        self.clock_s += seconds
        self.local += timedelta(seconds=seconds)

    @property
    def key(self) -> DayKey:
        return self.marks.key(self.local, self.clock_s)

    def mark(self, document: bytes = b"one", key: bytes | None = None) -> bytes:
        made_with = self.key.key if key is None else key
        name = hashlib.sha256(made_with).digest()[:8]
        return name + hmac.new(made_with, hashlib.sha256(document).digest(), "sha256").digest()

    def tell(self, gate: str, document: bytes = b"one", minutes: int = 30) -> Elsewhere | None:
        mark = self.mark(document)
        return self.marks.tell(gate, mark, minutes=minutes, local=self.local, clock_s=self.clock_s)

    def forget(self) -> int:
        self.marks.forget(self.local, self.clock_s)
        return len(self.marks)


@pytest.fixture
def site() -> Site:
    return Site()


def test_another_gate_within_the_minutes_is_told_which_gate_and_when_and_the_same_gate_nothing(site: Site) -> None:
    assert len(site.mark()) == MARK_BYTES
    assert site.tell("north-1") is None
    site.goes_on(60)
    assert site.tell("north-1") is None, "who failed may try again"
    site.goes_on(60)
    assert site.tell("north-2") == Elsewhere("north-1", "13:01")
    assert site.tell("north-2") == Elsewhere("north-1", "13:01"), "a second try is no way out"
    site.goes_on(60)
    assert site.tell("north-1") == Elsewhere("north-2", "13:02"), "nor is the way back"
    assert site.tell("north-3") == Elsewhere("north-1", "13:03"), "the latest of several"
    assert site.tell("north-4", b"another") is None


@pytest.mark.parametrize("minutes", [1, 30, MINUTES_MAX])
def test_a_mark_is_over_with_the_last_second_of_its_minutes(site: Site, minutes: int) -> None:
    site.tell("north-1", minutes=minutes)
    site.goes_on(minutes * 60 - 1)
    assert site.tell("north-2", minutes=MINUTES_MAX) == Elsewhere("north-1", "13:00")
    again = Site()
    again.tell("north-1", minutes=minutes)
    again.goes_on(minutes * 60)
    assert again.tell("north-2", minutes=MINUTES_MAX) is None
    assert again.forget() == 1, "north-2's own"


def test_what_is_forgotten_is_nowhere_in_its_memory(site: Site) -> None:
    mark = site.mark()
    site.marks.tell("north-1", mark, minutes=1, local=site.local, clock_s=site.clock_s)
    held_by = sys.getrefcount(mark)
    site.goes_on(60)
    site.forget()
    assert sys.getrefcount(mark) == held_by - 1, "this test alone"


def test_a_gate_whose_law_has_fewer_minutes_hears_of_no_more(site: Site) -> None:
    site.tell("north-1", minutes=60)
    site.goes_on(10 * 60)
    assert site.tell("north-2", minutes=10) is None
    assert site.tell("north-3", minutes=11) == Elsewhere("north-2", "13:10")


def test_a_clock_on_the_wall_that_is_set_lets_no_mark_live_longer(site: Site) -> None:
    site.tell("north-1", minutes=10)
    site.clock_s += 10 * 60
    site.local -= timedelta(minutes=30)
    assert site.tell("north-2") is None


@pytest.mark.parametrize("asked", [True, False])
def test_at_midnight_the_key_and_every_mark_are_gone_whether_somebody_asks_or_not(asked: bool) -> None:  # noqa: FBT001 - a case
    site = Site(MIDNIGHT - timedelta(hours=1, seconds=1))
    before, old = site.key, site.mark()
    site.tell("north-1", minutes=60)
    site.goes_on(0.5)
    assert site.key == before
    site.goes_on(0.5)
    if not asked:
        assert site.forget() == 0
    assert site.key != before
    assert (site.key.day, len(site.key.key)) == (MIDNIGHT.date(), KEY_BYTES)
    assert len(site.marks) == 0
    with pytest.raises(OtherKeyError):
        site.marks.tell("north-2", old, minutes=60, local=site.local, clock_s=site.clock_s)
    assert site.tell("north-2", minutes=60) is None
    held_by = sys.getrefcount(before) - 1  # the call's own
    assert held_by == 1, "this test alone"
    assert "key=" not in repr(site.key)


def test_a_clock_that_goes_back_over_midnight_brings_no_key_back() -> None:
    site = Site(MIDNIGHT - timedelta(hours=1))
    first = site.key
    site.local -= timedelta(minutes=5)
    assert site.key.day == first.day - timedelta(days=1)
    site.local += timedelta(minutes=10)
    assert site.key.key != first.key


def test_a_start_does_not_know_the_minutes_before_it_and_says_so() -> None:
    site = Site()
    started = Marks(random=bytes, local=site.local, clock_s=site.clock_s)
    assert not started.is_sure(30, site.clock_s + 30 * 60 - 1)
    assert started.is_sure(30, site.clock_s + 30 * 60)
    assert site.marks.is_sure(60, site.clock_s)


@pytest.mark.parametrize("set_by", [timedelta(hours=11), timedelta(days=1), timedelta(days=-1), timedelta(days=-400)])
def test_a_day_that_ends_because_somebody_set_the_clock_is_as_unsure_as_a_start(site: Site, set_by: timedelta) -> None:
    site.tell("north-1")
    site.local += set_by
    assert site.tell("north-2") is None, "it was forgotten"
    assert not site.marks.is_sure(1, site.clock_s)
    site.goes_on(30 * 60)
    assert site.marks.is_sure(30, site.clock_s)


def test_a_day_that_ends_by_itself_is_as_sure_as_before_though_the_time_service_set_the_clock_a_little() -> None:
    site = Site(MIDNIGHT - timedelta(hours=2))
    before = site.key
    site.local += timedelta(seconds=50)
    site.goes_on(3600)
    assert site.key.day != before.day
    assert site.marks.is_sure(60, site.clock_s)


@pytest.mark.parametrize("ends", ["2026-04-24T00:00", "2026-10-30T00:00"], ids=["an hour less", "an hour more"])
def test_a_midnight_at_which_summer_time_begins_or_ends_is_one(ends: str) -> None:
    cairo = ZoneInfo("Africa/Cairo")
    instant = datetime.fromisoformat(ends).replace(tzinfo=cairo).timestamp()
    marks = Marks(random=bytes, local=datetime.fromtimestamp(instant - 7200, cairo), clock_s=0.0)
    days = [marks.key(datetime.fromtimestamp(instant - 7200 + at_s, cairo), at_s).day for at_s in range(0, 10800, 5)]
    assert len(set(days)) == 2
    assert days == sorted(days)
    assert marks.is_sure(60, 10800)


def test_one_gate_s_marks_in_bulk_fill_its_own_share_alone(site: Site) -> None:
    for number in range(OF_A_GATE_MAX):
        site.tell("hostile", b"%d" % number)
    with pytest.raises(TooManyError):
        site.tell("hostile", b"one more")
    assert site.tell("hostile", b"7") is None, "what it has told already takes no more room"
    assert len(site.marks) == OF_A_GATE_MAX
    assert site.tell("north-1", b"somebody") is None
    assert site.tell("north-2", b"somebody") == Elsewhere("north-1", "13:00")
    site.goes_on(30 * 60)
    assert site.forget() == 0
    assert site.tell("hostile", b"one more") is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([b"x", b"y"]),
        st.integers(1, MINUTES_MAX),
        st.integers(0, 4000),
        st.booleans(),
    ),
    max_size=30,
)


@given(steps=steps)
def test_it_answers_as_a_list_of_all_that_was_ever_told_would(steps: list[tuple[str, bytes, int, int, bool]]) -> None:
    site, told = Site(), list[tuple[str, bytes, DayKey, float, int]]()
    for gate, document, minutes, pause_s, forgets in steps:
        site.goes_on(pause_s)
        if forgets:
            site.forget()
        last = {
            one: (at_s, lasts)
            for one, what, key, at_s, lasts in told
            if what == document and key == site.key and one != gate
        }
        known = {one for one, (at_s, lasts) in last.items() if site.clock_s - at_s < 60 * min(lasts, minutes)}
        found = site.tell(gate, document, minutes)
        assert (found is None) is (not known)
        assert found is None or found.gate in known
        told.append((gate, document, site.key, site.clock_s, minutes))
