"""What the demo makes of the records of one visit: what was not as the scenario says, down to the detail of a reason."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gate_demo.director import Visit
from gate_demo.disk import DiskKind, LogDisk
from gate_demo.machine import QUEUED_PERCENT_MAX, Lateness
from gate_demo.report import Again, Checked, Door, Expected, Foreign, Judged, Line, Outcome, Result, outcome_of


def records(*reasons: tuple[str, str], verdict: str = "referred") -> list[Line]:
    listed = [{"reason": reason, "detail": detail} for reason, detail in reasons]
    return [Line("closed", "c1", {"verdict": verdict, "reasons": listed})]


def differences(expected: Expected, log: list[Line], passed: int = 0) -> tuple[str, ...]:
    return outcome_of(Visit("t001", "s", ["c1"], passed), log, expected).differences


@pytest.mark.parametrize("reason", ["document_check_failed", "document_check_failed:expiry"])
def test_a_reason_is_found_with_or_without_its_detail(reason: str) -> None:
    log = records(("document_check_failed", "expiry"), ("face_missing", ""))
    assert differences(Expected("referred", (), (reason,), 0), log) == ()


def test_the_right_reason_with_another_detail_is_not_as_expected() -> None:
    expected = Expected("referred", (), ("document_check_failed:revocation",), 0)
    assert differences(expected, records(("document_check_failed", "expiry"))) == (
        "no reason document_check_failed:revocation",
    )


def test_everything_that_differs_is_told() -> None:
    expected = Expected("admitted", ("bodies_several",), (), 1)
    assert differences(expected, records(("face_missing", ""))) == (
        "verdict referred, expected admitted",
        "0 passed, expected 1",
        "no incident bodies_several",
    )


def test_whom_an_officer_lets_through_is_no_difference_and_whom_nobody_does_is_one() -> None:
    expected, order = Expected("referred", (), (), 0), {"officer": "you", "role": "officer"}
    word = Line("overruled", "c1", {"order": order, "reasons": []})
    assert differences(expected, [*records(), word], passed=1) == ()
    assert differences(expected, [*records(), Line("overruled", "c2", word.body)], passed=1) == (
        "1 passed, expected 0",
    )


def test_a_visit_without_records_has_no_verdict() -> None:
    assert differences(Expected("referred", (), (), 0), []) == ("verdict none, expected referred",)


def test_an_incident_that_belongs_to_no_crossing_is_the_visits_in_which_it_was() -> None:
    log = [*records(), Line("incident", None, {"crossing": None, "incident": "way_back"}, monotonic_ms=50)]
    expected = Expected("referred", ("way_back",), (), 0)
    for began_ms, ended_ms, differs in ((0, 49, True), (40, 60, False), (50, 90, True)):
        visit = Visit("t001", "s", ["c1"], began_ms=began_ms, ended_ms=ended_ms)
        assert bool(outcome_of(visit, log, expected).differences) is differs


LATE = Lateness(queued_percent=QUEUED_PERCENT_MAX + 1)


def visited(late: Lateness, *differences: str) -> Outcome:
    return Outcome(Visit("t001", "genuine", late=late), "referred", ("track_lost",), (), {}, differences)


def result(
    *outcomes: Outcome,
    wrong_openings: int = 0,
    again: tuple[Again, ...] = (),
    doors: dict[str, Door] | None = None,
) -> Result:
    return Result(
        list(outcomes),
        again=list(again),
        audit=Checked(9, verified=True),
        synced=Checked(9, verified=True),
        judged=Judged(wrong_openings, [], doors=doors or {}),
        ready_s=1.0,
        memory_mb={},
        chip="direct",
        disk=LogDisk(DiskKind.LIMITED, Path(), Path(), 0),
    )


def test_a_late_machine_is_told_apart_from_a_wrong_gate() -> None:
    found = result(visited(LATE, "0 passed, expected 1"), visited(Lateness()))
    assert (found.as_expected, found.too_slow) == (False, True)
    assert found.late == LATE
    assert f"{LATE.queued_percent} %" in str(found.late)


def test_one_difference_on_a_machine_in_time_is_the_gates() -> None:
    found = result(visited(LATE, "0 passed, expected 1"), visited(Lateness(), "0 passed, expected 1"))
    assert (found.as_expected, found.too_slow) == (False, False)


def test_a_late_machine_excuses_no_wrong_opening() -> None:
    found = result(visited(LATE, "0 passed, expected 1"), wrong_openings=1)
    assert (found.as_expected, found.too_slow) == (False, False)


def test_a_foreign_program_that_does_not_verify_the_log_makes_the_demo_fail_and_none_does_not() -> None:
    for said, as_expected in ((True, True), (None, True), (False, False)):
        found = replace(result(visited(Lateness())), foreign=Foreign(said, "FAIL: entry 3"))
        assert (found.as_expected, found.too_slow) == (as_expected, False)
        console = Console(file=io.StringIO(), width=200)
        found.draw(console)
        assert "A program of others on the same log: FAIL: entry 3" in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_went_well_on_a_late_machine_went_well() -> None:
    found = result(visited(LATE))
    assert (found.as_expected, found.too_slow) == (True, False)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (visited(Lateness()), "Everything as expected."),
        (visited(LATE, "0 passed, expected 1"), "This machine is too slow."),
        (visited(Lateness(), "0 passed, expected 1"), "NOT as expected."),
    ],
)
def test_the_report_says_which_it_was_and_who_came_again(outcome: Outcome, words: str) -> None:
    console = Console(file=io.StringIO(), width=200)
    result(outcome, again=(Again("two_faces", ("verdict none, expected referred",), LATE),)).draw(console)
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert words in drawn
    assert "Played again, because the machine was late: two faces." in drawn


def test_the_report_of_two_doors_says_what_was_judged_at_each() -> None:
    found = result(doors={"first": Door(54, 52, 0, 1), "last": Door(16, 13, 0, 0)})
    assert found.fields()["doors"] == {
        "first": {"openings": 54, "passages": 52, "wrong": 0, "along": 1},
        "last": {"openings": 16, "passages": 13, "wrong": 0, "along": 0},
    }
    console = Console(file=io.StringIO(), width=200)
    found.draw(console)
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(word in drawn for word in ("Doors", "54", "52", "16", "13"))
