"""Each model keeps the contract that the chain was built on: shapes, channel order, range. Inputs are made in code.

Needs the fetched models (`gate models fetch`).
"""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.align import embed, embed_portrait, standard_position
from gate.face.chain import FaceModels, observe, open_models, portrait_template, template_of
from gate.face.compare import SAME_PORTRAIT_MIN, cosine
from gate.face.liveness.liveness_aggregate import live_probability
from gate.face.values import Box, NoFaceError
from gate_lab.cohort import cohort_of, spelt
from gate_lab.folders import UnfitError
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


def test_by_every_way_a_template_is_of_one_look_at_the_points_also_with_a_cohort(
    folder: Path, chain: FaceModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A threshold is measured by one way, a traveller seen by another."""
    picture = before_the_camera(astronaut())
    (face,) = chain.finder.find(picture)
    crop = standard_position(chain.embed, picture, chain.finder.points(picture, face).five)
    expected, portrait = embed(chain.embed, [crop]).vector, embed_portrait(chain.embed, crop).vector
    both = expected + embed(chain.embed, [crop[:, ::-1].copy()]).vector
    assert portrait @ (both / np.linalg.norm(both)) == pytest.approx(1.0, abs=1e-6)
    monkeypatch.setattr("gate_lab.cohort.PEOPLE_MIN", 1)
    (tmp_path / "people" / "ann").mkdir(parents=True)
    (tmp_path / "people" / "ann" / "1.png").write_bytes(as_file(picture, ".png"))
    made = cohort_of(tmp_path / "people", chain, tracked=lambda items, _: items, tell=pytest.fail)
    assert np.frombuffer(made.mean, "<f4") == pytest.approx(expected, abs=1e-6)
    (tmp_path / "cohort").write_bytes(spelt(msgspec.structs.replace(made, people=300)))
    with_cohort = open_models(folder, measuring=True, cohort=tmp_path / "cohort")
    assert with_cohort.cohort is not None
    for models in (chain, with_cohort):
        seen = observe(models, picture).template
        assert seen is not None
        assert seen.vector @ expected == pytest.approx(1.0, abs=1e-6)
        assert template_of(models, picture).vector @ expected == pytest.approx(1.0, abs=1e-6)
        assert portrait_template(models, as_file(picture, ".png")).vector @ portrait == pytest.approx(1.0, abs=1e-5)
    shutil.copytree(tmp_path / "people" / "ann", tmp_path / "people" / "bob")
    with pytest.raises(UnfitError, match="is a picture of ann, too"):
        cohort_of(tmp_path / "people", chain, tracked=lambda items, _: items, tell=pytest.fail)


def test_a_portrait_is_known_again_and_not_by_its_photograph(chain: FaceModels) -> None:
    photograph = astronaut()
    first, again = (portrait_template(chain, as_file(photograph, ".png")) for _ in range(2))
    assert cosine(first, again) >= SAME_PORTRAIT_MIN
    for other in (photograph[8:-8, 8:-8], photograph[2:-1, 1:-2], photograph[:, ::-1]):
        assert cosine(first, portrait_template(chain, as_file(other.copy(), ".png"))) < SAME_PORTRAIT_MIN


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
    assert (seen.faces, seen.template, seen.quality, seen.at_ms) == (0, None, None, 7)
    with pytest.raises(NoFaceError):
        template_of(chain, picture)


def test_one_changed_byte_in_any_model_is_refused(folder: Path, tmp_path: Path) -> None:
    for model in (model for model in load().models if model.package):
        content = bytearray((folder / model.file_name).read_bytes())
        content[len(content) // 3] ^= 1
        (tmp_path / model.file_name).write_bytes(content)
        with pytest.raises(ModelCorruptError):
            open_session(model, tmp_path)
