"""The shapes of characters: signed distances to their outlines, from any font file that OpenCV can draw.

A comparison with a distance gives a stroke of any weight, so one font gives thin, bold and worn print. A cut of the
font (narrower, taller, slanted) is a warp of the drawing before distances are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.texts import ALPHABET

PITCH_PX: Final = 24
"""Pixels from one character to the next in a scene."""
LINE_PX: Final = 60
"""Pixels from one line to the next: 6.35 mm where the pitch is 2.54 mm (ICAO 9303-3 §4.3, OCR-B size 1)."""
TILE_WIDTH: Final = 40
TILE_HEIGHT: Final = 52
DISTANCE_MAX_PX: Final = 7.0
_OVERSAMPLING: Final = 3
_CAPITAL_HEIGHT_PX: Final = 24.5  # of the letter E: 2.6 mm at this pitch


@dataclass(frozen=True, slots=True)
class Cut:
    """How a printer's OCR-B differs from the font: stretches about 1 and a slant (x shift a unit of height)."""

    width: float = 1.0
    height: float = 1.0
    slant: float = 0.0


@dataclass(frozen=True, slots=True)
class Atlas:
    """One font in one cut. `tiles[c]` is (TILE_HEIGHT, TILE_WIDTH) float32: pixels inside the outline, negative outside.

    A glyph's advance is centred on the tile's middle column; the middle of a capital's height lies on its middle row.
    """

    tiles: Mapping[str, npt.NDArray[np.float32]]


def atlas(font: str, cut: Cut = Cut()) -> Atlas:
    """Draw every character. `font` is a file's path or the name of one that OpenCV brings ("sans", "italic")."""
    face = cv2.FontFace(font)
    size, baseline = _size_of(face)
    return Atlas({character: _tile(face, character, size, baseline, cut) for character in ALPHABET})


def _size_of(face: cv2.FontFace) -> tuple[int, float]:
    """The drawing size at which an E has its height, and where its baseline lies below the middle row."""
    probe = 120
    drawn = _draw(face, "E", probe, (200, 200), (60.0, 150.0))
    rows = np.flatnonzero(drawn.max(axis=1) > 127)
    height = (rows[-1] - rows[0] + 1) / probe
    size = round(_CAPITAL_HEIGHT_PX * _OVERSAMPLING / height)
    return size, _CAPITAL_HEIGHT_PX * _OVERSAMPLING / 2


def _draw(
    face: cv2.FontFace, text: str, size: int, shape: tuple[int, int], origin: tuple[float, float]
) -> npt.NDArray[np.uint8]:
    picture = np.zeros((*shape, 3), np.uint8)
    cv2.putText(picture, text, (round(origin[0]), round(origin[1])), (255, 255, 255), face, size)
    return picture[:, :, 0]


def _tile(face: cv2.FontFace, character: str, size: int, baseline: float, cut: Cut) -> npt.NDArray[np.float32]:
    scale = _OVERSAMPLING
    width, height = TILE_WIDTH * scale, TILE_HEIGHT * scale
    # The width of many is a whole number of advances; a single glyph's box would be rounded.
    end, _ = cv2.putText(np.zeros((4, 4, 3), np.uint8), character * 16, (0, 0), (0, 0, 0), face, size)
    advance = end[0] / 16
    drawn = _draw(face, character, size, (height, width), ((width - advance) / 2, height / 2 + baseline))
    middle = np.array([width / 2, height / 2])
    shape = np.array([[cut.width, -cut.slant * cut.height], [0.0, cut.height]])
    warp = np.column_stack([shape, middle - shape @ middle])
    cut_out = cv2.warpAffine(drawn, warp, (width, height), flags=cv2.INTER_LINEAR)
    inside = (cut_out > 127).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    small = cv2.resize(distance, (TILE_WIDTH, TILE_HEIGHT), interpolation=cv2.INTER_AREA) / scale
    return np.clip(small, -DISTANCE_MAX_PX, DISTANCE_MAX_PX).astype(np.float32)
