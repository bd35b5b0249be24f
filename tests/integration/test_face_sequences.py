"""The capture loop on simulated sequences: who is chosen, what the traveller is told, when the track breaks, what never matches.

The people are renders, so this proves rules and plumbing and measures no error rate.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes.tiers import quick_or_long
from fakes.tiny_models import real_models

from gate.face.capture import Changed, Compared, Event, Guided, PortraitProblem
from gate.face.chain import FaceModels, open_models, portrait_template
from gate.face.track import TrackState
from gate.face.values import Template
from gate.face.watch import Watch
from gate.programs.vision.face_child import portrait
from gate_core.evidence.screen import Guidance
from hardware_sim.faces import Identity, identities
from hardware_sim.sequences import FPS, KIOSK, UPRIGHT, Actor, Lighting, Look, Sequence, sequence
from hardware_sim.sequences.values import Key, Timeline, still

pytestmark = pytest.mark.faces

SUBJECT, OTHER = "elena", "chidi"
Picture = np.ndarray


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


@pytest.fixture(scope="module")
def people() -> dict[str, Identity]:
    return {person.name: person for person in identities()}


@pytest.fixture(scope="module")
def portraits(chain: FaceModels, people: dict[str, Identity]) -> dict[str, np.ndarray]:
    return {name: portrait_template(chain, people[name].portrait_jpeg()).vector for name in (SUBJECT, OTHER)}


class Crossing:
    """One crossing before a camera; `portrait` is whose passport was read before."""

    def __init__(self, chain: FaceModels, reference: Template | PortraitProblem | None) -> None:
        self.watch = Watch(chain)
        self.events: list[Event] = []
        self._frames = 0
        if reference is not None:
            self.watch.take_portrait(reference)

    def see(self, pictures: Iterable[Picture]) -> list[Event]:
        """Show pictures at the camera's rate and return what is new."""
        before = len(self.events)
        for picture in pictures:
            self.events += self.watch.see(picture, at_ms=round(self._frames * 1000 / FPS))
            self._frames += 1
        return self.events[before:]

    @property
    def comparisons(self) -> list[Compared]:
        return [event for event in self.events if isinstance(event, Compared)]


def frames(of: Sequence, *, seconds: float | None = None) -> list[Picture]:
    count = of.length if seconds is None else round(seconds * FPS)
    return [of.frame(number / FPS) for number in range(count)]


def crossing(chain: FaceModels, portraits: dict[str, np.ndarray], name: str = SUBJECT) -> Crossing:
    return Crossing(chain, Template(portraits[name].copy(), "fr_feature"))


def hints(events: Iterable[Event]) -> set[Guidance]:
    return {event.hint for event in events if isinstance(event, Guided) and event.hint is not None}


def changes(events: Iterable[Event]) -> list[TrackState]:
    return [event.change for event in events if isinstance(event, Changed)]


# ── the eight conditions, one factor at a time ───────────────────────────────────────────────────────────────────────

STAND = Look()
FACTORS = {
    "too far": (replace(STAND, distance_cm=220), {Guidance.COME_CLOSER}),
    "too close": (replace(STAND, distance_cm=36), {Guidance.STEP_BACK}),
    "in the picture's left": (replace(STAND, sideways_cm=-22), {Guidance.MOVE_LEFT}),
    "in the picture's right": (replace(STAND, sideways_cm=22), {Guidance.MOVE_RIGHT}),
    "too high": (replace(STAND, height_cm=184), {Guidance.MOVE_DOWN}),
    "too low": (replace(STAND, height_cm=154.5), {Guidance.MOVE_UP}),
    "turned aside": (replace(STAND, yaw_deg=32), {Guidance.FACE_FORWARD}),
    "looking down": (replace(STAND, pitch_deg=-24), {Guidance.FACE_FORWARD}),
    "eyes shut": (replace(STAND, closed_left=1.0, closed_right=1.0), {Guidance.OPEN_EYES}),
    "mouth open": (replace(STAND, mouth_open=1.0), {Guidance.CLOSE_MOUTH}),
}


