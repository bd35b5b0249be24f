"""The screening of the simulated people: told apart, recognised and alive in every picture that the camera can send.

The people were chosen with this embedder, so what holds here is a property of the choice. It keeps the demo's stories
true; it measures no error rate (docs/protocols/simulated-faces.md).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, observe, open_models, portrait_template
from gate.face.liveness.liveness_aggregate import live_probability
from gate.face.quality import Observation
from gate.face.values import Template
from gate.picture import decode
from hardware_sim.camera import Empty, Person, Persons, PrintedPicture, Scene
from hardware_sim.camera.player import encoded
from hardware_sim.faces import Identity, identities

pytestmark = pytest.mark.faces

IMPOSTOR_MAX = 0.36
GENUINE_MIN = 0.6
LIVE_MIN = 0.5
FRAMES_COMPARED = 5
EYE_DISTANCE_PX_MIN = 60


@dataclass(frozen=True)
class Seen:
    """One identity through the chain: the passport portrait, and every frame of the loop as the camera sends it."""

    name: str
    portrait: Template
    live: list[Observation]
    liveness: list[float | None]

    @property
    def templates(self) -> np.ndarray:
        """All templates, (1 + frames, 512); the portrait comes first."""
        frames = [seen.template.vector for seen in self.live if seen.template is not None]
        return np.stack([self.portrait.vector, *frames])


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


@pytest.fixture(scope="module")
def cast(chain: FaceModels) -> list[Seen]:
    return [
        Seen(person.name, portrait_template(chain, person.portrait_jpeg()), *_watched(chain, Person(person)))
        for person in identities()
    ]


def _watched(chain: FaceModels, scene: Scene, *, every: int = 1) -> tuple[list[Observation], list[float | None]]:
    pictures = [decode(encoded(scene, index)) for index in range(0, scene.loop_length, every)]
    seen = [observe(chain, picture) for picture in pictures]
    assert chain.liveness is not None
    alive = [
        live_probability(chain.liveness, picture, frame.box) if frame.box is not None else None
        for picture, frame in zip(pictures, seen, strict=True)
    ]
    return seen, alive


def _lowest_median(scores: list[float | None]) -> float:
    """The lowest median that any run of compared frames can have; the loop has no end."""
    known = [score for score in scores if score is not None]
    assert len(known) == len(scores), "every frame is scored"
    looped = known + known[: FRAMES_COMPARED - 1]
    return float(min(np.median(looped[at : at + FRAMES_COMPARED]) for at in range(len(known))))


def test_there_are_about_ten_people_and_no_two_share_a_name(cast: list[Seen]) -> None:
    assert len(cast) >= 10
    assert len({seen.name for seen in cast}) == len(cast)


def test_every_two_people_are_told_apart_in_every_two_pictures(cast: list[Seen]) -> None:
    worst = {
        f"{one.name} and {other.name}": float((one.templates @ other.templates.T).max())
        for one, other in combinations(cast, 2)
    }
    assert {pair: score for pair, score in worst.items() if score >= IMPOSTOR_MAX} == {}


def test_everyone_matches_their_own_passport_in_every_frame(cast: list[Seen]) -> None:
    lowest = {seen.name: float((seen.templates[1:] @ seen.portrait.vector).min()) for seen in cast}
    assert {name: score for name, score in lowest.items() if score <= GENUINE_MIN} == {}


def test_every_frame_shows_one_face_that_is_good_enough_to_compare(cast: list[Seen]) -> None:
    poor = {
        f"{seen.name} {at}": (frame.faces, frame.quality)
        for seen in cast
        for at, frame in enumerate(seen.live)
        if frame.faces != 1
        or frame.quality is None
        or not frame.quality.usable
        or frame.quality.measures.eye_distance_px < EYE_DISTANCE_PX_MIN
    }
    assert poor == {}


def test_everyone_is_alive_whatever_frames_are_compared(cast: list[Seen]) -> None:
    lowest = {seen.name: _lowest_median(seen.liveness) for seen in cast}
    assert {name: score for name, score in lowest.items() if score <= LIVE_MIN} == {}


def test_a_print_of_anyone_matches_their_passport_and_is_never_alive(chain: FaceModels, cast: list[Seen]) -> None:
    for person, seen in zip(identities(), cast, strict=True):
        frames, scores = _watched(chain, PrintedPicture(person), every=3)
        alive = [score for score in scores if score is not None]
        alike = [float(frame.template.vector @ seen.portrait.vector) for frame in frames if frame.template is not None]
        assert len(alive) == len(alike) == len(frames), person.name
        assert max(alive) < LIVE_MIN, person.name
        assert min(alike) > chain.match_threshold, person.name


def test_two_people_side_by_side_are_two_faces_in_every_frame(chain: FaceModels) -> None:
    people: tuple[Identity, ...] = identities()
    for left, right in zip(people, people[1:] + people[:1], strict=True):
        counts = {frame.faces for frame in _watched(chain, Persons(left, right), every=6)[0]}
        assert counts == {2}, (left.name, right.name)


def test_an_empty_hall_has_no_face(chain: FaceModels) -> None:
    assert {frame.faces for frame in _watched(chain, Empty())[0]} == {0}
