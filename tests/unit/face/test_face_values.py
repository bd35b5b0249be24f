"""Boxes, templates, similarity: the arithmetic of the face room."""

import pickle

import numpy as np
import pytest
from fakes.face_examples import template
from hypothesis import given
from hypothesis import strategies as st

from gate.face.align import ARCFACE, five_points, similarity
from gate.face.compare import alike, fused
from gate.face.detect import FACES_MAX, central, companions, faces_from
from gate.face.liveness.liveness_aggregate import CROP_SCALE, context_crop
from gate.face.quality import pose
from gate.face.values import Box, Face, NoFaceError, Template

# ── boxes and faces ──────────────────────────────────────────────────────────────────────────────────────────────────


def face(left: float, top: float, side: float, score: float = 0.9) -> Face:
    return Face(Box(left, top, left + side, top + side), score)


def test_overlap_runs_from_apart_to_the_same() -> None:
    box = Box(0, 0, 10, 10)
    assert box.overlap(box) == 1.0
    assert box.overlap(Box(20, 20, 30, 30)) == 0.0
    assert box.overlap(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 0, 0).overlap(Box(0, 0, 0, 0)) == 0.0


def test_likely_boxes_become_faces_in_pixels_best_first() -> None:
    scores = np.array([0.7, 0.2, 0.95], np.float32)
    boxes = np.array([(0.5, 0.5, 0.75, 1.0), (0, 0, 1, 1), (0.0, 0.0, 0.25, 0.5)], np.float32)
    found = faces_from(scores, boxes, width=640, height=480, score_min=0.65)
    assert [face.box for face in found] == [Box(0, 0, 160, 240), Box(320, 240, 480, 480)]


def test_overlapping_and_empty_boxes_are_dropped() -> None:
    scores = np.array([0.9, 0.8, 0.99], np.float32)
    boxes = np.array([(0, 0, 0.5, 0.5), (0.02, 0.02, 0.5, 0.5), (0.5, 0.5, 0.5, 0.9)], np.float32)
    assert len(faces_from(scores, boxes, width=100, height=100, score_min=0.65)) == 1


def test_no_more_faces_than_the_limit_come_out() -> None:
    columns = np.arange(100, dtype=np.float32) / 100
    boxes = np.stack([columns, columns * 0, columns + 0.005, columns * 0 + 1], axis=1, dtype=np.float32)
    found = faces_from(np.full(100, 0.9, np.float32), boxes, width=1000, height=100, score_min=0.65)
    assert len(found) == FACES_MAX


def test_the_most_central_large_face_counts() -> None:
    small_central, large_aside, large_central = face(310, 230, 20), face(0, 0, 200), face(200, 150, 180)
    assert central((small_central, large_aside, large_central), width=640, height=480) is large_central
    assert central((), width=640, height=480) is None


def test_a_small_face_behind_is_no_companion_and_a_large_one_is() -> None:
    main = face(200, 100, 200)
    assert companions((main, face(10, 10, 60)), main) == 0
    assert companions((main, face(10, 10, 120), face(500, 10, 105)), main) == 2
    tiny = face(0, 0, 30)
    assert companions((tiny, face(100, 100, 25)), tiny) == 0


# ── alignment and pose ───────────────────────────────────────────────────────────────────────────────────────────────


