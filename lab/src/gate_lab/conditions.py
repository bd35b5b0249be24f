"""Measures the conditions that attack detection is sensitive to: brightness and colour of the light on the face, sensor noise, background.

Each is measured on the frame itself, so a site need not label anything. With a real camera they correlate (a dark face has more noise), so an
effect that shows for one condition may be caused by another.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

import cv2
import numpy as np

from gate.face.quality import Observation
from gate.picture import Picture

# The difference of two Laplacians: structure of faces cancels out in it, and of noise six times its deviation is left.
_RESIDUE: Final = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
_SIDE_PX_MIN: Final = 8


class Condition(StrEnum):
    """A condition by which people are grouped. Its value is the key in reports."""

    BRIGHTNESS = "brightness"
    LIGHT = "light"
    NOISE = "noise"
    BACKGROUND = "background"

    @property
    def unit(self) -> str:
        """Return the unit of its values."""
        return _UNITS[self]


_UNITS: Final = {
    Condition.BRIGHTNESS: "grey",
    Condition.LIGHT: "red over blue",
    Condition.NOISE: "grey levels",
    Condition.BACKGROUND: "deviation",
}


def conditions_of(frame: Picture, seen: Observation) -> dict[Condition, float]:
    """Return one frame's conditions for the person in `seen`; empty without a measured face.

    Brightness is the mean grey of the aligned face, 0 to 255. Light is mean red over mean blue of the face's box; warm light gives more. Noise is the
    standard deviation of the box's grey after Immerkær (Fast Noise Variance Estimation, 1996), in grey levels. Background is the deviation of the
    picture on both sides of the head (`gate.face.quality`): 0 is a plain wall. A condition that cannot be measured is left out.
    """
    if seen.quality is None or seen.box is None:
        return {}
    measures, box = seen.quality.measures, seen.box
    found = {Condition.BRIGHTNESS: measures.brightness}
    if measures.background is not None:
        found[Condition.BACKGROUND] = measures.background
    face = frame[max(0, round(box.top)) : round(box.bottom), max(0, round(box.left)) : round(box.right)]
    if min(face.shape[:2]) >= _SIDE_PX_MIN:
        blue, _, red = (float(value) for value in face.reshape(-1, 3).mean(axis=0))
        found[Condition.LIGHT] = red / max(blue, 1.0)
        found[Condition.NOISE] = noise(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY))
    return found


def noise(grey: np.ndarray) -> float:
    """Return the standard deviation of the sensor's noise in a picture (height, width), in its grey levels. Both sides must be 8 pixels or more."""
    residue = cv2.filter2D(grey.astype(np.float32), -1, _RESIDUE)[1:-1, 1:-1]
    return math.sqrt(math.pi / 2) * float(np.abs(residue).mean()) / 6
