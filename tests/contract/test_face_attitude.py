"""The models of head and eyes on a real face: signs, fusion, and what is not measured."""

from dataclasses import replace

import numpy as np
import pytest
from fakes.portraits import astronaut, before_the_camera
from fakes.tiny_models import real_models

from gate.face.attitude import ANGLES_EVERY_MS, Attitude, Fused, eyes_open, head_angles, mouth_opening
from gate.face.chain import FaceModels, observe, open_models
from gate.face.quality import Observation
from gate.face.values import Box


@pytest.fixture(scope="module")
def chain() -> FaceModels:
    return open_models(real_models())


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return before_the_camera(astronaut())


@pytest.fixture(scope="module")
def seen(chain: FaceModels, frame: np.ndarray) -> Observation:
    return replace(observe(chain, frame, at_ms=1000), subject=1)


def test_a_mirrored_face_is_turned_the_other_way(chain: FaceModels, frame: np.ndarray, seen: Observation) -> None:
    assert chain.pose is not None
    assert seen.box is not None
    width = frame.shape[1]
    box = Box(width - seen.box.right, seen.box.top, width - seen.box.left, seen.box.bottom)
    one = head_angles(chain.pose, frame, seen.box)
    other = head_angles(chain.pose, frame[:, ::-1].copy(), box)
    assert one is not None
    assert other is not None
    assert abs(one.yaw + other.yaw) < 6
    assert abs(one.pitch - other.pitch) < 6


def test_a_smiling_face_with_open_eyes_shows_both(chain: FaceModels, frame: np.ndarray, seen: Observation) -> None:
    assert chain.eyes is not None
    assert seen.points is not None
    assert seen.points.dense is not None
    value = eyes_open(chain.eyes, frame, seen.points.dense)
    assert value is not None
    assert value > 0.5
    assert 0.05 < mouth_opening(seen.points.dense) < 0.35


def test_nothing_of_the_picture_is_no_angle_and_no_eye(chain: FaceModels, frame: np.ndarray) -> None:
    assert chain.pose is not None
    assert chain.eyes is not None
    assert head_angles(chain.pose, frame, Box(-500, -500, -300, -300)) is None
    assert eyes_open(chain.eyes, frame, np.full((68, 2), -400.0)) is None
    assert mouth_opening(np.zeros((68, 2))) == 0.0


def test_what_needs_the_frame_before_is_not_measured_in_the_first(
    chain: FaceModels, frame: np.ndarray, seen: Observation
) -> None:
    attitude = Attitude(chain)
    first = attitude.complete(frame, seen)
    second = attitude.complete(frame, replace(seen, at_ms=1067))
    other = attitude.complete(frame, replace(seen, at_ms=1134, subject=2))
    late = attitude.complete(frame, replace(seen, at_ms=2400, subject=2))
    assert first.quality is not None
    assert second.quality is not None
    assert other.quality is not None
    assert late.quality is not None
    assert (first.quality.measures.motion, other.quality.measures.motion) == (None, None)
    assert second.quality.measures.motion == 0.0
    assert late.quality.measures.motion is None
    assert first.quality.measures.yaw_degrees is not None


def test_the_costly_model_is_asked_now_and_then(chain: FaceModels, frame: np.ndarray, seen: Observation) -> None:
    attitude = Attitude(chain)
    turned = frame[:, ::-1].copy()

    def yaw(picture: np.ndarray, at_ms: int) -> float | None:
        done = attitude.complete(picture, replace(seen, at_ms=at_ms))
        assert done.quality is not None
        return done.quality.measures.yaw_degrees

    first = yaw(frame, 1000)
    assert yaw(turned, 1000 + ANGLES_EVERY_MS - 1) == first
    assert yaw(turned, 1000 + ANGLES_EVERY_MS) != first


def test_a_profile_without_these_models_measures_neither(
    chain: FaceModels, frame: np.ndarray, seen: Observation
) -> None:
    done = Attitude(replace(chain, pose=None, eyes=None)).complete(frame, seen)
    assert done.quality is not None
    assert (done.quality.measures.yaw_degrees, done.quality.measures.eyes_open) == (None, None)
    lost = Observation(at_ms=5, faces=1)
    assert Attitude(chain).complete(frame, lost) is lost


def test_the_middle_of_the_newest_three_values_stands() -> None:
    fused = Fused()
    assert fused.take(None) is None
    assert [fused.take(value) for value in (0.9, 0.1, 0.8, 0.7, None)] == [0.9, 0.5, 0.8, 0.7, 0.7]
