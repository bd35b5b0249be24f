"""How well a face follows the colours of the display before it.

The display shows one pale colour after another, in an order that nobody can know beforehand. Skin before it takes each on within
a frame or two; a picture on a screen of its own takes on little, and a video that is fed in takes on nothing. Paper takes colours on
as skin does: the cue answers screens and injected video. The hall beside the head takes on less, so what both do is daylight.
A lag of the display and of the camera is looked for, up to LAG_MAX_MS.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.face.liveness.glimpse import Glimpse

LAG_MAX_MS: Final = 400
COLOURS_MIN: Final = 3  # shown, and each seen
FRAMES_MIN: Final = 10
_LAG_STEP_MS: Final = 40
_SETTLE_MS: Final = 80  # a frame that was exposed while the colour changed says nothing
_DARK: Final = 1e-3

Rgb = tuple[float, float, float]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """A colour of the display, linear red, green and blue from 0 to 1, and when it was commanded, monotonic milliseconds."""

    at_ms: int
    colour: Rgb


class Light:
    """Gathers frames and colours of one challenge. `value` is the correlation of the face's colour with the display's, 0 to 1."""

    def __init__(self) -> None:
        self._shown: list[Shown] = []
        self._times_ms: list[int] = []
        self._tints: list[Floats] = []

    def show(self, shown: Shown) -> None:
        """The display was told another colour; in the order of their times."""
        self._shown.append(shown)

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame; one without any hall beside the face does not count."""
        if self._shown and glimpse.hall_light is not None:
            face = glimpse.face_light.mean(axis=(0, 1))
            self._times_ms.append(glimpse.at_ms)
            self._tints.append(_tint(face) - _tint(glimpse.hall_light))

    @property
    def value(self) -> float | None:
        """None when too few colours were shown, or too few frames seen of them."""
        if len(self._shown) < COLOURS_MIN or len(self._tints) < FRAMES_MIN:
            return None
        lags = range(0, LAG_MAX_MS + 1, _LAG_STEP_MS)
        found = [known for lag in lags if (known := self._following(lag)) is not None]
        return max(found) if found else None

    def another_face(self) -> Light:
        """The same challenge, to be begun anew with another face: what the display shows is still true."""
        other = Light()
        other._shown = self._shown
        return other

    def _following(self, lag_ms: int) -> float | None:
        """The correlation at one lag; None when too few frames have a settled colour."""
        chosen = [_colour_at(self._shown, at_ms - lag_ms) for at_ms in self._times_ms]
        settled = [index for index, colour in enumerate(chosen) if colour is not None]
        shown = np.array([_tint(np.array(chosen[index])) for index in settled])
        if len(settled) < FRAMES_MIN or len(np.unique(shown, axis=0)) < COLOURS_MIN:
            return None
        seen = np.array([self._tints[index] for index in settled])
        times_s = np.array([self._times_ms[index] for index in settled]) / 1000
        return _correlation(_without_drift(seen, times_s), _without_drift(shown, times_s))


def _colour_at(shown: Sequence[Shown], at_ms: float) -> Rgb | None:
    """What the display showed; None before the first colour and while one was just changing."""
    index = bisect.bisect_right([one.at_ms for one in shown], at_ms) - 1
    if index < 0 or at_ms - shown[index].at_ms < _SETTLE_MS:
        return None
    return shown[index].colour


def _tint(light: npt.NDArray[np.floating]) -> Floats:
    """Red and blue against green, in logarithms: level and exposure fall out."""
    red, green, blue = np.log(np.asarray(light, np.float64) + _DARK)
    return np.array([red - green, blue - green])


def _without_drift(values: Floats, times_s: Floats) -> Floats:
    """Daylight that changes slowly falls out with a straight line."""
    basis = np.stack([np.ones_like(times_s), times_s - times_s.mean()], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    rest: Floats = values - basis @ fitted
    return rest


def _correlation(seen: Floats, shown: Floats) -> float:
    """Of both tints taken together, 0 to 1; an opposite answer is none."""
    both = float(np.sqrt((seen**2).sum() * (shown**2).sum()))
    return max(0.0, float((seen * shown).sum()) / both) if both > 0.0 else 0.0
