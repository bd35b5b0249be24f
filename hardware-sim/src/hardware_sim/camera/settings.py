"""The camera's settings: exposure and gain, and the light of the traveller's display.

Parsed once from a request's JSON; invalid content raises SettingsError. Exposure and gain multiply the sensor's
light, relative to the calibration at 1; gain also adds noise. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture

FACTOR_MIN, FACTOR_MAX = 0.05, 16.0
_GAIN_NOISE = 0.9  # grey levels of noise for about each doubling of the gain

Rgb = tuple[float, float, float]


class SettingsError(ValueError):
    """A request with an invalid setting."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`display` is the linear light of the display on the face, 0 to 1 for each colour."""

    exposure: float = 1.0
    gain: float = 1.0
    display: Rgb = (0.0, 0.0, 0.0)

    def controlled(self, body: bytes) -> Settings:
        """Return the settings after `POST /control`: `exposure`, `gain` or both. Raises SettingsError."""
        given = _object(body)
        if not given or not given.keys() <= {"exposure", "gain"}:
            raise SettingsError("exposure and gain can be set")
        return replace(
            self,
            exposure=_number(given.get("exposure", self.exposure), FACTOR_MIN, FACTOR_MAX),
            gain=_number(given.get("gain", self.gain), FACTOR_MIN, FACTOR_MAX),
        )

    def shone_at(self, body: bytes) -> Settings:
        """Return the settings after `POST /light`: `rgb`. Raises SettingsError."""
        given = _object(body)
        rgb = given.get("rgb")
        if given.keys() != {"rgb"} or not isinstance(rgb, list) or len(rgb) != 3:
            raise SettingsError("rgb is a list of three numbers")
        red, green, blue = (_number(value, 0.0, 1.0) for value in rgb)
        return replace(self, display=(red, green, blue))

    def sensed(self, picture: Picture, *, seed: int) -> Picture:
        """Return a picture, taken at exposure and gain 1, as these settings change it."""
        factor = self.exposure * self.gain
        if factor == 1.0 and self.gain <= 1.0:
            return picture
        brighter = cv2.LUT(picture, _curve(factor)).astype(np.uint8)
        if self.gain <= 1.0:
            return brighter
        noise = np.random.default_rng(seed).standard_normal(picture.shape, np.float32)
        return np.clip(brighter + noise * np.float32(_GAIN_NOISE * (self.gain - 1)), 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _curve(factor: float) -> Picture:
    light = (np.arange(256) / 255) ** 2.2 * factor
    return (np.clip(light, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def _object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SettingsError("not JSON") from error
    if not isinstance(value, dict):
        raise SettingsError("not an object")
    return value


def _number(value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise SettingsError(f"a number from {least} to {most} is wanted")
    return float(value)
