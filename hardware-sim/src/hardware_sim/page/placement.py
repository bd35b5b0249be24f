"""A page on the bed as the document camera sees it: placed correctly, or in one of the usual wrong ways.

A scene is a loop of pictures, as in `hardware_sim.camera.scenes`. The MRZ and the laying seed the random rotation,
so that equal scenes give equal pictures.
"""

from __future__ import annotations

import enum
import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from hardware_sim.page import printing

if TYPE_CHECKING:
    from hardware_sim.page.printing import Page, Picture

SIZE_PX: Final = (1280, 960)
_SCALE: Final = 7.4  # pixels a millimetre, so about 19 pixels a character
_FAR_SCALE: Final = 2.3
_LOOP_LENGTH: Final = 6
_ARRIVING_LENGTH: Final = 4
_SPREAD_PX: Final = 90.0  # random offset from the middle, about a centimetre
_STEP_PX: Final = 130  # movement from frame to frame while a hand puts it down or waves it
_SKIN: Final = (134, 158, 206)


class Manner(enum.Enum):
    """How a page lies on the bed."""

    FLAT = "flat"
    UPSIDE_DOWN = "upside_down"
    SIDEWAYS = "sideways"
    FACE_DOWN = "face_down"
    COVERED = "covered"
    GLARE = "glare"
    FAR = "far"
    MOVING = "moving"


@dataclass(frozen=True, slots=True)
class Bed:
    """The empty bed."""

    @property
    def loop_length(self) -> int:
        """Return the number of pictures: enough that the noise visibly changes."""
        return _LOOP_LENGTH

    def picture(self, index: int) -> Picture:
        """Return a picture of the empty bed, BGR."""
        return _noisy(_bed().astype(np.float32), index)


@dataclass(frozen=True, slots=True)
class PlacedPage:
    """A page on the bed; `arriving` while a hand puts it down. Each `laying` gives a slightly different position."""

    page: Page
    manner: Manner = Manner.FLAT
    arriving: bool = False
    laying: int = 0

    @property
    def loop_length(self) -> int:
        """Return the number of pictures in the loop."""
        return _ARRIVING_LENGTH if self.arriving else _LOOP_LENGTH

    def picture(self, index: int) -> Picture:
        """Return a picture of the bed with the page on it, BGR."""
        sheet = printing.cover() if self.manner is Manner.FACE_DOWN else printing.printed(self.page)
        moves = self.arriving or self.manner is Manner.MOVING
        seen = _laid(sheet, self._corners(sheet, index))
        if self.manner is Manner.COVERED:
            _cover(seen)
        seen += _light(strong=self.manner is Manner.GLARE)
        if moves:
            seen = cv2.blur(seen, (31, 3)).astype(np.float32, copy=False)
        return _noisy(seen, index)

    def _corners(self, sheet: Picture, index: int) -> npt.NDArray[np.float32]:
        """Return the page's corners in the picture, (4, 2) pixels: slightly turned and tilted, and off while moving."""
        dice = np.random.default_rng((zlib.crc32("".join(self.page.lines).encode()), self.laying))
        height, width = sheet.shape[:2]
        scale = (_FAR_SCALE if self.manner is Manner.FAR else _SCALE) / printing.PX_PER_MM
        angle = math.radians(float(dice.uniform(-4, 4)) + _TURN_DEG.get(self.manner, 0.0))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        corners = (
            np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2 * scale @ turn.T
        )
        corners += dice.uniform(-0.012, 0.012, corners.shape) * width * scale
        spot = dice.uniform(-_SPREAD_PX, _SPREAD_PX, 2)
        placed = corners + np.array(SIZE_PX) / 2 + spot + (self._offset_px(index), 0)
        return np.asarray(placed, np.float32)

    def _offset_px(self, index: int) -> float:
        if self.arriving:
            return float(_STEP_PX * (_ARRIVING_LENGTH - 1 - index))
        if self.manner is Manner.MOVING:
            return float(_STEP_PX / 2 * (1 if index % 2 else -1))
        return 0.0


_TURN_DEG: Final = {Manner.UPSIDE_DOWN: 180.0, Manner.SIDEWAYS: 90.0}


@lru_cache(maxsize=1)
def _bed() -> Picture:
    """Return a picture of the bed: dark felt, slightly brighter in the middle."""
    width, height = SIZE_PX
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    fall = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 16
    grain = np.random.default_rng(3).normal(0, 3, (height, width))
    grey = np.clip(28 - fall + grain, 0, 255)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def _laid(sheet: Picture, corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    height, width = sheet.shape[:2]
    outline = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(outline, corners)
    shrink = width / float(np.linalg.norm(corners[1] - corners[0]))
    soft = cv2.GaussianBlur(sheet, (0, 0), 0.4 * shrink)
    seen = _bed().copy()
    cv2.warpPerspective(soft, matrix, SIZE_PX, dst=seen, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return seen.astype(np.float32)


def _cover(seen: npt.NDArray[np.float32]) -> None:
    """Draw two fingers over the MRZ."""
    width, height = SIZE_PX
    for x in (0.36, 0.56):
        tip = (round(x * width), round(0.76 * height))
        cv2.ellipse(seen, tip, (52, 240), 8, 0, 360, _SKIN, -1, cv2.LINE_AA)


@lru_cache(maxsize=2)
def _light(*, strong: bool) -> npt.NDArray[np.float32]:
    """Return the lamp's reflection in the laminate: weak at the edge, or `strong` over the MRZ."""
    width, height = SIZE_PX
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    at_x, at_y, power = (0.42, 0.74, 900.0) if strong else (0.8, 0.2, 22.0)
    spot = np.exp(-(((x / width - at_x) / 0.1) ** 2) - ((y / height - at_y) / 0.08) ** 2)
    return np.asarray(power * spot, np.float32)[..., None]


def _noisy(seen: npt.NDArray[np.float32], index: int) -> Picture:
    noise = np.random.default_rng(index).normal(0, 2.5, seen.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(seen + noise[..., None], 0, 255), np.uint8)
