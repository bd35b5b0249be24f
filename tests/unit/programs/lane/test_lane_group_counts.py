"""Counts by group: added up when a crossing ends, without its name, small groups put together, and an officer's word counted when it comes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from fakes.passage_examples import GENUINE, SAME_FACE, decided_record, said
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.passage.names import ClosedAs, Disposition
from gate.passage.records import Closed, GroupCell, GroupsCounted, Opened, Settled
from gate.programs.lane.group_counts import CELL_MIN, KNOWN_MAX, Attribute, GroupCounts, age_band, shift_of
from gate.programs.lane.records import encode
from gate_core.evidence.crossing import Score
from gate_core.evidence.reasons import Objection, Reason

ALL: tuple[Attribute, ...] = ("age_band", "sex", "issuer")


def counts(*attributes: Attribute) -> GroupCounts:
    return GroupCounts(attributes or ALL, "Act 1, Article 2", "2026-12-05T06:00:00+00:00")


def crosses(
    counted: GroupCounts,
    name: str,
    *reasons: Reason,
    sex: str = "F",
    age: int = 40,
    issuer: str = "UTO",
    match: float | None = 0.8,
) -> None:
    """A crossing that is decided and closed."""
    counted.read(name, replace(GENUINE, sex=sex, age=age, issuer=issuer))
    found = tuple(Objection(reason) for reason in reasons)
    evidence = replace(
        decided_record().evidence, face=replace(SAME_FACE, match=None if match is None else Score(match))
    )
    counted.record(Opened(name))
    counted.record(replace(decided_record(), crossing=name, reasons=found, evidence=evidence))
    verdict = ClosedAs.REFERRED if found else ClosedAs.ADMITTED
    counted.record(Closed(name, verdict, found, {"decided": 4_000.0}))


def taken(counted: GroupCounts) -> dict[tuple[str, str], GroupCell]:
    record = counted.take("2026-12-05T14:00:00+00:00")
    return {} if record is None else {(one.attribute, one.value): one for one in record.cells}


def test_each_crossing_is_counted_in_each_of_its_groups() -> None:
    counted = counts()
    for number in range(20):
        crosses(counted, f"c{number}", sex="F" if number < 10 else "M", age=20 if number % 2 else 70)
    found = taken(counted)
    assert {key: one.crossings for key, one in found.items()} == {
        ("everybody", ""): 20,
        ("age_band", "18 to 29"): 10,
        ("age_band", "60 to 74"): 10,
        ("sex", "F"): 10,
        ("sex", "M"): 10,
        ("issuer", "UTO"): 20,
    }
    assert found["sex", "F"] == GroupCell(
        "sex", "F", 10, 0, 10, 0, 10, 0, 0, 10, 0, 0, timed=10, time_s=40.0, time_s2=160.0
    )


def test_what_the_law_does_not_let_it_keep_is_nowhere() -> None:
    counted = counts("sex")
    for number in range(10):
        crosses(counted, f"c{number}", issuer="ZZZ", age=7)
    record = counted.take("later")
    assert record is not None
    body = encode(record).decode()
    assert {one.attribute for one in record.cells} == {"everybody", "sex"}
    assert not [word for word in ("ZZZ", "under", "c3") if word in body]
    assert (record.basis, record.since, record.until) == ("Act 1, Article 2", "2026-12-05T06:00:00+00:00", "later")
    assert json.loads(body)["cells"][0]["crossings"] == 10


def test_what_went_wrong_is_counted_of_those_of_whom_it_can_be_said() -> None:
    counted = counts("sex")
    for number in range(10):
        crosses(counted, f"c{number}")
    crosses(counted, "below", Reason.FACE_BELOW_THRESHOLD, match=0.1)
    crosses(counted, "alarm", Reason.LIVENESS_BELOW_BOUND)
    crosses(counted, "away", Reason.FACE_MISSING, Reason.FACE_NOT_COMPARED, match=None)
    crosses(counted, "forged", Reason.DOCUMENT_CHECK_FAILED, match=None)
    crosses(counted, "watched", Reason.SHADOW_MODE)
    found = taken(counted)["sex", "F"]
    assert (found.crossings, found.referred) == (15, 4)
    assert (found.attempts, found.not_acquired) == (14, 1)
    assert (found.compared, found.below, found.looked, found.alarms) == (13, 1, 15, 1)


@pytest.mark.parametrize("disposition", list(Disposition))
def test_only_whom_an_officer_admits_was_taken_for_another_wrongly(disposition: Disposition) -> None:
    counted = counts("sex")
    for number in range(10):
        crosses(counted, f"c{number}", Reason.FACE_BELOW_THRESHOLD, Reason.LIVENESS_BELOW_BOUND)
        counted.record(Settled(f"c{number}", said(), disposition))
        counted.record(Settled(f"c{number}", said(), disposition))  # counted once
    found = taken(counted)["sex", "F"]
    expected = 10 if disposition is Disposition.ADMITTED_BY_OFFICER else 0
    assert (found.confirmed, found.cleared) == (expected, expected)


def test_an_officers_word_of_the_next_shift_is_counted_there() -> None:
    counted = counts("sex")
    for number in range(10):
        crosses(counted, f"c{number}", Reason.FACE_BELOW_THRESHOLD)
    assert taken(counted)["sex", "F"].below == 10
    for number in range(10):
        counted.record(Settled(f"c{number}", said(), Disposition.ADMITTED_BY_OFFICER))
        crosses(counted, f"d{number}")
    found = taken(counted)["sex", "F"]
    assert (found.crossings, found.below, found.confirmed) == (10, 0, 10)


def test_a_crossing_whose_document_was_not_read_is_in_no_group() -> None:
    counted = counts()
    counted.record(Closed("c", ClosedAs.REFERRED, (Objection(Reason.TIME_LIMIT),)))
    assert counted.take("later") is None


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_no_group_of_a_record_is_small_and_none_follows_from_a_difference(sizes: list[int]) -> None:
    counted = counts("issuer")
    for place, size in enumerate(sizes):
        for number in range(size):
            crosses(counted, f"{place}-{number}", issuer=f"X{place:02}")
    found = taken(counted)
    cells = [one.crossings for (attribute, _), one in found.items() if attribute == "issuer"]
    if sum(sizes) < CELL_MIN:
        assert found == {}
        return
    assert sum(cells) == sum(sizes), "nothing is left to be told by subtraction"
    assert min(cells) >= CELL_MIN
    assert len(cells) <= 41


def test_what_runs_without_end_is_forgotten_in_bounds() -> None:
    counted = counts("sex")
    for number in range(KNOWN_MAX + 5):
        counted.read(f"c{number}", GENUINE)
    for number in range(KNOWN_MAX + 5):
        counted.record(Closed(f"c{number}", ClosedAs.REFERRED, (Objection(Reason.TIME_LIMIT),)))
    assert taken(counted)["everybody", ""].crossings == KNOWN_MAX


@pytest.mark.parametrize(
    ("age", "band"),
    [(None, "unknown"), (0, "under 18"), (17, "under 18"), (18, "18 to 29"), (74, "60 to 74"), (75, "75 and older")],
)
def test_an_age_falls_into_its_band(age: int | None, band: str) -> None:
    assert age_band(age) == band


@pytest.mark.parametrize(
    ("clock", "shift"),
    [("00:00", 0), ("05:59", 0), ("06:00", 1), ("13:59", 1), ("14:00", 2), ("23:59", 3)],
)
def test_a_shift_ends_when_the_sites_clock_says_so(clock: str, shift: int) -> None:
    moment = datetime.fromisoformat(f"2026-12-05T{clock}")
    assert shift_of(moment, ("06:00", "14:00", "22:00")) == ("2026-12-05", shift)


def test_a_record_of_counts_belongs_to_no_crossing() -> None:
    assert not hasattr(GroupsCounted("", "", "", ()), "crossing")