@pytest.mark.parametrize("factor", FACTORS)
def test_one_factor_that_is_wrong_is_told_and_nothing_else(
    chain: FaceModels, people: dict[str, Identity], factor: str
) -> None:
    del people
    look, expected = FACTORS[factor]
    seen = Crossing(chain, None).see(frames(Sequence(factor, 1.4, (Actor(SUBJECT, still(look)),))))
    assert hints(seen) == expected


def test_one_who_stands_well_is_told_nothing(chain: FaceModels, people: dict[str, Identity]) -> None:
    del people
    assert hints(Crossing(chain, None).see(frames(sequence("stand", SUBJECT, OTHER)))) == set()


def test_one_who_moves_about_is_told_to_hold_still(chain: FaceModels, people: dict[str, Identity]) -> None:
    del people
    keys = tuple(Key(0.3 * number, replace(STAND, sideways_cm=9.0 * (-1) ** number)) for number in range(6))
    moving = Sequence("restless", 1.5, (Actor(SUBJECT, Timeline(keys)),))
    assert hints(Crossing(chain, None).see(frames(moving))) == {Guidance.HOLD_STILL}


def test_darkness_is_told(chain: FaceModels, people: dict[str, Identity]) -> None:
    del people
    dark = Sequence("dark", 1.4, (Actor(SUBJECT, still(STAND)),), lighting=still(Lighting(level=0.03)))
    assert Guidance.MORE_LIGHT in hints(Crossing(chain, None).see(frames(dark)))


def test_two_people_are_told_and_neither_is_compared(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits)
    seen = lane.see(frames(sequence("two_people", SUBJECT, OTHER), seconds=2.6))
    assert hints(seen) == {Guidance.ONE_PERSON}
    (compared,) = lane.comparisons
    assert (compared.match, compared.reasons) == (None, ("several_faces_stay",))


@pytest.mark.parametrize("name", quick_or_long(["short", "tall"], quick=["tall"]))
def test_people_of_140_and_200_cm_are_compared_without_bending(
    chain: FaceModels, portraits: dict[str, np.ndarray], name: str
) -> None:
    lane = crossing(chain, portraits)
    seen = lane.see(frames(sequence(name, SUBJECT, OTHER, lens=UPRIGHT)))
    assert not hints(seen) & {Guidance.MOVE_UP, Guidance.MOVE_DOWN}
    assert [compared.match is not None and compared.match > 0.8 for compared in lane.comparisons] == [True]


# ── who is chosen ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["approach", "stand", "bystander_behind", "poster_behind"])
def test_the_traveller_is_compared_whoever_else_is_to_be_seen(
    chain: FaceModels, portraits: dict[str, np.ndarray], name: str
) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence(name, SUBJECT, OTHER)))
    assert [compared.match is not None and compared.match > 0.8 for compared in lane.comparisons] == [True]
    assert changes(lane.events) == []


@pytest.mark.parametrize("name", ["bystander_behind", "poster_behind", "t_shirt"])
def test_the_other_face_never_matches_its_own_passport(
    chain: FaceModels, portraits: dict[str, np.ndarray], name: str
) -> None:
    lane = crossing(chain, portraits, OTHER)
    lane.see(frames(sequence(name, SUBJECT, OTHER)))
    assert all(compared.match is None or compared.match < chain.match_threshold for compared in lane.comparisons)


def test_who_walks_past_is_told_to_stop_and_never_compared(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence("walk_past", SUBJECT, OTHER)))
    assert lane.comparisons == []


# ── one body ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_who_gives_way_to_another_is_lost(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence("stand", SUBJECT, OTHER)))
    lane.see(frames(sequence("swap", SUBJECT, OTHER)))
    assert len(lane.comparisons) == 1
    assert changes(lane.events)[0] in {TrackState.LOST, TrackState.SWITCHED}


def test_another_face_in_the_same_place_is_a_switch_within_half_a_second(
    chain: FaceModels, portraits: dict[str, np.ndarray]
) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence("stand", SUBJECT, OTHER)))
    seen = lane.see(frames(sequence("stand", OTHER, SUBJECT), seconds=0.5))
    assert changes(seen) == [TrackState.SWITCHED]


