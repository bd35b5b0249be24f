"""Travellers' stories, played as conversations with no time passing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import Deed, Owner, Sight, parse_scenario, read_scenarios, scenario_folder
from hardware_sim.story import (
    OFFICERS_GRANTS_MAX,
    PAGE_WORDS,
    SETTLED,
    Await,
    Disturb,
    LayAgain,
    LookUp,
    Move,
    Pause,
    Present,
    Seen,
    Stand,
    TakeBack,
    Traveller,
    TurnBack,
    Walk,
)

SCENARIOS = read_scenarios(scenario_folder())
Answer = Callable[[Move, Seen], Seen]


class Gate:
    """Plays the gate: shows one screen after another, the next whenever the traveller waits for what is not shown."""

    def __init__(self, *screens: str, passes: bool = True, lays_pages: bool = False) -> None:
        self.lays_pages = lays_pages
        self.moves: list[Move] = []
        self._screens = list(screens)
        self._passes = passes
        self._seen = Seen("closed", Place.WAITING)

    def play(self, scenario: Any, seed: int = 1) -> bool:
        story = Traveller(scenario, random.Random(seed), lays_pages=self.lays_pages).story()
        try:
            move = next(story)
            while True:
                self.moves.append(move)
                move = story.send(self._answer(move))
        except StopIteration as end:
            return bool(end.value)

    def _answer(self, move: Move) -> Seen:
        match move:
            case Await(screens, places, limit_ms):
                while not (self._seen.screen in screens or self._seen.place in places):
                    if limit_ms == 0 or not self._screens:
                        break
                    self._seen = Seen(self._screens.pop(0), self._seen.place)
            case Walk(behind_m=0.0):
                self._seen = Seen(self._seen.screen, Place.PASSED if self._passes else Place.IN_ZONE)
            case TurnBack(Owner.SELF) if self._seen.place is not Place.PASSED:
                self._seen = Seen(self._seen.screen, Place.BACK)
            case _:
                pass
        return self._seen

    @property
    def shows(self) -> str:
        return self._seen.screen

    @property
    def deeds(self) -> list[Move]:
        return [move for move in self.moves if not isinstance(move, Pause | Await | LookUp)]

    def did(self, kind: type) -> list[Any]:
        return [move for move in self.moves if isinstance(move, kind)]


def test_a_genuine_traveller_presents_walks_and_is_gone() -> None:
    gate = Gate("welcome", "wait", "look", "go")
    assert gate.play(SCENARIOS["genuine"])
    assert gate.deeds == [
        Stand(Sight.SELF),
        Present(Owner.SELF),
        TakeBack(),
        Walk(Owner.SELF),
        Stand(Sight.NOBODY),
    ]


def test_nobody_presents_anything_uninvited() -> None:
    gate = Gate("closed", "officer")
    assert not gate.play(SCENARIOS["genuine"])
    assert gate.deeds == [Stand(Sight.NOBODY)]


@pytest.mark.parametrize("after", ["welcome", "closed", "emergency"])
def test_one_who_is_referred_waits_for_the_officer_and_takes_the_passport(after: str) -> None:
    gate = Gate("welcome", "look", "officer", after)
    gate.play(SCENARIOS["genuine"])
    assert gate.deeds == [Stand(Sight.SELF), Present(Owner.SELF), TakeBack(), Stand(Sight.NOBODY)]
    officer = [
        move for move in gate.did(Await) if move.screens == {"welcome", "closed", "emergency", "go"} | PAGE_WORDS
    ]
    assert len(officer) == 1


def test_one_whom_an_officer_lets_through_takes_the_passport_and_walks() -> None:
    gate = Gate("welcome", "look", "officer", "go")
    gate.play(SCENARIOS["someone_elses_passport"])
    assert gate.deeds[-3:] == [TakeBack(), Walk(Owner.SELF), Stand(Sight.NOBODY)]


def test_one_whose_officers_grant_fails_waits_again_and_not_for_ever() -> None:
    gate = Gate("welcome", "look", *("officer", "go") * 9, passes=False)
    gate.play(SCENARIOS["someone_elses_passport"])
    assert len(gate.did(Walk)) == OFFICERS_GRANTS_MAX
    assert len(gate.did(TakeBack)) == 1


@pytest.mark.parametrize("screen", ["emergency", "closed"])
def test_one_who_must_leave_takes_the_passport_and_leaves(screen: str) -> None:
    gate = Gate("welcome", "look", screen)
    gate.play(SCENARIOS["genuine"])
    assert gate.deeds[-2:] == [TakeBack(), Stand(Sight.NOBODY)]
    assert not gate.did(Walk)


def test_one_for_whom_no_decision_comes_gives_up() -> None:
    gate = Gate("welcome", "look")
    assert gate.play(SCENARIOS["genuine"])
    assert gate.deeds[-2:] == [TakeBack(), Stand(Sight.NOBODY)]


def test_a_screen_that_changes_on_the_way_turns_the_traveller_back() -> None:
    gate = Gate("welcome", "look", "go", "officer", "welcome", passes=False)
    scenario = parse_scenario({"name": "n", "title": "t", "verdict": "referred", "incidents": [], "passages": 0})
    gate.play(scenario)
    assert gate.deeds[-3:] == [Walk(Owner.SELF), TurnBack(Owner.SELF), Stand(Sight.NOBODY)]


def test_one_who_hesitates_and_sees_go_vanish_does_not_walk() -> None:
    gate = Gate("welcome", "look", "go", "officer", "welcome")
    gate.play(SCENARIOS["swap_after_match"])
    assert not gate.did(Walk)


@pytest.mark.parametrize("scenario", ["swap_after_match", "genuine"], ids=["hesitates", "walks"])
def test_one_moment_in_the_place_of_go_leads_to_the_officer(scenario: str) -> None:
    gate = Gate("welcome", "look", "go", "wait", "officer", "welcome", passes=False)
    gate.play(SCENARIOS[scenario])
    assert bool(gate.did(TurnBack)) is (scenario == "genuine")
    (waits,) = (move for move in gate.did(Await) if move.screens == SETTLED | {"go"})
    assert gate.moves.index(waits) < gate.moves.index(gate.deeds[-1])


@pytest.mark.parametrize("after", ["welcome", "page_open", "closed"])
@pytest.mark.parametrize("before", [("look", "wait"), ("wait",), ("wait", "look")])
@pytest.mark.parametrize("name", ["someone_elses_passport", "page_visa", "protection_without_document"])
def test_one_whom_an_officer_settles_before_the_page_says_so_leaves_at_once(
    name: str, before: tuple[str, ...], after: str
) -> None:
    gate = Gate("welcome", *before, after, "look", lays_pages=True)
    gate.play(SCENARIOS[name])
    assert gate.shows == after
    assert gate.did(LayAgain) == []
    assert gate.deeds[-1] == Stand(Sight.NOBODY)


def test_one_without_a_document_asks_and_waits_for_the_officer() -> None:
    gate = Gate("welcome", "wait", "officer", "welcome", "look")
    assert gate.play(SCENARIOS["protection_without_document"])
    assert [type(deed) for deed in gate.deeds] == [Stand, Disturb, Stand]
    assert gate.shows == "welcome"


def test_a_child_who_is_alone_does_not_walk() -> None:
    gate = Gate("welcome", "look", "go", "wait", "officer", "welcome")
    gate.play(SCENARIOS["unaccompanied_child"])
    assert not gate.did(Walk)


def test_after_a_swap_the_other_one_walks() -> None:
    gate = Gate("welcome", "look", "go")
    gate.play(SCENARIOS["swap_after_match"])
    assert gate.deeds[2:5] == [TakeBack(), Stand(Sight.OTHER), Walk(Owner.OTHER)]


def test_a_passport_that_changes_hands_is_presented_again_and_taken_back() -> None:
    gate = Gate("welcome", "look", "go", "officer", "welcome")
    gate.play(SCENARIOS["handed_over_at_the_door"])
    assert gate.deeds[1:] == [
        Present(Owner.SELF),
        TakeBack(),
        Present(Owner.OTHER),
        TakeBack(),
        Stand(Sight.NOBODY),
    ]


def test_a_tailgater_follows_and_goes_back() -> None:
    gate = Gate("welcome", "look", "go")
    gate.play(SCENARIOS["tailgater"])
    first, second = gate.did(Walk)
    assert (first.who, first.behind_m) == (Owner.SELF, 0.0)
    assert second.who is Owner.OTHER
    assert second.behind_m > 0.45
    assert gate.did(TurnBack) == [TurnBack(Owner.OTHER)]


def test_one_who_steps_back_comes_out_of_the_zone_before_the_other_goes_in() -> None:
    gate = Gate("welcome", "look", "go")
    gate.play(SCENARIOS["walked_back"])
    assert gate.deeds[3:] == [Walk(Owner.SELF), TurnBack(Owner.SELF), Walk(Owner.OTHER), Stand(Sight.NOBODY)]
    waits = [move for move in gate.moves if isinstance(move, Await)]
    assert [wait.places for wait in waits[-3:]] == [
        {Place.IN_ZONE},
        {Place.PASSED, Place.BACK},
        {Place.PASSED, Place.BACK},
    ]


def test_what_is_done_at_look_comes_before_a_late_face() -> None:
    gate = Gate("welcome", "look", "officer", "welcome")
    gate.play(SCENARIOS["log_disk_full"])
    kinds = [type(move) for move in gate.deeds]
    assert kinds == [Present, Disturb, Stand, Disturb, Disturb, TakeBack, Stand]
    assert [disturb.step.do.value for disturb in gate.did(Disturb)] == [
        "fill_log_disk",
        "release_lane",
        "free_log_disk",
    ]


def test_what_was_taken_on_arriving_is_given_back_on_leaving() -> None:
    gate = Gate("welcome", "look", "go")
    gate.play(SCENARIOS["central_away"])
    assert gate.deeds[0] == gate.did(Disturb)[0]
    assert gate.deeds[-1] == gate.did(Disturb)[1]


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize(
    "screens",
    [
        (),
        ("welcome",),
        ("welcome", "look", "go"),
        ("welcome", "look", "officer", "welcome"),
        ("welcome", "go", "emergency"),
    ],
)
def test_every_story_ends_with_the_passport_taken_back_and_nobody_there(name: str, screens: tuple[str, ...]) -> None:
    gate = Gate(*screens, passes=False)
    gate.play(SCENARIOS[name])
    assert len(gate.moves) < 60
    assert [move for move in gate.deeds if isinstance(move, Stand)][-1] == Stand(Sight.NOBODY)
    on_the_reader = [move for move in gate.deeds if isinstance(move, Present | TakeBack)]
    assert not on_the_reader or on_the_reader[-1] == TakeBack()


def test_a_genuine_crossing_leaves_under_two_seconds_to_a_persons_pauses() -> None:
    for seed in range(50):
        gate = Gate("welcome", "look", "go")
        gate.play(SCENARIOS["genuine"], seed)
        assert 300 < sum(move.ms for move in gate.did(Pause)) < 1000


def test_the_same_dice_tell_the_same_story() -> None:
    first, second, other = Gate("welcome", "look", "go"), Gate("welcome", "look", "go"), Gate("welcome", "look", "go")
    first.play(SCENARIOS["genuine"], 5)
    second.play(SCENARIOS["genuine"], 5)
    other.play(SCENARIOS["genuine"], 6)
    assert first.moves == second.moves != other.moves


def test_a_page_is_laid_anew_when_the_screen_asks_for_it_and_no_oftener_than_there_are_ways() -> None:
    gate = Gate("welcome", "page_still", "page_open", "page_open", "look", "go", lays_pages=True)
    assert gate.play(SCENARIOS["page_visa"])
    assert len(gate.did(LayAgain)) == 1
    assert gate.deeds[:4] == [Stand(Sight.SELF), Present(Owner.SELF), LayAgain(), TakeBack()]


def test_who_lays_a_page_that_cannot_be_read_waits_for_the_officer() -> None:
    gate = Gate("welcome", "page_clear", "page_open", "look", "officer", "page_open", lays_pages=True)
    assert gate.play(SCENARIOS["page_covered"])
    assert gate.did(LayAgain) == []
    assert gate.did(Walk) == []


def test_before_a_serial_reader_no_page_is_laid() -> None:
    gate = Gate("welcome", "page_open", "look", "go")
    gate.play(SCENARIOS["page_visa"])
    assert gate.did(LayAgain) == []


def test_a_story_that_takes_another_turn_leaves_nothing_broken_behind() -> None:
    gate = Gate("welcome", "wait", "closed")
    assert gate.play(SCENARIOS["officer_absent"])
    assert [move.step.do for move in gate.did(Disturb)] == [Deed.OFFICER_ABSENT, Deed.OFFICER_BACK]


def test_a_story_that_goes_as_it_should_mends_what_it_broke_once() -> None:
    gate = Gate("welcome", "wait", "officer", "welcome")
    assert gate.play(SCENARIOS["officer_absent"])
    assert [move.step.do for move in gate.did(Disturb)] == [Deed.OFFICER_ABSENT, Deed.OFFICER_BACK]
