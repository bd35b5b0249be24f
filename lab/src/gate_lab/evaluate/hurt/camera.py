"""Takes pictures of a sheet: its position, objects over it, its light, and the camera's distortions.

Everything that a second picture may change is in `PictureConditions`. Fingers belong to a picture; dirt on the glass
stays at its place in the picture wherever the sheet is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.evaluate.hurt.sheet import Floats

Grey = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureConditions:
    """One picture's conditions. Lengths are shares of the sheet's width in the picture, `width_px`, unless named otherwise."""

    width_px: float = 900.0
    turn_deg: float = 0.0
    steep: float = 0.0
    spot: tuple[float, float] = (0.0, 0.0)
    light: tuple[float, float] = (0.1, 0.0)  # how much it falls off, and towards where in radians
    exposure: float = 1.0
    glare: tuple[float, float, float, float] | None = None  # on the sheet, 0 to 1 across and down; how strong; how wide
    blur_px: float = 0.6
    motion_px: float = 0.0
    noise: float = 0.01
    jpeg: int = 90
    table: float = 0.3


@dataclass(frozen=True, slots=True)
class Finger:
    """A finger's tip on the sheet (0 to 1 across and down), its direction in radians, its width, its tone."""

    tip: tuple[float, float]
    towards: float
    width: float
    tone: float


@dataclass(frozen=True, slots=True)
class Dirt:
    """A mark on the glass, at a place of the picture in pixels: length, thickness, angle and tone; a tone above 1 is a light."""

    at: tuple[float, float]
    size_px: tuple[float, float]
    turn: float
    tone: float
    soft_px: float


def picture_of(
    rng: np.random.Generator,
    sheet: Floats,
    view: PictureConditions,
    *,
    ends_at: float = 1.0,
    fingers: tuple[Finger, ...] = (),
    dirt: tuple[Dirt, ...] = (),
    frame_ends_at: float = 1.0,
) -> Grey:
    """Take the picture. The sheet itself ends at `ends_at` of its width, the picture at `frame_ends_at` of the sheet's."""
    size, matrix = placed(sheet.shape, view)
    frame = _table(rng, size, view)
    _lay(frame, sheet, matrix, view, ends_at)
    for finger in fingers:
        _put_finger(frame, finger, matrix, sheet.shape, view)
    frame *= _light(size, view)
    if view.glare is not None:
        _shine(frame, view.glare, matrix, sheet.shape, view)
    for mark in dirt:
        _soil(frame, mark)
    picture = _camera(rng, frame, view)
    if frame_ends_at < 1:
        height, width = sheet.shape
        edge = np.array([[(frame_ends_at * width, 0.7 * height), (frame_ends_at * width, height)]], np.float64)
        picture = picture[:, : max(80, round(float(cv2.perspectiveTransform(edge, matrix)[0, :, 0].mean())))]
    return picture


def placed(shape: tuple[int, ...], view: PictureConditions) -> tuple[tuple[int, int], Corners]:
    """Return the picture's width and height, and the homography from the sheet to it."""
    height, width = shape[:2]
    zoom = view.width_px / width
    turn = np.deg2rad(view.turn_deg)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2 * zoom
    corners = corners * (1 + view.steep * corners[:, 1:] / corners[2, 1]) @ spin.T
    reach = np.abs(corners).max(axis=0) * 2
    size = round(float(reach[0]) * 1.12 + 30), round(float(reach[1]) * 1.12 + 30)
    seen = corners + np.array(size) / 2 + np.array(view.spot) * view.width_px
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return size, np.asarray(cv2.getPerspectiveTransform(flat, seen.astype(np.float32)), np.float64)


def _table(rng: np.random.Generator, size: tuple[int, int], view: PictureConditions) -> Floats:
    grain = cv2.resize(rng.standard_normal((40, 12), dtype=np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.float32(view.table) * (1 + np.float32(0.06) * grain), np.float32)


def _lay(frame: Floats, sheet: Floats, matrix: Corners, view: PictureConditions, ends_at: float) -> None:
    width = sheet.shape[1]
    shrink = width / view.width_px
    soft = cv2.GaussianBlur(sheet, (0, 0), 0.4 * shrink) if shrink > 1 else sheet
    inside = np.ones(sheet.shape, np.float32)
    inside[:, round(ends_at * width) :] = 0
    size = (frame.shape[1], frame.shape[0])
    seen = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_LINEAR)
    frame += (seen - frame) * cv2.warpPerspective(inside, matrix, size, flags=cv2.INTER_LINEAR)