def test_one_who_comes_beside_after_the_comparison_is_told(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence("stand", SUBJECT, OTHER)))
    seen = lane.see(frames(sequence("two_people", SUBJECT, OTHER), seconds=1.0))
    assert TrackState.SEVERAL in changes(seen)


HELD_THROUGH = ("bystander_behind", "poster_behind", "blink", "talk", "look_down")


@pytest.mark.parametrize("name", quick_or_long(HELD_THROUGH, quick=["bystander_behind", "talk"]))
def test_a_matched_traveller_is_held_through_all_that_people_do(
    chain: FaceModels, portraits: dict[str, np.ndarray], name: str
) -> None:
    lane = crossing(chain, portraits)
    lane.see(frames(sequence("stand", SUBJECT, OTHER), seconds=1.0))
    seen = lane.see(frames(sequence(name, SUBJECT, OTHER)))
    assert changes(seen) == []


# ── bad pictures: a reason or nothing, never a match ─────────────────────────────────────────────────────────────────


def standing() -> list[Picture]:
    return frames(sequence("stand", SUBJECT, OTHER))


BAD: dict[str, Callable[[Any], Any]] = {
    "covered lens": lambda picture: (picture * 0.02).astype(np.uint8),
    "white": lambda picture: np.full_like(picture, 255),
    "upside down": lambda picture: picture[::-1, ::-1].copy(),
    "noise": lambda picture: np.random.default_rng(int(picture[0, 0, 0])).integers(0, 255, picture.shape, np.uint8),
    "five faces": lambda picture: np.hstack([picture[:, 200:440]] * 5),
}


@pytest.mark.parametrize("fault", quick_or_long(BAD, quick=["upside down", "noise"]))
def test_pictures_that_show_nobody_as_they_should_never_match(
    chain: FaceModels, portraits: dict[str, np.ndarray], fault: str
) -> None:
    lane = crossing(chain, portraits)
    lane.see(BAD[fault](picture) for picture in standing() + standing())
    assert all(compared.match is None or compared.match < 0.3 for compared in lane.comparisons)
    if fault == "five faces":
        assert hints(lane.events) == {Guidance.ONE_PERSON}
        assert [compared.reasons for compared in lane.comparisons] == [("several_faces_stay",)]
    elif fault == "upside down":  # faces are found in it, and compared in the end
        assert hints(lane.events)
    else:
        assert lane.comparisons == []


def test_a_picture_that_stands_still_is_nobody(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits)
    lane.see(standing()[:1] * 60)
    assert lane.comparisons == []
    assert {event.faces for event in lane.events if isinstance(event, Guided)} == {0}


def test_a_mirrored_camera_makes_nobody_else_match(chain: FaceModels, portraits: dict[str, np.ndarray]) -> None:
    lane = crossing(chain, portraits, OTHER)
    lane.see(picture[:, ::-1].copy() for picture in standing())
    (compared,) = lane.comparisons
    assert compared.match is not None
    assert compared.match < chain.match_threshold


def test_a_portrait_without_a_face_is_a_reason_and_no_match(chain: FaceModels, people: dict[str, Identity]) -> None:
    empty = sequence("stand", SUBJECT, OTHER, lens=KIOSK)
    blank = portrait(chain, people[SUBJECT].portrait_jpeg()[:200])
    assert blank is PortraitProblem.UNREADABLE
    lane = Crossing(chain, PortraitProblem.NO_FACE)
    lane.see(frames(empty))
    (compared,) = lane.comparisons
    assert (compared.match, compared.reasons) == (None, ("portrait_without_face",))


def test_a_profile_without_landmarks_says_nothing_of_eyes_and_mouth(
    chain: FaceModels, people: dict[str, Identity]
) -> None:
    del people
    blind = replace(chain, eyes=None, pose=None)
    shut = replace(STAND, closed_left=1.0, closed_right=1.0)
    seen = Crossing(blind, None).see(frames(Sequence("shut", 1.4, (Actor(SUBJECT, still(shut)),))))
    assert hints(seen) == set()
