"""The light of the traveller's display on pictures that were taken without it: an approximation.

What a pixel shows is taken for what it reflects, so light added in front makes it brighter by its own colour. On a
person it falls off as on a dome over the head and as on shoulders, and counts for less on the side that the hall's window lights
already; paper takes it evenly. Sequences do better: they know the face's own shape (`hardware_sim.sequences`), and the slope
is what their faces show: 0.17 more light on the one cheek, 0.35 on the other. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.hall import Picture
from hardware_sim.faces.vectors import Floats, floats

if TYPE_CHECKING:
    from hardware_sim.camera.settings import Rgb

SHARE = 0.55  # of the hall's key light, what a bright display adds at arm's length

_EYES = (0.5, 0.46)  # of the width and the height of a live frame
_FRONT = 0.62  # of the display's light, what counts in the middle of a face
_SLOPE = 3.0  # how much more does away from the window, for each frame's height
_LINEAR = floats((np.arange(256) / 255) ** 2.2)
_STEPS = 1024
_GAMMA = np.round((np.arange(_STEPS) / (_STEPS - 1)) ** (1 / 2.2) * 255).astype(np.uint8)


def shone_at_person(picture: Picture, display: Rgb) -> Picture:
    """Return a live frame with the display's light on the person."""
    return shone_at(picture, display, _dome(picture.shape[1], picture.shape[0]))


def shone_at(picture: Picture, display: Rgb, share: Floats | np.float32) -> Picture:
    """Return a picture with the display's light, of which `share` reaches each pixel."""
    if not any(display):
        return picture
    added = 1 + np.float32(SHARE) * floats(display[::-1]) * share
    light = np.minimum(cv2.LUT(picture, _LINEAR) * added, 1)
    return _GAMMA[(light * (_STEPS - 1)).astype(np.int16)]


@lru_cache(maxsize=4)
def _dome(width: int, height: int) -> Floats:
    """Return how much of the light from the front reaches each pixel of a live frame, (h, w, 1)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x / width - _EYES[0]) * width / height, y / height - _EYES[1]
    head = np.sqrt(np.maximum(1 - (x / 0.23) ** 2 - ((y - 0.03) / 0.36) ** 2, 0))
    body = 0.7 * np.sqrt(np.maximum(1 - (x / 0.62) ** 2, 0)) * (y > 0.3 + 0.2 * np.abs(x))
    away = np.clip(_FRONT + _SLOPE * x, 0.3, 1.0)
    return floats(cv2.GaussianBlur(floats(np.maximum(head, body) * away), (0, 0), 4))[..., None]
