"""No lane locks itself: five minutes of people before a lane that nothing is wrong with, and the next traveller is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.peopled_lane import GENUINE_ONE, Habits, PeopledLane, five_minutes, serves_again

from gate.passage import records
from gate_core.evidence.reasons import Reason
from hardware_sim.scenario import Deed, Moment, Step

QUICK, MANY, FEW = range(8), range(8, 200), range(4)


pytestmark = pytest.mark.no_cover


def look(seed: int) -> tuple[bool, int, PeopledLane]:
    lane = five_minutes(seed)
    return serves_again(lane), lane.welcomed_with_alarm, lane


def judged(seeds: range) -> dict[str, int]:
    """How many lanes ended locked, invited somebody with an alarm, and had alarms at all."""
    seen = [look(seed) for seed in seeds]
    had = [any(isinstance(record, records.AlarmEnded) for record in lane.records) for _, _, lane in seen]
    return {
        "locked": sum(not served for served, _, _ in seen),
        "welcomed_with_alarm": sum(welcomed for _, welcomed, _ in seen),
        "had_alarms": sum(had),
    }


def test_no_lane_ends_locked_after_five_minutes_of_people() -> None:
    found = judged(QUICK)
    assert (found["locked"], found["welcomed_with_alarm"]) == (0, 0)
    assert found["had_alarms"] >= len(QUICK) // 2, "else nothing was tried"


@pytest.mark.long
def test_no_lane_of_very_many_ends_locked() -> None:
    found = judged(MANY)
    assert (found["locked"], found["welcomed_with_alarm"]) == (0, 0)


def passed_as(lane: PeopledLane, crossing: str) -> bool:
    passages = (one for one in lane.records if isinstance(one, records.Passed))
    return any(one.how is records.PassedBy.GRANT and one.crossing == crossing for one in passages)


@pytest.mark.parametrize(
    ("moment", "deed", "reason"),
    [
        (Moment.WALKING, Deed.STEP_BACK, Reason.WALKED_BACK),
        (Moment.LOOK, Deed.TAILGATE, Reason.ZONE_NOT_EMPTY),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_nobody_passes_as_somebody_who_walked_back_or_stands_before(
    seed: int, moment: Moment, deed: Deed, reason: Reason
) -> None:
    lane = PeopledLane(seed, Habits(strangers=False))
    lane.run(1_000)
    lane.visit(replace(GENUINE_ONE, steps=(Step(moment, deed),)))
    lane.run(60_000, until=lambda: not lane.is_visited)
    assert lane.passed == []
    assert not passed_as(lane, "c1")
    (closed,) = (record for record in lane.records if isinstance(record, records.Closed))
    assert [one.reason for one in closed.reasons] == [reason]
    assert serves_again(lane)


def push_the_leaf(lane: PeopledLane) -> None:
    lane.barrier.push_leaf(30)


def break_the_motor(lane: PeopledLane) -> None:
    lane.barrier.set_motor_fault(faulty=True)
    lane.later(5_000, lambda: lane.barrier.set_motor_fault(faulty=False))


def forced_and_without_power(lane: PeopledLane) -> None:
    lane.barrier.push_leaf(30)
    lane.later(1_000, lane.barrier.power_cycle)


@pytest.mark.parametrize("mishap", [push_the_leaf, break_the_motor, forced_and_without_power])
def test_after_a_mishap_the_lane_is_closed_until_an_officer_has_seen_it_and_then_serves(
    mishap: Callable[[PeopledLane], None],
) -> None:
    lane = PeopledLane(1, Habits(strangers=False, acknowledges=False))
    lane.run(1_000)
    mishap(lane)
    lane.run(120_000)
    assert (lane.screen, lane.context.at_rest()) == ("closed", True)
    lane.habits.acknowledges = True
    assert serves_again(lane)
