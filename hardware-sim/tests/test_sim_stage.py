"""The stage: a story's moves on doubles of the hardware, and the screen that wakes whoever waits."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from hardware_sim.barrier.zone import START_M, Place
from hardware_sim.clock import WorldClock
from hardware_sim.scenario import Deed, Moment, Owner, Scenario, ScenarioError, Sight, Step, Verdict
from hardware_sim.screen import Screen, WorldClosedError
from hardware_sim.stage import CHIP_BIT_RATE_KBIT_S, CHIP_DELAY_PER_APDU_MS, Cast, Hardware, Stage, TwoDoors
from hardware_sim.story import (
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
    TurnBack,
    Walk,
    WalkOn,
)

SCENARIO = Scenario("n", "t", Verdict.REFERRED, (), 0)
CAST = Cast("passport", (("LINE1", "LINE2"), ("PAGE2",)), {sight: sight.value for sight in Sight})

CHIP_PACE = (CHIP_DELAY_PER_APDU_MS, CHIP_BIT_RATE_KBIT_S)


@dataclass
class Double:
    """Notes every call as (part, method, arguments)."""

    calls: list[tuple[Any, ...]]
    part: str
    places: dict[str, Place] = field(default_factory=dict)
    way_back_is_open: bool = False

    def __getattr__(self, name: str) -> Any:
        def note(*arguments: Any, **named: Any) -> None:
            self.calls.append((self.part, name, *arguments, *named.values()))

        return note

    def place_of(self, traveller: str) -> Place:
        return self.places.get(traveller, Place.WAITING)


class Theatre:
    """A stage on doubles, of two doors where that is wanted."""

    def __init__(self, *, two_doors: bool = False) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.barrier = Double(self.calls, "barrier")
        self.screen = Screen()
        parts = [Double(self.calls, part) for part in ("line", "swipe", "chip", "camera", "truth")]
        self.enclosure = Double(self.calls, "enclosure")
        between = [self.enclosure, Double(self.calls, "first line"), Double(self.calls, "sensors line")]
        two = TwoDoors(*cast("Any", between)) if two_doors else None
        self.stage = Stage(
            Hardware(*cast("Any", (self.barrier, *parts, two))),
            self.screen,
            ask_host=self._asked,
            touch=lambda what: self.calls.append(("page", what)),
            clock=WorldClock(),
            pace=1000.0,
        )

    def _asked(self, what: str) -> None:
        self.calls.append(("host", what))
        self.screen.host_did(what)

    def play(self, *moves: Move, scenario: Scenario = SCENARIO) -> list[Seen]:
        seen: list[Seen] = []

        def story() -> Generator[Move, Seen, bool]:
            for move in moves:
                look = yield move
                seen.append(look)
            return True

        assert self.stage.play("t1", scenario, CAST, story())
        return seen

    def done(self, part: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == part]


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


def test_presenting_lays_the_document_on_both_readers_and_taking_it_clears_both(theatre: Theatre) -> None:
    theatre.play(Present(Owner.SELF), TakeBack())
    assert theatre.done("swipe") == [("insert", ("LINE1", "LINE2")), ("remove",)]
    assert theatre.done("chip") == [("insert", "passport", None, *CHIP_PACE), ("remove",)]
    assert theatre.done("truth") == [("record", "presented", "t1", "t1"), ("record", "document_removed", "t1")]


def test_a_document_is_laid_anew_in_its_next_way_and_the_last_one_stays(theatre: Theatre) -> None:
    theatre.play(Present(Owner.SELF), LayAgain(), LayAgain(), Present(Owner.OTHER))
    assert [laid for _, laid in theatre.done("swipe")] == [
        ("LINE1", "LINE2"),
        ("PAGE2",),
        ("PAGE2",),
        ("LINE1", "LINE2"),
    ]
    assert len(theatre.done("chip")) == 2


def test_the_truth_says_whose_document_it_is_and_who_presents_it(theatre: Theatre) -> None:
    stolen = Scenario("n", "t", Verdict.REFERRED, (), 0, document=Owner.OTHER, pull_out_after_apdus=3)
    theatre.play(Present(Owner.OTHER), scenario=stolen)
    assert theatre.done("truth") == [("record", "presented", "t1-other", "t1-other")]
    assert theatre.done("chip") == [("insert", "passport", 3, *CHIP_PACE)]


def test_the_camera_sees_what_the_cast_looks_like(theatre: Theatre) -> None:
    theatre.play(Stand(Sight.TWO), Stand(Sight.NOBODY))
    assert theatre.done("camera") == [("show", "two"), ("show", "nobody")]


def test_walkers_set_out_one_behind_the_other_and_the_first_is_watched(theatre: Theatre) -> None:
    theatre.barrier.places = {"t1-other": Place.PASSED, "t1": Place.BACK}
    seen = theatre.play(Walk(Owner.OTHER), Walk(Owner.SELF, 0.8), TurnBack(Owner.SELF))
    assert theatre.done("barrier")[:3] == [
        ("walk_in", "t1-other", START_M),
        ("walk_in", "t1", START_M - 0.8),
        ("turn_back", "t1"),
    ]
    assert [look.place for look in seen] == [Place.PASSED] * 3


def test_everybody_is_forgotten_when_the_story_is_over(theatre: Theatre) -> None:
    theatre.play(Walk(Owner.SELF))
    assert theatre.done("barrier")[-2:] == [("forget", "t1"), ("forget", "t1-other")]


def test_awaiting_ends_with_the_screen_with_the_place_or_at_the_limit(theatre: Theatre) -> None:
    theatre.screen.show("go")
    theatre.barrier.places = {"t1": Place.PASSED}
    seen = theatre.play(
        Await(screens=frozenset({"go"}), limit_ms=60_000),
        Await(places=frozenset({Place.PASSED}), limit_ms=60_000),
        Await(screens=frozenset({"look"}), limit_ms=1),
        Pause(100),
    )
    assert seen == [Seen("go", Place.PASSED)] * 4


def test_screens_are_noticed_in_order_even_when_they_were_brief(theatre: Theatre) -> None:
    for screen in ("welcome", "wait", "officer", "welcome"):
        theatre.screen.show(screen)
    seen = theatre.play(
        Await(screens=frozenset({"welcome"}), limit_ms=1),
        Await(screens=frozenset({"officer", "go"}), limit_ms=1),
        Await(screens=frozenset({"welcome"}), limit_ms=1),
    )
    assert [look.screen for look in seen] == ["welcome", "officer", "welcome"]


def test_looking_up_forgets_what_was_shown_before(theatre: Theatre) -> None:
    for screen in ("welcome", "officer", "closed"):
        theatre.screen.show(screen)
    seen = theatre.play(LookUp(), Await(screens=frozenset({"welcome"}), limit_ms=1), LookUp())
    assert [look.screen for look in seen] == ["closed", "closed", "closed"]


def test_a_pulled_cable_comes_back_before_the_story_is_over(theatre: Theatre) -> None:
    theatre.play(Disturb(Step(Moment.GO, Deed.UNPLUG_BARRIER, 1)))
    assert theatre.done("line") == [("unplug",), ("replug",)]
    assert theatre.done("truth") == [
        ("record", "disturbance", "unplug_barrier"),
        ("record", "barrier_unplugged"),
        ("record", "barrier_plugged"),
    ]


def test_the_fire_input_goes_off_again(theatre: Theatre) -> None:
    theatre.play(Disturb(Step(Moment.LOOK, Deed.FIRE, 1)))
    assert [call for call in theatre.done("barrier") if call[0] == "set_fire"] == [
        ("set_fire", True),
        ("set_fire", False),
    ]


def test_of_two_doors_people_walk_between_both() -> None:
    theatre = Theatre(two_doors=True)
    theatre.play(Walk(Owner.SELF), Walk(Owner.OTHER, 0.8), WalkOn(Owner.SELF), TurnBack(Owner.OTHER), Hide(Owner.OTHER))
    assert theatre.done("enclosure")[:5] == [
        ("walk_in", "t1", START_M),
        ("walk_in", "t1-other", START_M - 0.8),
        ("walk_on", "t1"),
        ("turn_back", "t1-other"),
        ("hide", "t1-other"),
    ]
    assert theatre.done("truth") == [("record", "hidden", "t1-other")]


def test_whoever_is_inside_sees_the_way_back_open() -> None:
    theatre = Theatre(two_doors=True)
    theatre.enclosure.way_back_is_open = True
    (seen,) = theatre.play(Await(way_back=True, limit_ms=60_000))
    assert seen.way_back
    theatre.enclosure.way_back_is_open = False
    (seen,) = theatre.play(Await(way_back=True, limit_ms=1))
    assert not seen.way_back


@pytest.mark.parametrize(
    ("deed", "line", "told"),
    [
        (Deed.UNPLUG_BARRIER, "line", ("barrier",)),
        (Deed.UNPLUG_FIRST_BARRIER, "first line", ("barrier", "first")),
        (Deed.UNPLUG_SENSORS, "sensors line", ("sensors",)),
    ],
)
def test_of_two_doors_each_has_a_cable_of_its_own(deed: Deed, line: str, told: tuple[str, ...]) -> None:
    theatre = Theatre(two_doors=True)
    theatre.play(Disturb(Step(Moment.GO, deed, 1)))
    assert theatre.done(line) == [("unplug",), ("replug",)]
    assert [one[1:] for one in theatre.done("truth")[1:]] == [
        (f"{told[0]}_{how}", *told[1:]) for how in ("unplugged", "plugged")
    ]


def test_a_bag_that_is_left_is_taken_away_again() -> None:
    theatre = Theatre(two_doors=True)
    theatre.play(Disturb(Step(Moment.WALKING, Deed.LEAVE_BAG, 1)))
    assert [call[0] for call in theatre.done("enclosure") if "bag" in call[0]] == ["lay_bag", "take_bag"]


def test_a_story_of_two_doors_cannot_be_played_at_one(theatre: Theatre) -> None:
    with pytest.raises(ScenarioError, match="one door"):
        theatre.play(WalkOn(Owner.SELF))


def test_the_host_is_asked_and_waited_for(theatre: Theatre) -> None:
    theatre.play(Disturb(Step(Moment.LOOK, Deed.KILL_LANE)))
    assert theatre.done("host") == [("kill_lane",)]
    assert theatre.done("truth")[-1] == ("record", "host_did", "kill_lane")


def test_a_traveller_touches_the_page(theatre: Theatre) -> None:
    theatre.play(*(Disturb(Step(Moment.LOOK, deed)) for deed in (Deed.ASK_HELP, Deed.ASK_PROTECTION)))
    assert theatre.done("page") == [("help",), ("protection",)]
    assert theatre.done("host") == []


def test_a_host_that_does_not_answer_is_noted_and_an_old_answer_does_not_count() -> None:
    theatre = Theatre()
    theatre.screen.host_did("fill_log_disk")
    theatre.play(Disturb(Step(Moment.LOOK, Deed.FILL_LOG_DISK)))
    stage = Stage(theatre.stage._hardware, theatre.screen, ask_host=lambda _: None, clock=WorldClock())
    theatre.stage = stage
    theatre.play(Disturb(Step(Moment.LOOK, Deed.FILL_LOG_DISK), limit_ms=1))
    assert theatre.done("truth")[-1] == ("record", "host_did_not", "fill_log_disk")


def test_a_closing_world_wakes_whoever_waits(theatre: Theatre) -> None:
    raised = threading.Event()

    def wait() -> None:
        with pytest.raises(WorldClosedError):
            theatre.play(Await(screens=frozenset({"go"}), limit_ms=60_000))
        raised.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    theatre.screen.close()
    waiting.join(5)
    assert raised.is_set()
