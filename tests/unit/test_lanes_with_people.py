"""No lane locks itself: five minutes of people before a lane that nothing is wrong with, and the next traveller is served."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.peopled_lane import GENUINE_ONE, Habits, PeopledLane, five_minutes, serves_again

from gate.passage import alarms, records
from gate.passage.reasons import Reason
from gate.passage.screen import Screen
from hardware_sim.scenario import Deed, Moment, Step

QUICK, MANY = range(10), range(10, 200)


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


def test_lanes_whose_alarms_nobody_clears_end_locked_and_say_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative: neither the lane nor an officer does anything about an alarm."""
    monkeypatch.setattr(alarms, "_clear", lambda around, *_: (around, ()))
    lanes = [five_minutes(seed, Habits(acknowledges=False)) for seed in QUICK]
    locked = [lane for lane in lanes if not serves_again(lane)]
    assert len(locked) >= len(QUICK) // 2
    assert all(lane.screen != Screen.WELCOME.value and not lane.around.in_service() for lane in locked)


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
@pytest.mark.parametrize("seed", range(20))
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
