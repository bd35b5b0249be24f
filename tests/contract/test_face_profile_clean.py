"""The profile with clean licences: faces with their points, and templates that tell people apart."""

from pathlib import Path

import numpy as np
import pytest
from fakes.portraits import as_file, astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, observe, open_models, portrait_template, template_of
from gate.face.compare import alike
from gate.face.values import Box, NoFaceError
from models.errors import ManifestError


@pytest.fixture(scope="module")
def clean() -> FaceModels:
    return open_models(real_models(), profile="clean")


def test_a_face_is_found_where_the_other_profile_finds_it_with_its_points_inside(clean: FaceModels) -> None:
    picture = before_the_camera(astronaut())
    (face,) = clean.finder.find(picture)
    (other,) = open_models(real_models()).finder.find(picture)
    assert face.box.overlap(other.box) > 0.4
    points = clean.finder.points(picture, face)
    assert points.dense is None
    five = points.five
    assert five.shape == (5, 2)
    left_eye, right_eye, nose, left_mouth, right_mouth = five
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert np.abs(five - open_models(real_models()).finder.points(picture, other).five).max() < 0.1 * face.box.width


@pytest.mark.parametrize("copies", [2, 3])
def test_several_faces_are_all_found_best_first(clean: FaceModels, copies: int) -> None:
    picture = np.hstack([before_the_camera(astronaut())] * copies)
    faces = clean.finder.find(picture)
    assert len(faces) == copies
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((480, 640, 3), np.uint8),
        np.full((30, 30, 3), 128, np.uint8),
        np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8),
    ],
)
def test_a_picture_of_nothing_has_no_face(clean: FaceModels, picture: np.ndarray) -> None:
    assert clean.finder.find(picture) == ()
    with pytest.raises(NoFaceError):
        template_of(clean, picture)


def test_one_person_is_alike_in_two_lights_and_nobody_is_alive_without_a_model(clean: FaceModels) -> None:
    frame = before_the_camera(astronaut())
    portrait = portrait_template(clean, as_file(astronaut()))
    seen = observe(clean, (frame * 0.7).astype(np.uint8), at_ms=3)
    assert seen.template is not None
    assert alike(portrait, seen.template) > clean.match_threshold
    assert clean.liveness is None
    assert portrait.vector.shape == (128,)
    assert portrait.model == "dlib_resnet"


def test_a_face_at_the_edge_is_cut_out_with_black_around_it(clean: FaceModels) -> None:
    picture = before_the_camera(astronaut())
    (face,) = clean.finder.find(picture)
    left = int(face.box.left + 0.25 * face.box.width)
    assert all(Box(0, 0, 640, 480).area > found.box.area > 0 for found in clean.finder.find(picture[:, left:].copy()))


def test_a_profile_that_is_not_known_or_an_embedder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="known are standard, clean"):
        open_models(tmp_path, profile="cleaner")
    with pytest.raises(ManifestError, match="is not an embedder"):
        open_models(tmp_path, embedder="fr_detect")
