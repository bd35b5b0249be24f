"""Each model keeps the contract that the chain was built on: shapes, channel order, range. Inputs are made in code.

Needs the fetched models (`gate models fetch`).
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, observe, open_models, portrait_template, template_of
from gate.face.compare import cosine
from gate.face.detect import Landmarked, box_about
from gate.face.embed import embed, embed_portrait, standard_position
from gate.face.errors import NoFaceError
from gate.face.liveness.passive import live_probability
from gate.face.swaps import SAME_PORTRAIT_MIN
from gate.face.values import Box, Landmarks
from gate.performance.cohort import cohort_of
from gate.performance.folders import UnfitError
from gate.picture import Picture
from models.errors import ModelCorruptError, ModelDriftError
from models.manifest import load
from models.runtime import Session, golden_input, open_session


@pytest.fixture(scope="module")
def folder() -> Path:
    return real_models()


@pytest.fixture(scope="module")
def chain(folder: Path) -> FaceModels:
    return open_models(folder)


def face_like(*, seed: int = 0, side: int = 112) -> np.ndarray:
    """A picture with structure in every channel; no face."""
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [np.sin(7 * x + seed) * np.cos(5 * y), np.sin(3 * x * y + seed), np.cos(9 * y - 2 * x)]
    return ((np.stack(waves, axis=-1) + 1) * 127).astype(np.uint8)


@pytest.mark.parametrize("name", [model.name for model in load().models])
def test_every_model_proves_itself_on_one_and_two_threads(folder: Path, name: str) -> None:
    for threads in (1, 2):
        session = open_session(load().model(name), folder, threads=threads)
        outputs = session.run(golden_input(session.model))
        for made, wanted in zip(outputs, session.model.outputs, strict=True):
            assert wanted.admits(made.shape, rows=1)


def test_scaling_the_liveness_input_to_one_is_caught_by_its_golden_values(chain: FaceModels) -> None:
    """Divided by 255 that model answers the same for every face: a mistake that no shape check sees."""
    assert chain.liveness is not None
    liveness: Session = chain.liveness

    class Scaled:
        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            outputs: list[np.ndarray] = liveness._inner.run(names, {"input": inputs["input"] / np.float32(255)})
            return outputs

    with pytest.raises(ModelDriftError):
        Session(liveness.model, "CPUExecutionProvider", (), Scaled()).self_test()


def test_the_embedder_is_fed_bgr_and_answers_otherwise_to_rgb(chain: FaceModels) -> None:
    picture = face_like()
    mine = embed(chain.embed, [picture]).vector
    tensor = (np.ascontiguousarray(picture.transpose(2, 0, 1)[None]).astype(np.float32) - 127) / np.float32(128)
    (expected,) = chain.embed.run(tensor)
    assert mine @ (expected[0] / np.linalg.norm(expected[0])) == pytest.approx(1.0, abs=1e-4)
    assert mine @ embed(chain.embed, [picture[:, :, ::-1].copy()]).vector < 0.99


def test_templates_have_unit_length_and_512_numbers(chain: FaceModels) -> None:
    vector = embed(chain.embed, [face_like()]).vector
    assert vector.shape == (512,)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_with_a_cohort_every_template_is_of_two_looks_at_the_points(chain: FaceModels) -> None:
    """By every way to a template alike: a threshold is measured by one, a traveller seen by another."""
    picture, twice = before_the_camera(astronaut()), replace(chain, looks_twice=True)
    (face,) = chain.finder.find(picture)
    first = chain.finder.points(picture, face)
    second = chain.finder.again(picture, first)
    assert second is not None
    assert 0.0 < np.abs(second.five - first.five).max() < 0.05 * face.box.width
    looks = [standard_position(chain.embed, picture, points.five) for points in (first, second)]
    for crops, models in ((looks[:1], chain), (looks, twice)):
        expected = embed(models.embed, crops).vector
        seen = observe(models, picture).template
        assert seen is not None
        assert seen.vector @ expected == pytest.approx(1.0, abs=1e-6)
        assert template_of(models, picture).vector @ expected == pytest.approx(1.0, abs=1e-6)
        portrait = embed_portrait(models.embed, [*crops, *(crop[:, ::-1].copy() for crop in crops)]).vector
        assert portrait_template(models, as_file(picture, ".png")).vector @ portrait == pytest.approx(1.0, abs=1e-5)
    once, both = (template_of(models, picture).vector for models in (chain, twice))
    mean = embed(chain.embed, looks[:1]).vector + embed(chain.embed, looks[1:]).vector
    assert both @ (mean / np.linalg.norm(mean)) == pytest.approx(1.0, abs=1e-6)
    assert 0.9 < once @ both < 0.99999


@pytest.mark.parametrize("looks_twice", [False, True])
def test_a_portrait_is_known_again_and_not_by_its_photograph(chain: FaceModels, *, looks_twice: bool) -> None:
    models, photograph = replace(chain, looks_twice=looks_twice), astronaut()
    first, again = (portrait_template(models, as_file(photograph, ".png")) for _ in range(2))
    assert cosine(first, again) >= SAME_PORTRAIT_MIN
    for other in (photograph[8:-8, 8:-8], photograph[2:-1, 1:-2], photograph[:, ::-1]):
        assert cosine(first, portrait_template(models, as_file(other.copy(), ".png"))) < SAME_PORTRAIT_MIN


@pytest.mark.parametrize("second", ["outside", "one point"])
def test_a_second_look_that_finds_nothing_leaves_the_first_one(chain: FaceModels, second: str) -> None:
    class Finder(Landmarked):
        def again(self, picture: Picture, points: Landmarks) -> Landmarks:
            if second == "outside":
                return super().again(picture, Landmarks(points.five + 5000, np.full((68, 2), 5000.0)))
            return Landmarks(np.full((5, 2), 80.0))

    assert isinstance(chain.finder, Landmarked)
    twice = replace(chain, looks_twice=True, finder=Finder(chain.finder.detect, chain.finder.landmark))
    picture = before_the_camera(astronaut())
    once = template_of(chain, picture).vector
    assert (template_of(twice, picture).vector == once).all()
    seen = observe(twice, picture).template
    assert seen is not None
    assert (seen.vector == once).all()


def test_a_box_about_a_faces_points_is_the_detectors(chain: FaceModels) -> None:
    picture = before_the_camera(astronaut())
    (face,) = chain.finder.find(picture)
    dense = chain.finder.points(picture, face).dense
    assert dense is not None
    assert box_about(dense).overlap(face.box) > 0.8


def test_a_cohort_is_made_of_templates_of_two_looks(
    chain: FaceModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.performance.cohort.PEOPLE_MIN", 1)
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.png").write_bytes(as_file(before_the_camera(astronaut()), ".png"))
    made = cohort_of(tmp_path, chain, tracked=lambda items, _: items, tell=pytest.fail)
    expected = template_of(replace(chain, looks_twice=True), before_the_camera(astronaut())).vector
    assert np.frombuffer(made.mean, "<f4") == pytest.approx(expected, abs=1e-6)
    shutil.copytree(tmp_path / "ann", tmp_path / "bob")
    with pytest.raises(UnfitError, match="is a picture of ann, too"):
        cohort_of(tmp_path, chain, tracked=lambda items, _: items, tell=pytest.fail)


def test_liveness_is_a_probability_that_depends_on_the_picture(chain: FaceModels) -> None:
    assert chain.liveness is not None
    scores = {
        round(live_probability(chain.liveness, face_like(seed=seed, side=300), Box(100, 100, 200, 220)), 6)
        for seed in range(5)
    }
    assert len(scores) > 1
    assert all(0.0 <= score <= 1.0 for score in scores)


@pytest.mark.parametrize("picture", [np.zeros((480, 640, 3), np.uint8), np.full((480, 640, 3), 128, np.uint8)])
def test_a_picture_of_nothing_has_no_face(chain: FaceModels, picture: np.ndarray) -> None:
    seen = observe(chain, picture, at_ms=7)
    assert (seen.faces, seen.template, seen.usable, seen.at_ms) == (0, None, False, 7)
    with pytest.raises(NoFaceError):
        template_of(chain, picture)


def test_one_changed_byte_in_any_model_is_refused(folder: Path, tmp_path: Path) -> None:
    for model in (model for model in load().models if model.package):
        content = bytearray((folder / model.file_name).read_bytes())
        content[len(content) // 3] ^= 1
        (tmp_path / model.file_name).write_bytes(content)
        with pytest.raises(ModelCorruptError):
            open_session(model, tmp_path)
