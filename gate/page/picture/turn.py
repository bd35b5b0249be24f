"""How text is turned in a picture, and the picture turned back."""

from __future__ import annotations

import functools
import math
from typing import Final

import cv2
import numpy as np

from gate.page.values import Doubles, Floats, Grey

TURNED_SIDE_PX = 420
FINE_SIDE_PX = 2 * TURNED_SIDE_PX
TURNS_MAX = 2
APART_MIN_DEG = 15
_DARK_MAX = 60  # of 255: a black frame or a photograph must not outweigh text in the search
_FINEST_PX: Final = 10.0  # grooves of security print are finer than lines of text, and would outweigh them
# Either side: lines of text are short, so they stand out over some degrees, and a pattern's over one.
_NEIGHBOURS_DEG = 2


def turn_of(copies: Copies, *, fine: bool = False) -> tuple[float, ...]:
    """The likeliest turns of text in degrees clockwise, -90 to 90, best first, at most `TURNS_MAX`; `fine`: of small text.

    Along the direction of text, rows are lines or gaps; so the sums of strokes along rows differ most there. The sums along
    a direction have as their spectrum the slice of the picture's spectrum across it, so one transform serves all directions.
    """
    side_px = FINE_SIDE_PX if fine else TURNED_SIDE_PX
    small, _ = copies.at(side_px)
    count = 1 << side_px.bit_length()  # waves of the spectrum a side
    slices_x, slices_y, difference = _slices(count)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (7, 7))
    dark = np.zeros((count, count), np.float32)
    height, width = small.shape
    dark[:height, :width] = np.minimum(cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel), _DARK_MAX)
    # A picture's spectrum is the same on both sides of its middle, so half of it, with no wave in its corner, is enough.
    waves = cv2.dft(dark, flags=cv2.DFT_COMPLEX_OUTPUT, nonzeroRows=height)[: count // 2 + 1]
    power = waves[..., 0] ** 2 + waves[..., 1] ** 2
    contrast = cv2.remap(power, slices_x, slices_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) @ difference
    contrast = np.sum([np.roll(contrast, shift) for shift in range(-_NEIGHBOURS_DEG, _NEIGHBOURS_DEG + 1)], axis=0)
    found: list[int] = []
    for turn in np.argsort(-contrast):
        if all(APART_MIN_DEG <= abs(int(turn) - other) <= 180 - APART_MIN_DEG for other in found):
            found.append(int(turn))
        if len(found) == TURNS_MAX:
            break
    return tuple(float(turn - 90) for turn in found)


@functools.cache
def _slices(count: int) -> tuple[Floats, Floats, Floats]:
    """Where the slices of a spectrum lie, a row a degree, and the difference of neighbouring rows of a picture as a filter on them."""
    turns = np.radians(np.arange(-90, 90))[:, None]
    wave = np.arange(4, count // 2 - 8)  # slower ones are shades
    finest = count / _FINEST_PX
    difference = 4 * np.sin(np.pi * wave / count) ** 2 * np.exp(-((wave / finest) ** 2))
    return (
        (-np.sin(turns) * wave % count).astype(np.float32),
        (np.cos(turns) * wave).astype(np.float32),
        difference.astype(np.float32),
    )


def turned_back(grey: Grey, turn_deg: float) -> tuple[Grey, Doubles]:
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


class Copies:
    """A picture and smaller copies of it, each made once: a search looks at the same one by several turns."""

    def __init__(self, grey: Grey) -> None:
        self._grey = grey
        self._made: dict[int, tuple[Grey, float]] = {}

    @property
    def side_px(self) -> int:
        """The longer side of the picture itself."""
        return int(max(self._grey.shape))

    def at(self, side_px: int) -> tuple[Grey, float]:
        """The copy whose longer side is at most `side_px`, and how many pixels of the picture one of its pixels is."""
        height, width = self._grey.shape
        shrink = max(height, width) / side_px
        if shrink <= 1.0:
            return self._grey, 1.0
        if side_px not in self._made:
            size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
            small = cv2.resize(self._grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            self._made[side_px] = small, width / size[0]
        return self._made[side_px]