@given(scale=st.floats(0.1, 10), turn=st.floats(-np.pi, np.pi), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_a_similarity_is_recovered_from_its_points(scale: float, turn: float, x: float, y: float) -> None:
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    true = np.array([[cosine, -sine, x], [sine, cosine, y]])
    moved = ARCFACE @ true[:, :2].T + true[:, 2]
    assert np.allclose(similarity(ARCFACE, moved), true, atol=1e-6)


def test_points_that_coincide_are_no_face() -> None:
    with pytest.raises(NoFaceError):
        similarity(np.ones((5, 2)), ARCFACE)


def test_five_points_are_eyes_nose_and_mouth_corners() -> None:
    points = np.zeros((68, 2))
    points[[37, 38, 40, 41]] = (30, 40)
    points[[43, 44, 46, 47]] = (70, 40)
    points[30] = (50, 60)
    points[[48, 60]] = (35, 80)
    points[[54, 64]] = (65, 80)
    assert five_points(points).tolist() == [[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]]


def test_pose_tells_turning_nodding_and_tilting_apart() -> None:
    straight = pose(ARCFACE)
    assert abs(straight.yaw) < 0.02
    assert 0.4 < straight.pitch < 0.6
    assert abs(straight.roll_degrees) < 1
    turned = ARCFACE.copy()
    turned[2, 0] += 15
    assert pose(turned).yaw > 0.3
    raised = ARCFACE.copy()
    raised[2, 1] -= 15
    assert pose(raised).pitch < 0.25
    quarter = ARCFACE @ np.array([[0, 1], [-1, 0]])
    assert pose(quarter).roll_degrees == pytest.approx(90, abs=1)
    assert pose(quarter).yaw == pytest.approx(straight.yaw)


def test_pose_of_senseless_points_is_out_of_every_bound() -> None:
    assert pose(np.ones((5, 2))).yaw == np.inf
    upside_down = ARCFACE.copy()
    upside_down[3:, 1] = 0
    assert pose(upside_down).pitch == np.inf


# ── liveness crop ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(left=st.floats(-300, 639), top=st.floats(-300, 479), width=st.floats(2, 900), height=st.floats(2, 900))
def test_the_context_crop_lies_inside_the_picture(left: float, top: float, width: float, height: float) -> None:
    box = Box(left, top, left + width, top + height)
    if box.right <= 0 or box.bottom <= 0:
        with pytest.raises(NoFaceError):
            context_crop(box, width=640, height=480)
        return
    x, y, right, bottom = context_crop(box, width=640, height=480)
    assert 0 <= x < right <= 640
    assert 0 <= y < bottom <= 480


def test_the_context_crop_is_centred_and_enlarged_where_there_is_room() -> None:
    x, y, right, bottom = context_crop(Box(300, 220, 340, 260), width=640, height=480)
    assert right - x == bottom - y == round(40 * CROP_SCALE)
    assert (x + right) // 2 == 320
    assert context_crop(Box(0, 0, 40, 40), width=640, height=480)[:2] == (0, 0)


def test_a_box_without_area_has_no_context() -> None:
    with pytest.raises(NoFaceError):
        context_crop(Box(10, 10, 10, 50), width=640, height=480)


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_shows_nothing_of_itself_and_cannot_be_pickled() -> None:
    one = template(0)
    assert repr(one) == "Template(model=fr_feature)"
    assert str(one) == repr(one)
    with pytest.raises(TypeError):
        pickle.dumps(one)


@pytest.mark.parametrize("vector", [np.zeros(512), np.full(512, 2.0), np.ones((2, 512)), np.full(512, np.nan)])
def test_only_unit_vectors_are_templates(vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="unit length"):
        Template(vector.astype(np.float32), "fr_feature")


def test_templates_compare_by_cosine_and_only_within_a_model() -> None:
    assert alike(template(0), template(0)) == 1.0
    assert alike(template(0), template(1)) == 0.0
    assert alike(template(0), template(0, alike=-1.0)) == -1.0
    with pytest.raises(ValueError, match="do not compare"):
        alike(template(0), template(0, model="other"))


def test_many_frames_make_one_template_that_leans_to_the_heavier() -> None:
    one, other = template(0), template(1)
    assert alike(fused([one, other], [1.0, 1.0]), one) == pytest.approx(0.5**0.5)
    assert alike(fused([one, other], [3.0, 1.0]), one) == pytest.approx(3 / 10**0.5)
    assert alike(fused([one], [0.2]), one) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("templates", "weights"),
    [
        ([], []),
        ([template(0)], [0.0]),
        ([template(0)], [float("nan")]),
        ([template(0), template(0, model="other")], [1.0, 1.0]),
        ([template(0), template(0, alike=-1.0)], [1.0, 1.0]),
        ([template(0), template(1)], [1.0]),
    ],
)
def test_senseless_templates_make_none(templates: list[Template], weights: list[float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every one of them, whatever it says
        fused(templates, weights)
