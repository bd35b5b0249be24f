"""What a lane counts, and when it warns: of enough, and never of a few."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import CROSSING, GENUINE, granted, referred

from gate.passage import records
from gate.passage.effects import Write
from gate.passage.names import ClosedAs
from gate.programs.lane.health_counters import LATEST, QUESTIONS_MIN, USUAL, LeafTimes, Tally
from gate_core.evidence.crossing import CheckId, CheckResult, DocumentEvidence
from gate_core.ports.values import LeafPosition as At

TRAVELLER = "somebody"


def counted(*lanes: list[records.Record]) -> Tally:
    tally = Tally()
    for lane in lanes:
        for record in lane:
            tally.record(record)
    return tally


def written(run: object) -> list[records.Record]:
    return [one.record for one in run.effects if isinstance(one, Write)]  # type: ignore[attr-defined]


def test_crossings_are_counted_by_their_verdict_and_each_reason_once_a_crossing() -> None:
    tally = counted(written(referred()), written(granted()))
    assert dict(tally.crossings) == {"referred": 1}
    assert dict(tally.reasons) == {"face_below_threshold": 1}
    assert tally.chips[True] == 2


def test_a_chip_is_counted_once_in_a_lane_of_two_doors() -> None:
    decided = next(one for one in written(granted()) if isinstance(one, records.Decided))
    evidence = replace(decided.evidence, first=decided.evidence.lane)
    entered = records.EntryDecided(CROSSING, decided.decision, (), evidence, decided.policy)
    tally = counted([entered, replace(decided, evidence=evidence)])
    assert tally.chips[True] == 1


def test_stages_are_a_histogram_of_seconds() -> None:
    tally = counted([records.Closed(CROSSING, ClosedAs.ADMITTED, stages_ms={"decided": 5_500.0})])
    decided = tally.detail()["stages"]["decided"]  # type: ignore[index]
    assert (decided["count"], decided["sum_s"]) == (1, 5.5)
    assert (decided["buckets"]["4"], decided["buckets"]["6"], decided["buckets"]["45"]) == (0, 1, 1)


def test_a_few_failures_warn_of_nothing() -> None:
    tally = Tally()
    for _ in range(LATEST - 1):
        tally._read(DocumentEvidence.unreadable("gone", CheckId.CHIP_ACCESS))
        tally.page(read=False)
    tally.line("barrier", {"requests": QUESTIONS_MIN - 1, "silences": QUESTIONS_MIN - 1})
    assert tally.warnings() == []
    tally.line("barrier", {"looks": 7})
    assert tally.warnings() == []


def test_what_is_well_again_warns_no_more() -> None:
    tally = Tally()
    for read in (False, True):
        for _ in range(LATEST):
            tally.page(read=read)
        tally.line("barrier", {"requests": QUESTIONS_MIN * (1 + read), "silences": 0 if read else QUESTIONS_MIN})
        assert tally.warnings() == ([] if read else ["line_poor", "pages_unclear"])
        tally.line("barrier", {"requests": QUESTIONS_MIN * (2 + read), "silences": QUESTIONS_MIN})


def test_a_document_whose_chip_said_no_is_no_failure_of_the_reader() -> None:
    tally = Tally()
    refused = replace(
        GENUINE,
        checks=tuple(
            replace(check, result=CheckResult.FAILED) if check.id is CheckId.CHIP_ACCESS else check
            for check in GENUINE.checks
        ),
    )
    for _ in range(LATEST):
        tally._read(refused)
    assert (tally.chips[True], tally.chips[False], tally.warnings()) == (LATEST, 0, [])


def moved(leaf: LeafTimes, *steps: tuple[At, float]) -> None:
    for position, at_ms in steps:
        leaf.see(position, at_ms)


def test_a_whole_movement_is_timed() -> None:
    leaf = LeafTimes()
    moved(
        leaf,
        (At.CLOSED, 0),
        (At.OPENING, 100),
        (At.OPENING, 300),
        (At.OPEN, 700),
        (At.CLOSING, 5_000),
        (At.CLOSED, 5_800),
    )
    assert leaf.detail() == {"opening_ms": 600, "closing_ms": 800, "slow": False}


def test_a_movement_that_turned_round_or_whose_line_was_lost_says_nothing() -> None:
    leaf = LeafTimes()
    moved(leaf, (At.CLOSED, 0), (At.OPENING, 100), (At.CLOSING, 300), (At.CLOSED, 400))
    moved(leaf, (At.OPENING, 500))
    leaf.forget()
    moved(leaf, (At.OPEN, 9_000), (At.UNKNOWN, 9_100), (At.CLOSED, 9_200))
    assert leaf.detail() == {"opening_ms": None, "closing_ms": None, "slow": False}


def test_a_leaf_is_slow_by_its_own_measure_and_not_for_one_slow_movement() -> None:
    leaf, at_ms = LeafTimes(), 0.0
    for number in range(USUAL + 5):
        took_ms = 900.0 if number >= USUAL else 500.0
        moved(
            leaf,
            (At.CLOSED, at_ms),
            (At.OPENING, at_ms + 1),
            (At.OPEN, at_ms + 1 + took_ms),
            (At.CLOSING, at_ms + 5_000),
        )
        at_ms += 10_000
        assert leaf.slow is (number >= USUAL + 2)
