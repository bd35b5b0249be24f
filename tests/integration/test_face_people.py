"""The chain on the simulated people: everyone matches their own passport, prints are not alive, two people are two.

Renders share a look, so no error rate is claimed from them (models/cards/fr_feature.md); this shows the flow.
"""

from collections.abc import Iterator

import pytest
from fakes.tiny_models import real_models

from gate.face.capture import GOOD_FRAMES_MIN, Changed, Compared, Event
from gate.face.chain import FaceModels, open_models, portrait_template
from gate.face.track import TrackState
from gate.face.watch import Watch
from hardware_sim.camera.scenes import Empty, Person, Persons, PrintedPicture, Scene
from hardware_sim.faces import Identity, identities

pytestmark = pytest.mark.faces

FRAME_MS = 80


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


@pytest.fixture(scope="module")
def people() -> tuple[Identity, ...]:
    return identities()


class Watching:
    """One crossing's capture before a camera that plays scenes."""

    def __init__(self, chain: FaceModels) -> None:
        self._chain = chain
        self.watch = Watch(chain)
        self._frames = 0

    def look(self, scene: Scene, count: int) -> Iterator[Event]:
        for _ in range(count):
            picture = scene.picture(self._frames % scene.loop_length)
            yield from self.watch.see(picture, at_ms=self._frames * FRAME_MS)
            self._frames += 1

    def compare(self, scene: Scene, portrait: bytes) -> Compared:
        list(self.look(scene, 18))
        (compared,) = self.watch.take_portrait(portrait_template(self._chain, portrait))
        assert isinstance(compared, Compared)
        return compared


def changes(events: Iterator[Event]) -> list[TrackState]:
    return [event.change for event in events if isinstance(event, Changed)]


def test_everyone_matches_their_own_passport_and_is_alive(chain: FaceModels, people: tuple[Identity, ...]) -> None:
    for person in people:
        compared = Watching(chain).compare(Person(person), person.portrait_jpeg())
        assert compared.match is not None, person.name
        assert compared.match > 0.7, person.name
        assert compared.liveness is not None, person.name
        assert compared.liveness > 0.5, person.name
        assert compared.frames >= GOOD_FRAMES_MIN, person.name


def test_someone_elses_passport_does_not_match(chain: FaceModels, people: tuple[Identity, ...]) -> None:
    compared = Watching(chain).compare(Person(people[-1]), people[0].portrait_jpeg())
    assert compared.match is not None
    assert compared.match < chain.match_threshold


def test_a_printed_picture_matches_and_is_not_alive(chain: FaceModels, people: tuple[Identity, ...]) -> None:
    for person in people[::4]:
        compared = Watching(chain).compare(PrintedPicture(person), person.portrait_jpeg())
        assert compared.match is not None
        assert compared.match > chain.match_threshold
        assert compared.liveness is not None
        assert compared.liveness < 0.5


def test_two_people_are_told_and_nothing_is_compared(chain: FaceModels, people: tuple[Identity, ...]) -> None:
    watching = Watching(chain)
    watching.watch.take_portrait(portrait_template(chain, people[0].portrait_jpeg()))
    (compared,) = [event for event in watching.look(Persons(people[0], people[-1]), 40) if isinstance(event, Compared)]
    assert (compared.faces, compared.match) == (2, None)


@pytest.mark.parametrize(
    ("then", "change"),
    [("someone else", TrackState.SWITCHED), ("nobody", TrackState.LOST), ("two people", TrackState.SEVERAL)],
)
def test_what_comes_after_the_match_is_told_apart(
    chain: FaceModels, people: tuple[Identity, ...], then: str, change: TrackState
) -> None:
    first, other = people[0], people[-1]
    scenes: dict[str, Scene] = {"someone else": Person(other), "nobody": Empty(), "two people": Persons(first, other)}
    watching = Watching(chain)
    watching.compare(Person(first), first.portrait_jpeg())
    assert changes(watching.look(Person(first), 6)) == []
    assert changes(watching.look(scenes[then], 12)) == [change]
