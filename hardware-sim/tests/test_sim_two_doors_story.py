"""Stories of a lane of two doors, played as conversations with no time passing."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import Deed, Lane, Owner, Scenario, Sight, Step, read_scenarios, scenario_folder
from hardware_sim.story import (
    OFFICER_MS_MAX,
    OFFICERS_GRANTS_MAX,
    Await,
    Disturb,
    Hide,
    LookUp,
    Move,
    Pause,
    Present,
    Seen,
    Stand,
    TakeBack,
    TurnBack,
    Walk,
    WalkOn,
)
from hardware_sim.two_doors.story import InnerTraveller

SCENARIOS = read_scenarios(scenario_folder(), Lane.TWO_DOOR)
IN = ("welcome", "wait", "go", "wait", "look")
OUT = ("wait", "go", "wait", "welcome")


class Gate:
    """Shows one screen after another, the next whenever the traveller waits for what is not shown; who may walk gets there.

    The way back opens `ways_back` times.
    """

    def __init__(self, *screens: str, ways_back: int = 1, lets_in: bool = True) -> None:
        self.moves: list[Move] = []
        self._screens = list(screens)
        self._ways_back = ways_back
        self._lets_in = lets_in
        self._place = Place.WAITING
        self._screen = "closed"

    def play(self, scenario: Scenario) -> bool:
        story = InnerTraveller(scenario, random.Random(1)).story()
        try:
            move = next(story)
            while True:
                self.moves.append(move)
                move = story.send(self._answer(move))
        except StopIteration as end:
            return bool(end.value)

    def _answer(self, move: Move) -> Seen:
        match move:
            case Await(screens, places, limit_ms, way_back):
                while not (self._screen in screens or self._place in places):
                    if way_back and self._ways_back:
                        self._ways_back -= 1
                        return Seen(self._screen, self._place, way_back=True)
                    if limit_ms == 0 or not self._screens:
                        break
                    self._screen = self._screens.pop(0)
            case Walk(behind_m=0.0):
                self._place = Place.INSIDE if self._lets_in else Place.IN_ZONE
            case WalkOn(Owner.SELF):
                self._place = Place.PASSED
            case TurnBack(Owner.SELF) if self._place is not Place.PASSED:
                self._place = Place.BACK
            case _:
                pass
        return Seen(self._screen, self._place)

    @property
    def deeds(self) -> list[Move]:
        return [move for move in self.moves if not isinstance(move, Pause | Await | LookUp)]

    def did(self, kind: type) -> list[Any]:
        return [move for move in self.moves if isinstance(move, kind)]


def test_a_genuine_traveller_takes_the_document_along_is_looked_at_inside_and_goes_out() -> None:
    gate = Gate(*IN, *OUT)
    assert gate.play(SCENARIOS["genuine"])
    assert gate.deeds == [
        Present(Owner.SELF),
        TakeBack(),
        Walk(Owner.SELF),
        Stand(Sight.SELF),
        WalkOn(Owner.SELF),
        Stand(Sight.NOBODY),
    ]


def test_one_who_is_referred_outside_does_not_walk() -> None:
    gate = Gate("welcome", "wait", "officer", "welcome")
    gate.play(SCENARIOS["expired"])
    assert gate.deeds == [Present(Owner.SELF), TakeBack(), Stand(Sight.NOBODY)]


def test_one_who_is_referred_inside_goes_back_when_the_first_door_opens() -> None:
    gate = Gate(*IN, "wait", "officer")
    gate.play(SCENARIOS["someone_elses_passport"])
    assert gate.deeds[2:] == [Walk(Owner.SELF), Stand(Sight.SELF), TurnBack(Owner.SELF), Stand(Sight.NOBODY)]


def test_one_whom_an_officer_lets_out_goes_on() -> None:
    gate = Gate(*IN, "wait", "officer", "go", ways_back=0)
    gate.play(SCENARIOS["someone_elses_passport"])
    assert gate.deeds[-2:] == [WalkOn(Owner.SELF), Stand(Sight.NOBODY)]


def test_one_whom_an_officer_lets_in_is_before_an_officer_again() -> None:
    gate = Gate("welcome", "wait", "officer", "go", "wait", "officer")
    gate.play(SCENARIOS["expired"])
    assert gate.deeds == [
        Present(Owner.SELF),
        TakeBack(),
        Walk(Owner.SELF),
        TurnBack(Owner.SELF),
        Stand(Sight.NOBODY),
    ]


def test_one_who_stays_leaves_the_open_way_back_unused_once() -> None:
    gate = Gate(*IN, "wait", "officer", ways_back=2)
    gate.play(SCENARIOS["stayed_inside"])
    assert len(gate.did(TurnBack)) == 1
    offered = [move for move in gate.did(Await) if move.way_back]
    assert len(offered) == 2


def test_nobody_waits_for_a_way_back_for_ever() -> None:
    gate = Gate(*IN, "wait", "officer", ways_back=0)
    gate.play(SCENARIOS["someone_elses_passport"])
    offered = [move for move in gate.did(Await) if move.way_back]
    assert 0 < sum(move.limit_ms for move in offered) <= OFFICERS_GRANTS_MAX * OFFICER_MS_MAX


def test_one_who_is_shut_out_of_the_first_door_walks_back_and_waits() -> None:
    gate = Gate("welcome", "wait", "go", "officer", "welcome", lets_in=False)
    gate.play(SCENARIOS["changed_at_the_first_door"])
    assert gate.did(Walk) == [Walk(Owner.SELF), Walk(Owner.OTHER)]
    assert gate.did(TurnBack) == [TurnBack(Owner.SELF), TurnBack(Owner.OTHER)]


def test_whoever_follows_turns_back_with_the_traveller() -> None:
    gate = Gate("welcome", "wait", "go", "wait", "officer")
    gate.play(SCENARIOS["piggyback"])
    assert gate.did(TurnBack)[:2] == [TurnBack(Owner.SELF), TurnBack(Owner.OTHER)]


def test_somebody_who_hides_goes_before_the_traveller_is_invited() -> None:
    gate = Gate("closed", *IN, *OUT)
    gate.play(SCENARIOS["hidden_inside"])
    assert gate.deeds[:3] == [Hide(Owner.OTHER), TurnBack(Owner.OTHER), Present(Owner.SELF)]
    assert gate.did(WalkOn) == [WalkOn(Owner.SELF)]


@pytest.mark.parametrize(
    ("name", "deed"),
    [
        ("first_barrier_cut", Deed.UNPLUG_FIRST_BARRIER),
        ("sensors_cut", Deed.UNPLUG_SENSORS),
        ("called_for_help", Deed.CALL_FOR_HELP),
        ("left_bag", Deed.LEAVE_BAG),
        ("barrier_cut", Deed.UNPLUG_BARRIER),
    ],
)
def test_every_deed_comes_at_its_moment(name: str, deed: Deed) -> None:
    gate = Gate(*IN, *OUT)
    gate.play(SCENARIOS[name])
    (disturbed,) = gate.did(Disturb)
    assert isinstance(disturbed.step, Step)
    assert disturbed.step.do is deed
    assert disturbed.step.for_ms > 0


@pytest.mark.parametrize("lane", list(Lane))
def test_every_scenario_of_a_lane_can_be_told_there(lane: Lane) -> None:
    stories = read_scenarios(scenario_folder(), lane)
    of_two = {Deed.HIDE, Deed.PIGGYBACK, Deed.LEAVE_BAG, Deed.CALL_FOR_HELP, Deed.UNPLUG_SENSORS}
    told = {step.do for scenario in stories.values() for step in scenario.steps}
    assert bool(told & of_two) is (lane is Lane.TWO_DOOR)
    assert {"genuine", "fire", "log_disk_full"} <= stories.keys()


def test_what_is_expected_of_two_doors_stands_in_place_of_what_is_expected_of_one() -> None:
    one = read_scenarios(scenario_folder())["zone_occupied"]
    two = SCENARIOS["zone_occupied"]
    assert (one.verdict.value, one.reasons, one.passages) == ("referred", ("zone_not_empty",), 0)
    assert (two.verdict.value, two.reasons, two.passages) == ("admitted", (), 1)
