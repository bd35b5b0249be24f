"""The recorded passages against the ground truth: each missing, invented or untrue record is found."""

from __future__ import annotations

from typing import Any

import pytest

from hardware_sim.decision_log import Entry
from hardware_sim.reconciliation import BOOKED_MS_MAX, Different, differences
from hardware_sim.truth import Happening

FIRST = {"entry": 0, "exit": 0, "power_ups": 1}


class Barrier:
    """A controller that counts."""

    def __init__(self) -> None:
        self.counters = dict(FIRST)
        self.truth: list[Happening] = []

    def counts(self, at_ms: int, direction: str = "entry") -> dict[str, int]:
        self.counters[direction] += 1
        self.truth.append(Happening(at_ms, "counted", {"direction": direction, **self.counters}))
        return dict(self.counters)

    def power_up(self, at_ms: int) -> dict[str, int]:
        self.counters = {"entry": 0, "exit": 0, "power_ups": self.counters["power_ups"] + 1}
        self.truth.append(Happening(at_ms, "power_up", {"power_ups": self.counters["power_ups"]}))
        return dict(self.counters)

    def event(self, at_ms: int, event: str) -> None:
        self.truth.append(Happening(at_ms, event, {}))


def passed(
    at_ms: int,
    counters: dict[str, int],
    *,
    count: int = 1,
    how: str = "release",
    crossing: str | None = None,
    way: str = "entry",
) -> Entry:
    body: dict[str, Any] = {"count": count, "how": how, "direction": way, "counters": counters}
    return Entry(at_ms, "passed", crossing, body)


def admitted(barrier: Barrier, at_ms: int, crossing: str = "c1") -> list[Entry]:
    """A crossing from the document to the lane at rest, with a passage on its grant."""
    counters = barrier.counts(at_ms)
    return [
        Entry(at_ms - 900, "opened", crossing, {}),
        passed(at_ms + 60, counters, how="grant", crossing=crossing),
        Entry(at_ms + 900, "closed", crossing, {"verdict": "admitted"}),
    ]


def found(barrier: Barrier, *log: Entry) -> list[Different]:
    return [one.kind for one in differences(tuple(barrier.truth), log)]


# ── what is the same ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_books_in_which_nothing_happened() -> None:
    assert found(Barrier()) == []
    assert found(Barrier(), Entry(1, "counted", None, {"counters": FIRST, "before": None})) == []
    assert found(Barrier(), Entry(1, "passed", None, {})) == [], "an erased record"


def test_an_admitted_traveller_and_one_who_was_released() -> None:
    barrier = Barrier()
    log = [*admitted(barrier, 1_000), passed(5_100, barrier.counts(5_000))]
    assert found(barrier, *log) == []


def test_several_in_one_record_and_both_directions() -> None:
    barrier = Barrier()
    barrier.counts(1_000)
    barrier.counts(1_010, "exit")
    counters = barrier.counts(1_020)
    assert found(barrier, passed(1_100, counters, count=2), passed(1_100, counters, way="exit")) == []


def test_who_passed_while_the_cable_was_out_may_be_written_long_after() -> None:
    barrier = Barrier()
    barrier.event(900, "barrier_unplugged")
    counters = barrier.counts(1_000)
    barrier.event(90_000, "barrier_plugged")
    assert found(barrier, passed(90_500, counters, how="unseen")) == []


def test_an_officers_admission_is_borne_out_by_a_passage_too() -> None:
    barrier = Barrier()
    log = [
        Entry(100, "opened", "c1", {}),
        Entry(200, "closed", "c1", {"verdict": "referred"}),
        passed(1_100, barrier.counts(1_000), how="grant", crossing="c1"),
        Entry(1_500, "disposition", "c1", {"disposition": "admitted_by_officer"}),
    ]
    assert found(barrier, *log) == []
    assert found(barrier, *log[:-1], Entry(1_500, "disposition", "c1", {"disposition": "walked_back"})) == [
        Different.VERDICT
    ]


def test_a_referral_on_whose_way_somebody_passed_unseen_is_said_openly() -> None:
    barrier = Barrier()
    log = [
        Entry(100, "opened", "c1", {}),
        Entry(200, "closed", "c1", {"verdict": "referred"}),
        passed(1_100, barrier.counts(1_000), how="unseen", crossing="c1"),
    ]
    assert found(barrier, *log) == []


@pytest.mark.parametrize(("reason", "finds"), [("holder_in_view", []), ("emergency", [Different.VERDICT])])
def test_a_companion_passes_on_the_grant_of_a_crossing_that_is_referred_for_it(
    reason: str, finds: list[Different]
) -> None:
    barrier = Barrier()
    log = [
        Entry(100, "opened", "c1", {}),
        passed(1_100, barrier.counts(1_000), how="grant", crossing="c1"),
        Entry(4_100, "closed", "c1", {"verdict": "referred", "reasons": [{"reason": reason, "detail": ""}]}),
    ]
    assert found(barrier, *log) == finds


