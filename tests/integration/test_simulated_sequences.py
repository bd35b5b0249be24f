"""Moving travellers and artefacts through the real models: what the simulation is good for, and that it is what it says.

What holds here is that the plumbing can be proven with these pictures; it measures no error rate of anything
(docs/protocols/simulated-faces.md).
"""

import numpy as np
import pytest
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, observe, open_models, portrait_template
from gate.face.liveness.liveness_aggregate import live_probability
from gate.face.quality import Observation
from gate.picture import decode
from hardware_sim.faces import identities, studio
from hardware_sim.sequences import FPS, Sequence, people, sequence
from hardware_sim.sequences.artefacts import Attack
from hardware_sim.sequences.attacks import presentation
from hardware_sim.sequences.values import FrameTruth

pytestmark = pytest.mark.faces

SUBJECTS = people()[:3]
EVERY = 6  # frames
GENUINE_MIN = 0.6
OVERLAP_MIN = 0.5


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


def watched(chain: FaceModels, made: Sequence) -> list[tuple[FrameTruth, np.ndarray, Observation]]:
    seen = []
    for index in range(0, made.length, EVERY):
        picture = decode(studio.jpeg(made.frame(index / FPS), 88))
        seen.append((made.truth(index / FPS), picture, observe(chain, picture, at_ms=round(1000 * index / FPS))))
    return seen


def portrait_of(chain: FaceModels, name: str) -> np.ndarray:
    jpeg = next(identity.portrait_jpeg() for identity in identities() if identity.name == name)
    return portrait_template(chain, jpeg).vector


def overlap(seen: Observation, truth: FrameTruth) -> float:
    """Return how well the box found covers the true one, intersection over union."""
    assert seen.box is not None
    left, top, right, bottom = truth.people[0].box_px
    width = min(right, seen.box.right) - max(left, seen.box.left)
    height = min(bottom, seen.box.bottom) - max(top, seen.box.top)
    shared = max(width, 0) * max(height, 0)
    return shared / ((right - left) * (bottom - top) + seen.box.width * seen.box.height - shared)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("story", ["stand", "blink", "turn_head", "approach"])
def test_one_who_moves_is_found_where_the_truth_says_and_is_who_they_are(
    chain: FaceModels, name: str, story: str
) -> None:
    own = portrait_of(chain, name)
    for truth, _, seen in watched(chain, sequence(story, name, people()[5], seed=1)):
        if truth.people[0].eye_distance_px < 40:
            continue  # far away: nothing is promised yet
        assert seen.faces == 1
        assert overlap(seen, truth) > OVERLAP_MIN
        if seen.template is not None:
            assert float(seen.template.vector @ own) > GENUINE_MIN


@pytest.mark.parametrize("name", SUBJECTS)
def test_one_who_stands_looks_alive_to_the_passive_model(chain: FaceModels, name: str) -> None:
    assert chain.liveness is not None
    scores = [
        live_probability(chain.liveness, picture, seen.box)
        for _, picture, seen in watched(chain, sequence("stand", name, people()[5], seed=2))
        if seen.box is not None
    ]
    assert len(scores) == 5
    assert min(scores) > 0.5


@pytest.mark.parametrize("attack", list(Attack))
def test_an_artefact_is_found_as_the_face_that_it_shows(chain: FaceModels, attack: Attack) -> None:
    name, other = SUBJECTS[:2]
    own, scores = portrait_of(chain, name), []
    for _, _, seen in watched(chain, presentation(attack, "held", name, other, seed=1)):
        if seen.template is not None:
            scores.append(float(seen.template.vector @ own))
    assert scores
    if attack is not Attack.CUTOUT:  # another's eyes look through it
        assert max(scores) > chain.match_threshold


def test_the_displays_red_shows_on_a_face_and_on_paper_and_not_on_a_screen() -> None:
    name, other = SUBJECTS[:2]
    rise = {}
    for made in (
        sequence("stand", name, other),
        presentation(Attack.PRINT, "held", name, other),
        presentation(Attack.SCREEN, "held", name, other),
    ):
        left, top, right, bottom = (round(place) for place in made.truth(0.2).people[0].box_px)
        face = np.s_[top + 20 : bottom - 20, left + 15 : right - 15]
        plain, red = (made.frame(0.2, display=light)[face].astype(float) for light in ((0, 0, 0), (1, 0, 0)))
        rise[made.name] = (red - plain)[..., 2].mean() - (red - plain)[..., 0].mean()
    assert rise["stand"] > 10
    assert rise["print_held"] > 10
    assert rise["screen_held"] < rise["print_held"] / 3
