"""What a print or a display lays over a face: a raster in its spectrum, and bands of light that run over it.

A raster (dots, pixels, moiré) is a few narrow peaks on a spectrum that falls evenly with frequency (Field 1987); each ring of equal frequency is its own
yardstick. Bands come of a display lit in pulses, seen by a rolling shutter: stripes along the rows that wander from frame to frame.
"""

from itertools import pairwise
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.liveness.frame_features import SPECTRUM_SIDE_PX, Glimpse
from gate.face.values import Floats

FRAMES_MIN: Final = 5
_LOWEST: Final = 0.12  # cycles a pixel; below it are the features of a face
_HIGHEST: Final = 0.5
_RINGS: Final = 24
_PEAKS: Final = 12  # bins: three pairs of peaks, two bins wide
_BLOCK_PX: Final = 8  # of JPEG, whose edges make peaks on the axes
STEPS_MIN: Final = 8  # of bands, between frames
_BLUR_PX: Final = 3.0


class Pattern:
    """Averages the spectra of one face. `value` is how far the strongest bins stand out, in standard deviations of their ring."""

    def __init__(self) -> None:
        self._sum: npt.NDArray[np.float64] | None = None
        self._frames = 0

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame; one without a spectrum does not count."""
        if glimpse.power is not None:
            self._sum = glimpse.power.astype(np.float64) if self._sum is None else self._sum + glimpse.power
            self._frames += 1

    @property
    def value(self) -> float | None:
        """None before FRAMES_MIN frames."""
        if self._sum is None or self._frames < FRAMES_MIN:
            return None
        return standing_out((self._sum / self._frames).astype(np.float32))


def standing_out(power: Floats) -> float:
    """How far the strongest bins of a log power spectrum stand out of their rings, in standard deviations."""
    flat = np.full(power.shape, -np.inf)
    for ring in _rings():
        values = power[ring]
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        flat[ring] = (values - middle) / max(float(spread), 0.05)
    return float(np.sort(flat, axis=None)[-_PEAKS:].mean())


def _rings() -> list[npt.NDArray[np.bool_]]:
    """Masks of rings of equal frequency, without the bins that JPEG fills and without half of the plane, which mirrors the other."""
    frequency = np.fft.fftfreq(SPECTRUM_SIDE_PX)
    across, down = frequency[None, :], frequency[:, None]
    radius = np.hypot(across, down)
    bins = np.arange(SPECTRUM_SIDE_PX)
    step = SPECTRUM_SIDE_PX // _BLOCK_PX
    near_block = np.minimum(bins % step, step - bins % step) <= 1
    on_axis = np.abs(frequency) <= 2 / SPECTRUM_SIDE_PX
    from_jpeg = (on_axis[:, None] & near_block[None, :]) | (near_block[:, None] & on_axis[None, :])
    usable = ~from_jpeg & ((across > 0) | ((across == 0) & (down > 0)))
    edges = np.linspace(_LOWEST, _HIGHEST, _RINGS + 1)
    return [usable & (radius >= low) & (radius < high) for low, high in pairwise(edges)]


class Flicker:
    """Compares frames of one face. `value` is the logarithm of the ratio of changes along rows to changes along columns."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._rows: list[float] = []
        self._columns: list[float] = []

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame."""
        level = np.log(cv2.GaussianBlur(glimpse.grey, (0, 0), _BLUR_PX).astype(np.float32) + 8)
        if self._before is not None:
            change = level - self._before
            self._rows.append(_waves(change.mean(axis=1)))
            self._columns.append(_waves(change.mean(axis=0)))
        self._before = level

    @property
    def value(self) -> float | None:
        """None before STEPS_MIN steps."""
        if len(self._rows) < STEPS_MIN:
            return None
        return float(np.log((np.median(self._rows) + 1e-6) / (np.median(self._columns) + 1e-6)))

    def wipe(self) -> None:
        """Zero what shows the person; nothing more is to be seen."""
        if self._before is not None:
            self._before.fill(0)


def _waves(profile: Floats) -> float:
    """The variance of a profile about its straight line: evenly changing light and a nod of the head leave little."""
    place = np.linspace(-1, 1, len(profile), dtype=np.float32)
    centred = profile - profile.mean()
    slope = float(centred @ place) / float(place @ place)
    return float(np.var(centred - slope * place))