def test_the_latest_crossing_may_go_on_when_the_log_ends() -> None:
    barrier = Barrier()
    assert found(barrier, *admitted(barrier, 1_000)[:2]) == []


def test_what_no_gate_could_hear_of_before_a_power_up_is_no_difference() -> None:
    barrier = Barrier()
    barrier.counts(1_000)
    barrier.power_up(1_000 + BOOKED_MS_MAX)
    assert found(barrier, Entry(9_000, "counted", None, {"counters": barrier.counters})) == []
    barrier = Barrier()
    barrier.event(900, "barrier_unplugged")
    barrier.counts(1_000)
    barrier.power_up(60_000)
    assert found(barrier) == []


def test_a_world_that_does_not_tell_what_its_controller_counts_is_believed_for_who_passed() -> None:
    truth = (Happening(1_000, "passed", {"direction": "entry", "traveller": "t1"}),)
    assert differences(truth, (passed(1_100, FIRST),)) == ()
    assert [one.kind for one in differences(truth, ())] == [Different.PASSAGE_MISSING]


# ── what differs ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("direction", ["entry", "exit"])
def test_a_passage_that_is_in_no_record_is_missing(direction: str) -> None:
    barrier = Barrier()
    barrier.counts(1_000, direction)
    assert found(barrier) == [Different.PASSAGE_MISSING]


def test_four_who_became_one_are_three_missing() -> None:
    barrier = Barrier()
    counters = [barrier.counts(1_000 + number) for number in range(4)][-1]
    assert found(barrier, passed(1_100, counters)) == [Different.PASSAGE_MISSING] * 3


def test_a_passage_of_the_other_direction_covers_none() -> None:
    barrier = Barrier()
    counters = barrier.counts(1_000)
    assert set(found(barrier, passed(1_100, counters, way="exit"))) == {
        Different.PASSAGE_MISSING,
        Different.PASSAGE_INVENTED,
    }


def test_a_passage_that_nobody_counted_is_invented_and_so_is_one_before_it_happened() -> None:
    barrier = Barrier()
    first = passed(1_100, barrier.counts(1_000))
    assert found(barrier, first, passed(1_200, barrier.counters)) == [Different.PASSAGE_INVENTED]
    barrier = Barrier()
    counters = barrier.counts(2_000)
    assert set(found(barrier, passed(1_000, counters))) == {
        Different.PASSAGE_MISSING,
        Different.PASSAGE_INVENTED,
        Different.COUNTERS,
    }


@pytest.mark.parametrize("counters", [{"entry": 2, "exit": 0, "power_ups": 1}, {"entry": True}, None])
def test_counters_that_the_controller_never_had_differ(counters: Any) -> None:
    barrier = Barrier()
    barrier.counts(1_000)
    assert found(barrier, passed(1_100, counters)) == [Different.COUNTERS]


def test_a_passage_that_could_have_been_written_before_a_power_up_is_missing() -> None:
    barrier = Barrier()
    barrier.counts(1_000)
    barrier.power_up(1_001 + BOOKED_MS_MAX)
    assert found(barrier) == [Different.PASSAGE_MISSING]


def test_an_admission_on_which_nobody_passed_differs() -> None:
    log = [Entry(100, "opened", "c1", {}), Entry(200, "closed", "c1", {"verdict": "admitted"})]
    assert found(Barrier(), *log) == [Different.VERDICT]


def test_a_traveller_who_passed_on_their_grant_and_was_called_referred_differs() -> None:
    barrier = Barrier()
    opened, through, _ = admitted(barrier, 1_000)
    assert found(barrier, opened, through, Entry(2_000, "closed", "c1", {"verdict": "referred"})) == [Different.VERDICT]


def test_two_who_passed_on_one_grant_differ() -> None:
    barrier = Barrier()
    log = admitted(barrier, 1_000)
    again = passed(1_200, barrier.counts(1_150), how="grant", crossing="c1")
    assert found(barrier, *log[:2], again, log[2]) == [Different.VERDICT]


@pytest.mark.parametrize("verdicts", [0, 2])
def test_a_crossing_has_one_verdict(verdicts: int) -> None:
    log = [
        Entry(100, "opened", "c1", {}),
        *[Entry(200, "closed", "c1", {"verdict": "referred"})] * verdicts,
        Entry(300, "opened", "c2", {}),
    ]
    assert found(Barrier(), *log) == [Different.VERDICT]


def test_differences_say_when_and_why_as_json() -> None:
    barrier = Barrier()
    barrier.counts(1_000)
    (one,) = differences(tuple(barrier.truth), ())
    assert one.as_json() == {"at_ms": 1_000, "kind": "passage_missing", "why": "in entry direction, in no record"}
