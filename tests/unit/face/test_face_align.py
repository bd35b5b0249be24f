"""Cutting a face out: where it comes to lie, and that a large one is averaged."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from gate.face.align import ALIGNMENTS, ARCFACE, AVERAGED_FROM, align, landmarks
from gate.face.detect import detect
from gate.face.values import Box, Points
from gate.picture import Picture
from models.manifest import load

MIDDLE = ARCFACE.mean(axis=0)


def dots(scale: float, turn: float = 0.0) -> tuple[Picture, Points]:
    """A picture with a soft dot at each of five points, `scale` times as large as the template and turned."""
    turned = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    side = round(160 * scale)
    five = (ARCFACE - MIDDLE) @ turned.T * scale + side / 2
    y, x = np.mgrid[:side, :side]
    picture = np.zeros((side, side), np.float64)
    for at in five:
        picture += 255 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (2.5 * scale) ** 2))
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2), five


@pytest.mark.parametrize("turn", [0.0, 0.3])
@pytest.mark.parametrize("scale", [1.0, 1.9, 2.1, 3.6, 5.0, 9.5])
def test_the_five_points_lie_in_the_same_places_however_large_the_face_is(scale: float, turn: float) -> None:
    aligned = align(*dots(scale, turn)).astype(float)[..., 0]
    y, x = np.mgrid[:112, :112]
    for at in ARCFACE:
        near = np.hypot(x - at[0], y - at[1]) < 7
        weight = aligned * near
        assert ((weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()) == pytest.approx(at, abs=0.15)


def test_a_large_face_is_averaged_and_a_small_one_is_not() -> None:
    random = np.random.default_rng(5)

    def left(scale: float) -> float:
        """How much of the noise of a grey picture, 20, is left."""
        side = round(160 * scale)
        picture = np.clip(random.normal(128, 20, (side, side, 3)), 0, 255).astype(np.uint8)
        return float(align(picture, (ARCFACE - MIDDLE) * scale + side / 2).std())

    assert left(4.0) < 8
    assert left(8.0) < 4
    assert left(AVERAGED_FROM) > 10


def test_the_clean_profile_s_crop_is_averaged_too() -> None:
    aligned = align(*dots(6.0), ALIGNMENTS["dlib"])
    assert aligned.shape == (150, 150, 3)
    assert aligned.max() > 200


class Recorder:
    """Stands for a session of the landmark model, and keeps what it is given."""

    model = load().model("fr_landmark")

    def __init__(self) -> None:
        self.seen = np.empty(0, np.float32)

    def run(self, tensor: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        self.seen = tensor
        return (np.zeros((1, 136), np.float32),)


def test_the_detector_sees_a_large_picture_averaged() -> None:
    spread = []
    for side in (320, 1280):
        picture = np.clip(np.random.default_rng(7).normal(128, 20, (side * 3 // 4, side, 3)), 0, 255).astype(np.uint8)
        session = Detecting()
        assert detect(session, picture) == ()  # type: ignore[arg-type] # the two members that are used
        spread.append(float(session.seen.std()))
    assert spread[1] < spread[0] / 3


class Detecting(Recorder):
    """The same for the detector."""

    model = load().model("fr_detect")

    def run(self, tensor: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        self.seen = tensor
        return np.zeros((1, 4420, 2), np.float32), np.zeros((1, 4420, 4), np.float32)


def test_the_landmark_model_sees_a_large_face_averaged() -> None:
    picture = np.clip(np.random.default_rng(6).normal(128, 20, (640, 640, 3)), 0, 255).astype(np.uint8)
    spread = []
    for side in (128, 640):
        session = Recorder()
        landmarks(session, picture, Box(0, 0, side, side))  # type: ignore[arg-type] # the two members that are used
        spread.append(float(session.seen.std()))
        grey = cv2.cvtColor(picture[:side, :side], cv2.COLOR_BGR2GRAY)
        assert session.seen.mean() * 256 == pytest.approx(grey.mean(), abs=0.5)
    assert spread[1] < spread[0] / 3
