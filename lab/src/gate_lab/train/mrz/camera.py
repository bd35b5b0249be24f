"""Turns ink on paper into the recogniser's strip: lens, sensor, file, and the rectifier's remaining errors.

The picture is made at the capture's resolution, so that blur, noise and compression act where they do in reality;
cutting out the strip comes last. The characters' exact centres are transformed as well.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.conditions import Conditions
from gate_lab.train.mrz.glyphs import LINE_PX, PITCH_PX
from gate_lab.train.mrz.light import Picture, illuminate, lay_beside, paper
from gate_lab.train.mrz.scene import HEIGHT_PX, MARGIN_PX, Scene

STRIP_WIDTH: Final = 704
STRIP_HEIGHT: Final = 32
_BLUR_PX_MIN: Final = 0.2


def photograph(
    rng: np.random.Generator, scene: Scene, characters: int, conditions: Conditions
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return the strip, (32, 704) uint8, and the x of each character's centre in it, (N,) in pixels."""
    zoom = conditions.pitch_px / PITCH_PX
    across = (characters + sum(conditions.margins)) * PITCH_PX
    shape = max(6, round(LINE_PX * conditions.height * zoom)), max(64, round(across * zoom))
    to_scene = _view(conditions, across, shape)
    ink = _expose(scene.ink, to_scene, shape, zoom, conditions)
    background = paper(rng, shape, conditions)
    seen = background + (np.float32(conditions.ink) - background) * ink
    seen = lay_beside(rng, illuminate(rng, seen, conditions), conditions)
    picture = _store(rng, _lens(rng, seen, conditions), conditions)
    resized = cv2.resize(picture, (STRIP_WIDTH, STRIP_HEIGHT), interpolation=_interpolation(rng, shape[1]))
    strip = np.asarray(resized, np.uint8)
    if not len(scene.centres):
        return strip, np.zeros(0)
    places = cv2.perspectiveTransform(scene.centres[None], np.linalg.inv(to_scene))[0]
    return strip, np.asarray((places[:, 0] + 0.5) * STRIP_WIDTH / shape[1] - 0.5)


def _view(conditions: Conditions, across: float, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return the homography from a captured pixel to the scene. It does not include the bow, which moves no x."""
    height, width = shape
    unit = np.array([[1 / width, 0, 0.5 / width - 0.5], [0, 1 / height, 0.5 / height - 0.5], [0, 0, 1]])
    p = conditions.perspective
    low, high = -0.5 / (1 - 0.5 * p), 0.5 / (1 + 0.5 * p)
    bend = np.array([[1.0, 0, 0], [0, 1, 0], [p, 0, 1]])
    ends = np.array([[1 / (high - low), 0, -low / (high - low) - 0.5], [0, 1, 0], [0, 0, 1]])
    left = MARGIN_PX - conditions.margins[0] * PITCH_PX
    tall = LINE_PX * conditions.height
    place = np.array(
        [
            [across, conditions.slant * tall, left + across / 2 - 0.5],
            [conditions.drift * LINE_PX, tall, HEIGHT_PX / 2 - 0.5 + conditions.offset * LINE_PX],
            [0, 0, 1],
        ]
    )
    return np.asarray(place @ ends @ bend @ unit)


def _expose(
    ink: Picture, to_scene: npt.NDArray[np.float64], shape: tuple[int, int], zoom: float, conditions: Conditions
) -> Picture:
    """Sample the ink as a sensor of `shape` pixels would."""
    if zoom < 1:
        ink = cv2.GaussianBlur(ink, (0, 0), 0.42 / zoom).astype(np.float32)
    u, v = np.meshgrid(np.arange(shape[1], dtype=np.float64), np.arange(shape[0], dtype=np.float64))
    w = to_scene[2, 0] * u + to_scene[2, 1] * v + to_scene[2, 2]
    x = (to_scene[0, 0] * u + to_scene[0, 1] * v + to_scene[0, 2]) / w
    y = (to_scene[1, 0] * u + to_scene[1, 1] * v + to_scene[1, 2]) / w
    y += conditions.bow * LINE_PX * ((2 * u / shape[1] - 1) ** 2 - 0.5)
    sampled = cv2.remap(ink, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(sampled, np.float32)


def _lens(rng: np.random.Generator, seen: Picture, conditions: Conditions) -> Picture:
    sigma_px = conditions.blur * conditions.pitch_px
    if sigma_px > _BLUR_PX_MIN:
        seen = cv2.GaussianBlur(seen, (0, 0), sigma_px).astype(np.float32)
    if conditions.motion * conditions.pitch_px > 1:
        streak = _streak(conditions.motion * conditions.pitch_px, rng.uniform(0, np.pi))
        seen = cv2.filter2D(seen, -1, streak).astype(np.float32)
    if conditions.moire:
        x, y = np.arange(seen.shape[1], dtype=np.float32), np.arange(seen.shape[0], dtype=np.float32)[:, None]
        phase = x * np.float32(rng.uniform(0.2, 1.6)) + y * np.float32(rng.uniform(-1.6, 1.6))
        seen = seen * (1 - np.float32(conditions.moire) * (0.5 + 0.5 * np.sin(phase))).astype(np.float32)
    return seen


def _streak(length_px: float, angle: float) -> Picture:
    """Return a line of that length as a kernel that sums to 1."""
    side = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    half = np.array([np.cos(angle), np.sin(angle)]) * length_px / 2
    start, end = (np.round((side // 2 + sign * half) * 16).astype(int).tolist() for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _store(rng: np.random.Generator, seen: Picture, conditions: Conditions) -> npt.NDArray[np.uint8]:
    """Apply tone curve, noise, the camera's sharpening, 8 bits, and the file's compression."""
    seen = np.clip(seen, 0.0, 1.0) ** np.float32(conditions.gamma)
    if conditions.noise:
        seen = seen + np.float32(conditions.noise) * rng.standard_normal(seen.shape, dtype=np.float32)
    if conditions.sharpen:
        seen = seen + np.float32(conditions.sharpen) * (seen - cv2.GaussianBlur(seen, (0, 0), 1.0))
    picture = (np.clip(seen, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
    if conditions.jpeg_quality < 100:
        _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, conditions.jpeg_quality])
        picture = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
    return picture


def _interpolation(rng: np.random.Generator, width_px: int) -> int:
    if width_px > STRIP_WIDTH and rng.random() < 0.5:
        return cv2.INTER_AREA
    return cv2.INTER_CUBIC if rng.random() < 0.3 else cv2.INTER_LINEAR
