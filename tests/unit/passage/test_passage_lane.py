"""What a lane knows of its surroundings: what is not known is never taken for good, and each fact stands by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, Run, granted, inspecting, looking, ready, recording

from gate.passage.door_state import DoorState, PendingOrder
from gate.passage.effects import Erase
from gate.passage.events import DocumentPresented, RecordReplaced
from gate.passage.lane import LaneContext
from gate.passage.names import RecordKind
from gate_core.evidence.crossing import Door, LaneEvidence, Notice


def opening() -> Run:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    return run


def test_a_lane_that_was_never_seen_is_neither_at_rest_nor_in_service_nor_evidence() -> None:
    never = LaneContext()
    assert not never.at_rest()
    assert not never.in_service()
    assert not never.emergency()
    assert never.lane_evidence(0) == LaneEvidence(None)


@pytest.mark.parametrize(("fire", "stands_open"), [(True, False), (False, True), (True, True), (False, False)])
def test_fire_and_a_controller_that_stands_open_are_each_an_emergency(fire: bool, stands_open: bool) -> None:  # noqa: FBT001 - cases
    lane = LaneContext(doors=(DoorState(seen=replace(AT_REST, fire=fire, emergency_open=stands_open)),))
    evidence = lane.lane_evidence(0).last
    assert evidence is not None
    assert evidence.emergency is lane.emergency() is (fire or stands_open)


@pytest.mark.parametrize("unlike", [{"closed": False}, {"bodies": 1}, {"grants_left": 1}])
def test_at_rest_is_a_closed_leaf_before_an_empty_zone_with_nothing_granted(unlike: dict[str, int]) -> None:
    assert DoorState(seen=AT_REST).at_rest()
    assert not DoorState(seen=replace(AT_REST, **unlike)).at_rest()  # type: ignore[arg-type]


def test_an_order_is_a_notice_once_no_status_showed_it_in_time() -> None:
    told = PendingOrder(0, 0)
    assert LaneContext(doors=(DoorState(revoking=told, freeing=told),)).notices() == ()
    late = replace(told, missed=True)
    assert set(LaneContext(doors=(DoorState(revoking=late, freeing=late),)).notices()) == {
        Notice.REVOKE_NOT_SHOWN,
        Notice.RELEASE_NOT_SHOWN,
    }


def test_a_record_of_no_crossing_that_was_refused_makes_no_crossing_suspect() -> None:
    run = ready()
    run.feed(RecordReplaced(None, RecordKind.INCIDENT))
    assert run.lane.replaced == ()


@pytest.mark.parametrize("lane_in", [opening, inspecting, recording, looking, granted])
def test_an_emergency_ends_everything_biometric(lane_in: Callable[[], Run]) -> None:
    assert Erase(CROSSING) in lane_in().feed(replace(AT_REST, fire=True))


def test_a_door_that_the_lane_does_not_have_is_nobodys() -> None:
    lane = ready().lane
    assert lane.door_state(Door.LAST) is lane.last
    with pytest.raises(KeyError):
        lane.door_state(Door.FIRST)
