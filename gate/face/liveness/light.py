"""How a face takes on the colours of the display before it, shown one pale colour after another in an order that nobody can know beforehand.

A screen takes on little and a video that is fed in nothing: `gain` tells. Paper takes on as much as skin, but evenly; of a head the display lights the
front and the hall's lamps also the sides: `shading` tells. What face and hall both do is daylight.
"""

import math
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gate.face.liveness.challenge_response import Answer, Command, Hearing, Lag, answer, lag
from gate.face.liveness.frame_features import Glimpse

COLOURS_MIN: Final = 3
# Where it was not measured; the display's own delay is known: the page says when it has painted.
CAMERA_LAG_MAX_MS: Final = 240
MEASURED_LAG_MAX_MS: Final = 500
POWER_MIN: Final = 2.0  # of the colours seen, at any lag: with less, movement and noise pass for an answer
SHADING_GAIN_MIN: Final = 0.08  # below it the parts of the face answer with noise
FRAMES_MAX: Final = 200
_HEARING: Final = Hearing(lag_max_ms=CAMERA_LAG_MAX_MS, power_min=POWER_MIN)
_DARK: Final = 1e-3
# Pale, far apart in tint, of a relative luminance of 0.80 to 0.83: no change is a flash in the sense of WCAG 2.3.1 (its darker side lies below
# 0.80), and dark text keeps its contrast. Rose, amber, lime, mint, sky, lilac.
TINTS: Final = ("#ffe0e7", "#ffe6aa", "#ddf2aa", "#bcf8dd", "#c4f0ff", "#f0e3ff")
FAR: Final = 0.8  # logarithms of red and blue against green: two or three colours are as far from each

Rgb = tuple[float, float, float]  # linear red, green and blue, 0 to 1
Floats = npt.NDArray[np.float64]


class Light:
    """One challenge before one face. `lag_ms`: how late the camera shows what the page has painted, if it was measured."""

    def __init__(self, shown: tuple[Command, ...] = (), *, lag_ms: int | None = None) -> None:
        self._hearing = _HEARING.about(lag_ms)
        self._shown = list(shown)
        self._times_ms: list[int] = []
        self._parts: list[Floats] = []  # tints of the parts of the face, (parts, 2), against the hall's

    @property
    def shown(self) -> tuple[Command, ...]:
        """What the display was told so far."""
        return tuple(self._shown)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display was told another colour, in the order of their times."""
        self._shown.append(Command(at_ms, tuple(_tint(np.array(colour)))))

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame; one without any hall beside the face does not count."""
        if self._shown and glimpse.hall_light is not None and len(self._times_ms) < FRAMES_MAX:
            self._times_ms.append(glimpse.at_ms)
            parts = glimpse.face_light.reshape(-1, 3)
            self._parts.append(_tint(np.vstack([parts, parts.mean(axis=0)])) - _tint(glimpse.hall_light))

    @property
    def gain(self) -> float | None:
        """How much of the display's change of tint the face shows; None when too few colours or frames were seen."""
        found = self._answer(-1)
        return None if found is None else found.gain

    @property
    def shading(self) -> float | None:
        """How unlike the parts of the face answer: their spread over their mean; None as `gain`, and without an answer."""
        whole = self.gain
        if whole is None or whole < SHADING_GAIN_MIN:
            return None
        gains = [found.gain for part in range(len(self._parts[0]) - 1) if (found := self._answer(part)) is not None]
        return float(np.std(gains) / np.mean(gains)) if gains and np.mean(gains) > 0 else None

    def _answer(self, part: int) -> Answer | None:
        if len({command.value for command in self._shown}) < COLOURS_MIN:
            return None
        seen = [tints[part] for tints in self._parts]
        return answer(self._shown, self._times_ms, seen, self._hearing)

    @property
    def lag(self) -> Lag | None:
        """How late the face took on the colours, for whoever sets the camera up; None when too few colours or frames were seen."""
        if len({command.value for command in self._shown}) < COLOURS_MIN:
            return None
        wide = replace(_HEARING, lag_max_ms=MEASURED_LAG_MAX_MS, lag_step_ms=10)
        return lag(self._shown, self._times_ms, [tints[-1] for tints in self._parts], wide)


def _tint(light: npt.NDArray[np.floating]) -> Floats:
    """Red and blue against green, (…, 2) in logarithms: level and exposure fall out."""
    red, green, blue = np.moveaxis(np.log(np.asarray(light, np.float64) + _DARK), -1, 0)
    return np.stack([red - green, blue - green], axis=-1)


def far_from(colour: str) -> tuple[str, ...]:
    """The colours that can follow this one: each step is plain to see, so that few seconds tell enough."""

    def against_green(one: str) -> tuple[float, float]:
        red, green, blue = linear(one)
        return math.log(red / green), math.log(blue / green)

    return tuple(other for other in TINTS if math.dist(against_green(colour), against_green(other)) >= FAR)


def linear(colour: str) -> Rgb:
    """The light of a colour `#rrggbb`, linear, 0 to 1 (IEC 61966-2-1)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return float(red), float(green), float(blue)
