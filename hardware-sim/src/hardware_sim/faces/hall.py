"""The camera's background: an arrivals hall out of focus.

The hall is drawn, not photographed: pillars, a bright window front, a floor and ceiling lamps, blurred like behind a
lens that is focused at arm's length. Pure: size and seed determine the picture. It contains no people.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (height, width, 3) BGR


@lru_cache(maxsize=4)
def hall(width_px: int = 640, height_px: int = 480, seed: int = 0) -> Picture:
    """Return the empty hall, (height, width, 3) BGR uint8. The array is shared and read-only."""
    random = np.random.default_rng(seed)
    picture = np.empty((height_px, width_px, 3), np.float32)
    horizon = int(height_px * 0.62)
    picture[:horizon] = np.linspace(168, 150, horizon, dtype=np.float32)[:, None, None] * np.array(
        [1.0, 0.99, 0.96], np.float32
    )
    floor = np.linspace(118, 138, height_px - horizon, dtype=np.float32)
    picture[horizon:] = floor[:, None, None] * np.array([0.93, 0.97, 1.0], np.float32)
    _draw_windows(picture, horizon, random)
    _draw_lamps(picture, random)
    blurred = cv2.GaussianBlur(picture, (0, 0), width_px / 80)
    out: Picture = np.clip(blurred, 0, 255).astype(np.uint8)
    out.flags.writeable = False
    return out


def _draw_windows(picture: NDArray[np.float32], horizon: int, random: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    x = int(random.integers(-width // 8, 0))
    while x < width:
        pane = int(random.integers(width // 9, width // 5))
        bright = float(random.uniform(195, 228))
        _fill(picture, (x, int(height * 0.16)), (x + pane, horizon), (bright, bright * 0.985, bright * 0.95))
        x += pane
        pillar = int(random.integers(width // 32, width // 14))
        shade = float(random.uniform(88, 126))
        _fill(picture, (x, 0), (x + pillar, int(height * 0.7)), (shade, shade * 1.0, shade * 1.04))
        x += pillar


def _draw_lamps(picture: NDArray[np.float32], random: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for x in range(width // 12, width, width // 6):
        centre = (x + int(random.integers(-8, 9)), int(height * random.uniform(0.03, 0.1)))
        cv2.ellipse(picture, centre, (width // 26, height // 60), 0, 0, 360, (238, 246, 250), -1)


def _fill(
    picture: NDArray[np.float32], corner: tuple[int, int], opposite: tuple[int, int], colour: tuple[float, ...]
) -> None:
    cv2.rectangle(picture, corner, opposite, colour, -1)
