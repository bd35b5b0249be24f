"""Travellers' stories in lanes of one door and of two, played as conversations with no time passing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import Deed, Lane, Owner, Scenario, Sight, read_scenarios, scenario_folder
from hardware_sim.story import (
    OFFICER_MS_MAX,
    OFFICERS_GRANTS_MAX,
    PAGE_WORDS,
    SETTLED,
    Await,
    Disturb,
    Hide,
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
    WalkOn,
)
from hardware_sim.two_doors.story import InnerTraveller

SCENARIOS = {lane: read_scenarios(scenario_folder(), lane) for lane in Lane}
ONE, TWO = Lane.ONE_DOOR, Lane.TWO_DOOR
# What a traveller does, in a word; with a dash before it, it is the other person who does.
WORDS: dict[type[Move], Callable[[Any], str]] = {
    Stand: lambda move: {Sight.SELF: "stand", Sight.OTHER: "-stand", Sight.NOBODY: "gone"}[move.sight],
    Present: lambda move: _of(move.by) + "lay",
    LayAgain: lambda _: "again",
    TakeBack: lambda _: "take",
    Walk: lambda move: _of(move.who) + ("follow" if move.behind_m > 0.45 else "close" if move.behind_m else "walk"),
    WalkOn: lambda move: _of(move.who) + "on",
    TurnBack: lambda move: _of(move.who) + "back",
    Hide: lambda move: _of(move.who) + "hide",
    Disturb: lambda move: str(move.step.do.value),
}


def _of(who: Owner) -> str:
    return "" if who is Owner.SELF else "-"


class Gate:
    """Plays the gate: shows one screen after another, the next whenever the traveller waits for what is not shown.

    Who may walk gets through if the gate `passes` them, and in if it is of two doors. The way back opens `ways_back` times.
    """

    def __init__(
        self, screens: str, *, lane: Lane = ONE, passes: bool = True, ways_back: int = 1, lays_pages: bool = False
    ) -> None:
        self.moves: list[Move] = []
        self.screen = "closed"
        self._screens = screens.split()
        self._lane = lane
        self._passes = passes
        self._ways_back = ways_back
        self._lays_pages = lays_pages
        self._place = Place.WAITING

    def play(self, name: str, seed: int = 1) -> bool:
        scenario, dice = SCENARIOS[self._lane][name], random.Random(seed)
        teller = self._teller(scenario, dice)
        try:
            move = next(story := teller.story())
            while True:
                self.moves.append(move)
                move = story.send(self._answer(move))
        except StopIteration as end:
            return bool(end.value)

    def _teller(self, scenario: Scenario, dice: random.Random) -> Traveller | InnerTraveller:
        if self._lane is TWO:
            return InnerTraveller(scenario, dice)
        return Traveller(scenario, dice, lays_pages=self._lays_pages)

    def _answer(self, move: Move) -> Seen:
        match move:
            case Await(screens, places, limit_ms, way_back):
                while not (self.screen in screens or self._place in places):
                    if way_back and self._ways_back:
                        self._ways_back -= 1
                        return Seen(self.screen, self._place, way_back=True)
                    if limit_ms == 0 or not self._screens:
                        break
                    self.screen = self._screens.pop(0)
            case Walk(behind_m=0.0):
                through = Place.INSIDE if self._lane is TWO else Place.PASSED
                self._place = through if self._passes else Place.IN_ZONE
            case WalkOn(Owner.SELF):
                self._place = Place.PASSED
            case TurnBack(Owner.SELF) if self._place is not Place.PASSED:
                self._place = Place.BACK
            case _:
                pass
        return Seen(self.screen, self._place)

    @property
    def deeds(self) -> str:
        return " ".join(WORDS[type(one)](one) for one in self.moves if not isinstance(one, Pause | Await | LookUp))

    def did(self, kind: type) -> list[Any]:
        return [move for move in self.moves if isinstance(move, kind)]


IN, OUT = "welcome wait go wait look", "wait go wait welcome"
# What it is about, of which lane, in which scenario: the screens that come, and all that is done.
STORIES: tuple[tuple[str, Lane, str, str, dict[str, Any], str], ...] = (
    ("a genuine traveller presents, walks and is gone", ONE, "genuine", "welcome wait look go", {}, "stand lay take walk gone"),
    ("nobody presents anything uninvited", ONE, "genuine", "closed officer", {}, "gone"),
    ("one who is referred waits for the officer", ONE, "genuine", "welcome look officer welcome", {}, "stand lay take gone"),
    ("or until the lane is closed", ONE, "genuine", "welcome look officer closed", {}, "stand lay take gone"),
    ("or until an emergency", ONE, "genuine", "welcome look officer emergency", {}, "stand lay take gone"),
    ("one whom an officer lets through walks", ONE, "someone_elses_passport", "welcome look officer go", {}, "stand lay take walk gone"),
    ("one who must leave in an emergency takes the passport", ONE, "genuine", "welcome look emergency", {}, "stand lay take gone"),
    ("and when the lane closes", ONE, "genuine", "welcome look closed", {}, "stand lay take gone"),
    ("one for whom no decision comes gives up", ONE, "genuine", "welcome look", {}, "stand lay take gone"),
    ("a screen that changes on the way turns the traveller back", ONE, "genuine", "welcome look go officer welcome", {"passes": False}, "stand lay take walk back gone"),
    ("one who hesitates and sees go vanish does not walk", ONE, "swap_after_match", "welcome look go officer welcome", {}, "stand lay take -stand gone"),
    ("one without a document asks and waits for the officer", ONE, "protection_without_document", "welcome wait officer welcome look", {}, "stand ask_protection gone"),
    ("a child who is alone does not walk", ONE, "unaccompanied_child", "welcome look go wait officer welcome", {}, "stand lay take gone"),
    ("after a swap the other one walks", ONE, "swap_after_match", "welcome look go", {}, "stand lay take -stand -walk gone"),
    ("a passport that changes hands is presented again", ONE, "handed_over_at_the_door", "welcome look go officer welcome", {}, "stand lay take -lay take gone"),
    ("a tailgater follows and goes back", ONE, "tailgater", "welcome look go", {}, "stand lay take walk -follow -back gone"),
    ("one who steps back is out before the other goes in", ONE, "walked_back", "welcome look go", {}, "stand lay take walk back -walk gone"),
    ("what is done at look comes before a late face", ONE, "log_disk_full", "welcome look officer welcome", {}, "lay fill_log_disk stand release_lane free_log_disk take gone"),
    ("what was taken on arriving is given back on leaving", ONE, "central_away", "welcome look go", {}, "central_away stand lay take walk gone central_back"),
    ("a page is laid anew no oftener than there are ways", ONE, "page_visa", "welcome page_still page_open page_open look go", {"lays_pages": True}, "stand lay again take walk gone"),
    ("one whose page cannot be read waits for the officer", ONE, "page_covered", "welcome page_clear page_open look officer page_open", {"lays_pages": True}, "stand lay take gone"),
    ("before a serial reader no page is laid", ONE, "page_visa", "welcome page_open look go", {}, "stand lay take walk gone"),
    ("a story that takes another turn leaves nothing broken", ONE, "officer_absent", "welcome wait closed", {}, "officer_absent stand lay take gone officer_back"),
    ("one that goes as it should mends what it broke once", ONE, "officer_absent", "welcome wait officer welcome", {}, "officer_absent stand lay officer_back take gone"),
    ("of two doors: the document goes along, the face is inside", TWO, "genuine", f"{IN} {OUT}", {}, "lay take walk stand on gone"),
    ("one who is referred outside does not walk", TWO, "expired", "welcome wait officer welcome", {}, "lay take gone"),
    ("one who is referred inside goes back as the door opens", TWO, "someone_elses_passport", f"{IN} wait officer", {}, "lay take walk stand back gone"),
    ("one whom an officer lets out goes on", TWO, "someone_elses_passport", f"{IN} wait officer go", {"ways_back": 0}, "lay take walk stand on gone"),
    ("one whom an officer lets in is before an officer again", TWO, "expired", "welcome wait officer go wait officer", {}, "lay take walk back gone"),
    ("one who stays leaves the open way back unused once", TWO, "stayed_inside", f"{IN} wait officer", {"ways_back": 2}, "lay take walk stand back gone"),
    ("one who is shut out of the first door walks back", TWO, "changed_at_the_first_door", "welcome wait go officer welcome", {"passes": False}, "lay take walk back -walk -back gone"),
    ("whoever follows turns back with the traveller", TWO, "piggyback", "welcome wait go wait officer", {}, "lay take walk -close back -back -back gone"),
    ("whoever hides goes before the traveller is invited", TWO, "hidden_inside", f"closed {IN} {OUT}", {}, "-hide -back lay take walk stand on gone"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("lane", "name", "screens", "gate", "deeds"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
def test_a_traveller_does_what_the_row_says(
    lane: Lane, name: str, screens: str, gate: dict[str, Any], deeds: str
) -> None:
    made = Gate(screens, lane=lane, **gate)
    assert made.play(name) is (deeds != "gone"), "told, unless nobody was invited"
    assert made.deeds == deeds


@pytest.mark.parametrize("after", ["welcome", "closed", "emergency"])
def test_one_who_is_referred_waits_for_the_officer_once(after: str) -> None:
    gate = Gate(f"welcome look officer {after}")
    assert gate.play("genuine")
    left = {"welcome", "closed", "emergency", "go"} | PAGE_WORDS
    assert len([move for move in gate.did(Await) if move.screens == left]) == 1


def test_one_whose_officers_grant_fails_waits_again_and_not_for_ever() -> None:
    gate = Gate("welcome look" + " officer go" * 9, passes=False)
    gate.play("someone_elses_passport")
    assert len(gate.did(Walk)) == OFFICERS_GRANTS_MAX
    assert len(gate.did(TakeBack)) == 1


@pytest.mark.parametrize("scenario", ["swap_after_match", "genuine"], ids=["hesitates", "walks"])
def test_one_moment_in_the_place_of_go_leads_to_the_officer(scenario: str) -> None:
    gate = Gate("welcome look go wait officer welcome", passes=False)
    gate.play(scenario)
    assert bool(gate.did(TurnBack)) is (scenario == "genuine")
    (waits,) = (move for move in gate.did(Await) if move.screens == SETTLED | {"go"})
    deeds = [move for move in gate.moves if not isinstance(move, Pause | Await | LookUp)]
    assert gate.moves.index(waits) < gate.moves.index(deeds[-1])


@pytest.mark.parametrize("after", ["welcome", "page_open", "closed"])
@pytest.mark.parametrize("before", ["look wait", "wait", "wait look", "wait officer"])
@pytest.mark.parametrize("name", ["someone_elses_passport", "page_visa", "protection_without_document"])
def test_one_whom_an_officer_settles_before_the_page_says_so_leaves_at_once(name: str, before: str, after: str) -> None:
    gate = Gate(f"welcome {before} {after} look", lays_pages=True)
    gate.play(name)
    assert gate.screen == after
    assert gate.did(LayAgain) == []
    assert gate.deeds.endswith("gone")


def test_one_who_steps_back_comes_out_of_the_zone_before_the_other_goes_in() -> None:
    gate = Gate("welcome look go")
    gate.play("walked_back")
    waits = [move.places for move in gate.did(Await)]
    assert waits[-3:] == [{Place.IN_ZONE}, {Place.PASSED, Place.BACK}, {Place.PASSED, Place.BACK}]


@pytest.mark.parametrize("name", sorted(SCENARIOS[ONE]))
@pytest.mark.parametrize(
    "screens", ["", "welcome", "welcome look go", "welcome look officer welcome", "welcome go emergency"]
)
def test_every_story_ends_with_the_passport_taken_back_and_nobody_there(name: str, screens: str) -> None:
    gate = Gate(screens, passes=False)
    gate.play(name)
    assert len(gate.moves) < 60
    assert gate.did(Stand)[-1] == Stand(Sight.NOBODY)
    on_the_reader = gate.did(Present) and [move for move in gate.moves if isinstance(move, Present | TakeBack)]
    assert not on_the_reader or on_the_reader[-1] == TakeBack()


def test_a_genuine_crossing_leaves_under_two_seconds_to_a_persons_pauses() -> None:
    for seed in range(50):
        gate = Gate("welcome look go")
        gate.play("genuine", seed)
        assert 300 < sum(move.ms for move in gate.did(Pause)) < 1000


def test_the_same_dice_tell_the_same_story() -> None:
    first, second, other = Gate("welcome look go"), Gate("welcome look go"), Gate("welcome look go")
    for gate, seed in ((first, 5), (second, 5), (other, 6)):
        gate.play("genuine", seed)
    assert first.moves == second.moves != other.moves


@pytest.mark.parametrize("ways_back", [0, 2])
def test_nobody_waits_for_a_way_back_for_ever_and_one_who_stays_leaves_it_unused_once(ways_back: int) -> None:
    gate = Gate(f"{IN} wait officer", lane=TWO, ways_back=ways_back)
    gate.play("stayed_inside" if ways_back else "someone_elses_passport")
    offered = [move for move in gate.did(Await) if move.way_back]
    assert 0 < sum(move.limit_ms for move in offered) <= OFFICERS_GRANTS_MAX * OFFICER_MS_MAX
    assert ways_back in {0, len(offered)}


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
    gate = Gate(f"{IN} {OUT}", lane=TWO)
    gate.play(name)
    (disturbed,) = gate.did(Disturb)
    assert disturbed.step.do is deed
    assert disturbed.step.for_ms > 0


@pytest.mark.parametrize("lane", list(Lane))
def test_every_scenario_of_a_lane_can_be_told_there(lane: Lane) -> None:
    of_two = {Deed.HIDE, Deed.PIGGYBACK, Deed.LEAVE_BAG, Deed.CALL_FOR_HELP, Deed.UNPLUG_SENSORS}
    told = {step.do for scenario in SCENARIOS[lane].values() for step in scenario.steps}
    assert bool(told & of_two) is (lane is TWO)
    assert {"genuine", "fire", "log_disk_full"} <= SCENARIOS[lane].keys()


def test_what_is_expected_of_two_doors_stands_in_place_of_what_is_expected_of_one() -> None:
    one, two = (SCENARIOS[lane]["zone_occupied"] for lane in (ONE, TWO))
    assert (one.verdict.value, one.reasons, one.passages) == ("referred", ("zone_not_empty",), 0)
    assert (two.verdict.value, two.reasons, two.passages) == ("admitted", (), 1)