def _put_finger(
    frame: Floats, finger: Finger, matrix: Corners, shape: tuple[int, ...], view: PictureConditions
) -> None:
    height, width = shape[:2]
    tip = cv2.perspectiveTransform(np.array([[(finger.tip[0] * width, finger.tip[1] * height)]], np.float64), matrix)[
        0, 0
    ]
    wide = finger.width * view.width_px
    towards = np.array([np.cos(finger.towards), np.sin(finger.towards)])
    mask = np.zeros(frame.shape, np.float32)
    start, end = ([round(float(value)) for value in tip + towards * far * wide] for far in (0.5, 9.0))
    cv2.line(mask, start, end, (1.0,), max(2, round(wide)), cv2.LINE_AA)
    shade = cv2.GaussianBlur(mask, (0, 0), 0.2 * wide + 1)
    frame *= 1 - np.float32(0.35) * shade
    frame += (np.float32(finger.tone) * (np.float32(0.75) + np.float32(0.25) * shade) - frame) * mask


def _light(size: tuple[int, int], view: PictureConditions) -> Floats:
    width, height = size
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    fall, towards = view.light
    ramp = np.float32(np.cos(towards)) * x + np.float32(np.sin(towards)) * y
    return np.asarray(np.float32(view.exposure) * (1 - np.float32(fall) * (np.float32(0.5) + ramp)), np.float32)


def _shine(
    frame: Floats,
    glare: tuple[float, float, float, float],
    matrix: Corners,
    shape: tuple[int, ...],
    view: PictureConditions,
) -> None:
    height, width = shape[:2]
    across, down, strength, wide = glare
    at = cv2.perspectiveTransform(np.array([[(across * width, down * height)]], np.float64), matrix)[0, 0]
    reach = np.float32(wide * view.width_px)
    x = np.arange(frame.shape[1], dtype=np.float32)[None] - np.float32(at[0])
    y = np.arange(frame.shape[0], dtype=np.float32)[:, None] - np.float32(at[1])
    frame += np.float32(strength) * np.exp(-((x / reach) ** 2) - (y / (np.float32(0.6) * reach)) ** 2)


def _soil(frame: Floats, mark: Dirt) -> None:
    mask = np.zeros(frame.shape, np.float32)
    axes = (max(1, round(mark.size_px[0] / 2)), max(1, round(mark.size_px[1] / 2)))
    at = (round(mark.at[0]), round(mark.at[1]))
    cv2.ellipse(mask, at, axes, float(np.rad2deg(mark.turn)), 0, 360, (1.0,), -1, cv2.LINE_AA)
    if mark.soft_px > 0.4:
        mask = cv2.GaussianBlur(mask, (0, 0), mark.soft_px).astype(np.float32)
    frame += (np.float32(mark.tone) - frame) * mask


def _camera(rng: np.random.Generator, frame: Floats, view: PictureConditions) -> Grey:
    if view.blur_px > 0.3:
        frame = cv2.GaussianBlur(frame, (0, 0), view.blur_px).astype(np.float32)
    if view.motion_px >= 2:
        side = 2 * round(view.motion_px) + 1
        kernel = np.zeros((side, side), np.float32)
        angle = float(rng.uniform(0, np.pi))
        for part in np.linspace(-0.5, 0.5, 8 * side):
            x, y = side // 2 + part * view.motion_px * np.cos(angle), side // 2 + part * view.motion_px * np.sin(angle)
            kernel[round(y), round(x)] += 1
        frame = cv2.filter2D(frame, -1, kernel / kernel.sum()).astype(np.float32)
    frame = frame + np.float32(view.noise) * rng.standard_normal(frame.shape, dtype=np.float32)
    grey = np.clip(np.rint(np.clip(frame, 0, 1) * 255), 0, 255).astype(np.uint8)
    done, file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, view.jpeg])
    if not done:
        raise ValueError("a picture that cannot be compressed")
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
