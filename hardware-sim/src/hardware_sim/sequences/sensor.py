"""From linear light to the bytes of a frame: development, the softness of the lens, the noise of the sensor. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.hall import hall
from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences.values import Lens, Lighting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hardware_sim.faces.hall import Picture

LENS_BLUR_PX = 0.6
_KNEE = 0.6
_STEPS = 4096
_GAMMA = np.round((np.arange(_STEPS) / (_STEPS - 1)) ** (1 / 2.2) * 255).astype(np.uint8)
_NOISE_SHIFT_PX = 64


@lru_cache(maxsize=8)
def background(lens: Lens, seed: int, level: float, backlit: float) -> Floats:
    """Return the hall in linear light, BGR, (h, w, 3). Not to be written to."""
    picture = hall(lens.width_px, lens.height_px, seed)
    brightness = np.float32(level**0.8 * (1 + 2.2 * backlit))
    return floats((picture.astype(np.float32) / 255) ** 2.2 * brightness)


def behind(lens: Lens, seed: int, lighting: Lighting) -> Floats:
    """Return a copy of the hall under a light, its level in steps of a fiftieth."""
    return background(lens, seed, round(lighting.level * 50) / 50, round(lighting.backlit * 50) / 50).copy()


def lay(frame: Floats, layer: Floats, corner: tuple[int, int]) -> None:
    """Put a layer over the frame; a soft shoulder keeps its highlights from clipping."""
    height, width = layer.shape[:2]
    if not layer.size:
        return
    left, top = corner
    part = frame[top : top + height, left : left + width]
    over = np.maximum(layer[..., :3] - _KNEE, 0)
    part *= 1 - layer[..., 3:]
    part += np.minimum(layer[..., :3], _KNEE) + over / (1 + over / (1 - _KNEE))


def developed(frame: Floats, *, seed: int, sigma: float) -> Picture:
    """Return the frame's bytes; `sigma` is the noise in grey levels."""
    steps = np.clip(frame * (_STEPS - 1), 0, _STEPS - 1).astype(np.uint16)
    picture = cv2.GaussianBlur(_GAMMA[steps], (0, 0), LENS_BLUR_PX)
    if not sigma:
        return picture.astype(np.uint8)
    return cv2.add(picture, _noise(picture.shape[:2], seed, sigma), dtype=cv2.CV_8U).astype(np.uint8)


def _noise(shape: tuple[int, int], seed: int, sigma: float) -> NDArray[np.int16]:
    """Cut the noise of one frame from a larger sheet of it."""
    right, down = np.random.default_rng(seed).integers(0, _NOISE_SHIFT_PX, 2)
    sheet = _noise_sheet(shape, seed % 4, round(sigma, 1))
    return np.ascontiguousarray(sheet[down : down + shape[0], right : right + shape[1]])


@lru_cache(maxsize=8)
def _noise_sheet(shape: tuple[int, int], seed: int, sigma: float) -> NDArray[np.int16]:
    size = (shape[0] + _NOISE_SHIFT_PX, shape[1] + _NOISE_SHIFT_PX, 3)
    noise = np.random.default_rng(seed).standard_normal(size, np.float32) * np.float32(sigma)
    return np.round(noise).astype(np.int16)
