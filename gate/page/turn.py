"""How text is turned in a picture, and the picture turned back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.page.values import Grey

TURNED_SIDE_PX = 420
_DARK_MAX = 60  # of 255: a black frame or a photograph must not outweigh text in the search


def turn_of(grey: Grey) -> tuple[float, ...]:
    """The likeliest turns of text in degrees clockwise, -90 to 90, best first, at most two.

    Along the direction of text, rows are lines or gaps; so the sums of strokes along rows differ most there.
    """
    small, _ = working_copy(grey, TURNED_SIDE_PX)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (7, 7))
    dark = np.minimum(cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel), _DARK_MAX).astype(np.uint8)
    coarse = {float(turn): _row_contrast(dark, float(turn)) for turn in np.arange(-90.0, 90.0, 5.0)}
    best = sorted(coarse, key=lambda turn: -coarse[turn])
    other = next(turn for turn in best if 15 <= abs(turn - best[0]) <= 165)
    return tuple(_finest(dark, turn) for turn in (best[0], other))


def _finest(dark: Grey, turn_deg: float) -> float:
    near = (turn_deg + step for step in (-4.0, -2.0, 0.0, 2.0, 4.0))
    return max(near, key=lambda turn: _row_contrast(dark, turn))


def _row_contrast(dark: Grey, turn_deg: float) -> float:
    """How unequal neighbouring rows are when the picture is turned back by `turn_deg`."""
    turned, _ = turned_back(dark, turn_deg)
    rows = turned.sum(axis=1, dtype=np.float64)
    return float((np.diff(rows) ** 2).sum())


def turned_back(grey: Grey, turn_deg: float) -> tuple[Grey, npt.NDArray[np.float64]]:
    """The picture with text that is turned by `turn_deg` made level, whole, and the 2x3 matrix that carries points back."""
    height, width = grey.shape
    turn = math.radians(turn_deg)
    cosine, sine = math.cos(turn), math.sin(turn)
    new_width = max(1, math.ceil(width * abs(cosine) + height * abs(sine)))
    new_height = max(1, math.ceil(width * abs(sine) + height * abs(cosine)))
    back = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([(width - 1) / 2, (height - 1) / 2]) - back @ np.array([(new_width - 1) / 2, (new_height - 1) / 2])
    matrix = np.column_stack([back, shift])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    level = cv2.warpAffine(grey, matrix, (new_width, new_height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return level.astype(np.uint8, copy=False), matrix


def working_copy(grey: Grey, side_px: int) -> tuple[Grey, float]:
    """A copy whose longer side is at most `side_px`, and how many pixels of `grey` one of its pixels is."""
    height, width = grey.shape
    shrink = max(height, width) / side_px
    if shrink <= 1.0:
        return grey, 1.0
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False), width / size[0]
