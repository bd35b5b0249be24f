"""How well a face follows the colours of the display before it.

The display shows one pale colour after another, in an order that nobody can know beforehand. Skin before it takes each on within
a frame or two; a picture on a screen of its own takes on little, and a video that is fed in takes on nothing. Paper takes colours on
as skin does: the cue answers screens and injected video. The hall beside the head takes on less, so what both do is daylight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gate.face.liveness.following import Command, answer

if TYPE_CHECKING:
    from gate.face.liveness.glimpse import Glimpse

COLOURS_MIN: Final = 3
_DARK: Final = 1e-3

Rgb = tuple[float, float, float]  # linear red, green and blue, 0 to 1
Floats = npt.NDArray[np.float64]


class Light:
    """One challenge before one face. `value` is the correlation of the face's tint with the display's, 0 to 1."""

    def __init__(self, shown: tuple[Command, ...] = ()) -> None:
        self._shown = list(shown)
        self._times_ms: list[int] = []
        self._tints: list[Floats] = []

    @property
    def shown(self) -> tuple[Command, ...]:
        """What the display was told so far."""
        return tuple(self._shown)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display was told another colour, in the order of their times."""
        self._shown.append(Command(at_ms, tuple(_tint(np.array(colour)))))

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame; one without any hall beside the face does not count."""
        if self._shown and glimpse.hall_light is not None:
            face = glimpse.face_light.mean(axis=(0, 1))
            self._times_ms.append(glimpse.at_ms)
            self._tints.append(_tint(face) - _tint(glimpse.hall_light))

    @property
    def value(self) -> float | None:
        """None when too few colours were shown, or too few frames seen of them."""
        if len({command.value for command in self._shown}) < COLOURS_MIN:
            return None
        found = answer(self._shown, self._times_ms, self._tints)
        return None if found is None else found.correlation


def _tint(light: npt.NDArray[np.floating]) -> Floats:
    """Red and blue against green, in logarithms: level and exposure fall out."""
    red, green, blue = np.log(np.asarray(light, np.float64) + _DARK)
    return np.array([red - green, blue - green])
