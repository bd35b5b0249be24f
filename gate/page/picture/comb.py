"""How evenly strokes stand along a bar: OCR-B has one pitch, other text has words, and letters of many widths.

Used to look first at those lines of a crowded picture that are likeliest to be an MRZ; never to rule any out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from gate.page.picture.bars import Bar
from gate.page.values import Floats, Grey

# Along a bar: 30 to 44 characters, less what was not located, more for what touches it.
TEETH_MIN, TEETH_MAX = 18.0, 52.0
_ROWS = np.array([-0.4, 0.0, 0.4], np.float32)  # of the bar's thickness, that are looked at
_SPREAD = 0.08  # of the pitch: perspective makes one end's finer
_WAVES = 1024  # of the spectrum; a working picture is hardly wider
_TEETH = np.arange(TEETH_MIN, TEETH_MAX, 0.5)
_SLOWEST = 5.0  # waves along a bar that are shades of the paper rather than strokes


def evenness_of(small: Grey, bars: Sequence[Bar]) -> list[float]:
    """For each bar the share of what changes along it that changes with one pitch: about 0.5 in an MRZ, 0.15 in words."""
    if not bars:
        return []
    profiles = [_profile(small, bar) for bar in bars]
    tapered = np.zeros((len(bars), _WAVES))
    for row, profile in zip(tapered, profiles, strict=True):
        row[: len(profile)] = profile * _taper(len(profile))
    waves = np.fft.rfft(tapered)
    upto = np.zeros((len(bars), waves.shape[1] + 1))
    np.cumsum(waves.real**2 + waves.imag**2, axis=1, out=upto[:, 1:])
    return [_of_one_pitch(power, _WAVES / len(profile)) for power, profile in zip(upto, profiles, strict=True)]


def _of_one_pitch(upto: npt.NDArray[np.float64], a_wave: float) -> float:
    """From the power up to each wave of the spectrum; `a_wave` is how many of its waves are one along the bar."""
    last = len(upto) - 1
    strokes = upto[-1] - upto[min(last, round(_SLOWEST * a_wave))]
    first = np.minimum(np.round(_TEETH * a_wave * (1 - _SPREAD)).astype(np.int64), last)
    behind = np.minimum(np.round(_TEETH * a_wave * (1 + _SPREAD)).astype(np.int64) + 1, last)
    return float((upto[behind] - upto[first]).max() / max(float(strokes), 1e-9))


@functools.lru_cache(maxsize=_WAVES)
def _taper(count: int) -> npt.NDArray[np.float64]:
    return np.hanning(count)


def _profile(small: Grey, bar: Bar) -> Floats:
    """Grey along the bar without slow shades, and with single marks cut down to the size of strokes."""
    along = np.linspace(bar.left, bar.right, min(_WAVES, max(8, round(bar.right - bar.left))), dtype=np.float32)
    across = _ROWS[:, None] * np.float32(bar.thickness)
    x, y = along - across * np.float32(bar.b), np.float32(bar.a) + np.float32(bar.b) * along + across
    grey = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=0)
    grey = grey - cv2.blur(grey[None, :], (max(3, len(grey) // 10), 1))[0]
    limit = 2.5 * float(grey.std())
    return np.asarray(np.clip(grey, -limit, limit), np.float32)
