"""What is beside the ends of an MRZ: paper, as at every MRZ, or something that cuts it short.

The first 36 characters of a larger visa are a valid smaller visa, including check digits. So an MRZ of 36 counts only if empty paper is seen beside
it, as far as the narrowest margin of that size (ICAO 9303-6 and 9303-7: 4 mm): between the lines no step in the paper's shade that the MRZ does not
have too, on the lines no ink. A label of the paper's shade shows no step, so a visa's paper must also be seen to end where the smaller size does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gate.page.picture.decode import Cells
from gate.page.picture.measure import FRAME_PX, at_share
from gate.page.picture.rectify import Ribbon, sample
from gate.page.values import STRIP_WIDTH_PX, Doubles, Floats, Grey

CUT_WIDTHS: Final = (36,)  # of MRZs whose text may be the beginning of a longer one's
# Drawn MRZs of that size have 1.5 and 2.5 at the 95th percentile; edges of labels, pages and fingers 3 and more, mostly 5 to 90.
STEP_MAX: Final = 1.5
SHADE_MAX: Final = 2.3
DARK_MAX: Final = 0.4
REACH: Final = 1.4  # pitches of paper that are wanted
FAR: Final = 4.6  # pitches, within which a smaller visa's paper ends: 7 mm at the usual place, 12 at the most
EDGE_MIN: Final = 2.0
_CELLS: Final = 12  # of the MRZ, that they are held against
_PITCH_PX: Final = 10
_TEXT: Final = 1.1  # pitches: as high as a line is
_GAP_MIN: Final = 0.4
_STEP_PX: Final = 4
_GREY: Final = 0.3  # of 255: below a picture's resolution


@dataclass(frozen=True, slots=True)
class End:
    """One end of an MRZ.

    `inside` is False where the picture ends. `step`: the sharpest change of the paper's shade beside the MRZ, relative to the MRZ's own;
    `shade`: the difference from the MRZ's shade, in the same unit; `dark`: the darkest on the lines, as a share of the ink's contrast.
    """

    inside: bool
    step: float
    shade: float
    dark: float

    @property
    def empty(self) -> bool:
        """True if only paper is seen."""
        return self.inside and self.step <= STEP_MAX and self.shade <= SHADE_MAX and self.dark <= DARK_MAX


def end_of(grey: Grey, ribbons: Sequence[Ribbon], cells: Sequence[Cells], *, after: bool) -> End:
    """Examine the area after the last characters of two lines, or before the first ones."""
    ends = [_end_part(ribbon, line, REACH, after=after) for ribbon, line in zip(ribbons, cells, strict=True)]
    between, inside, pitch_px = _gap(grey, ends, REACH, after=after)
    columns = between.mean(axis=0)
    step, shade = _steps(columns), _shade(columns)
    dark = 0.0
    for end in ends:
        text, seen = _strip(grey, end, REACH, _TEXT, pitch_px, after=after)
        inside, dark = inside and seen, max(dark, _darkness(text))
    return End(inside, float(np.max(step)), shade, dark)


def paper_ends(grey: Grey, ribbons: Sequence[Ribbon], cells: Sequence[Cells]) -> bool:
    """True when the paper of two lines is seen to end between `REACH` and `FAR` pitches after their last characters."""
    ends = [_end_part(ribbon, line, FAR, after=True) for ribbon, line in zip(ribbons, cells, strict=True)]
    between, inside, _ = _gap(grey, ends, FAR, after=True)
    return not inside or bool(np.max(_steps(between.mean(axis=0))[round(REACH * _PITCH_PX) :]) >= EDGE_MIN)


def _gap(grey: Grey, ends: Sequence[Ribbon], reach: float, *, after: bool) -> tuple[Floats, bool, float]:
    """Return the paper between two lines, whether the picture shows all of it, and the number of pixels per pitch."""
    pitch_px = ends[0].length_px / (_CELLS + reach)
    apart = math.dist(ends[0].at(0.5), ends[1].at(0.5)) / pitch_px
    between = ends[0].moved(apart / 2 * pitch_px)
    shades, inside = _strip(grey, between, reach, max(_GAP_MIN, apart - 1.5), pitch_px, after=after)
    return shades, inside, pitch_px


def _end_part(ribbon: Ribbon, cells: Cells, reach: float, *, after: bool) -> Ribbon:
    """The ribbon from `_CELLS` characters before a line's end to `reach` pitches beyond it, from left to right."""
    steps = np.diff(cells.centres)
    if after:
        frames = cells.centres[-1] - (_CELLS - 0.5) * steps[-1], cells.centres[-1] + (0.5 + reach) * steps[-1]
    else:
        frames = cells.centres[0] - (0.5 + reach) * steps[0], cells.centres[0] + (_CELLS - 0.5) * steps[0]
    start, end = ((float(frame) + 0.5) * FRAME_PX / STRIP_WIDTH_PX for frame in frames)
    return ribbon.stretched(start, end)


def _strip(grey: Grey, part: Ribbon, reach: float, high: float, pitch_px: float, *, after: bool) -> tuple[Floats, bool]:
    """Return the shades along a ribbon `high` pitches high, the area beside the MRZ last; and whether the picture shows all of it."""
    size = round((_CELLS + reach) * _PITCH_PX), max(4, round(high * _PITCH_PX))
    shades = sample(grey, part, *size, high * pitch_px).astype(np.float32)
    height, width = grey.shape
    corners = [part.at(1.0 if after else 0.0, below * pitch_px) for below in (-high / 2, high / 2)]
    inside = all(0 <= x <= width - 1 and 0 <= y <= height - 1 for x, y in corners)
    return shades if after else shades[:, ::-1], inside


def _smooth(columns: Floats) -> Doubles:
    return np.convolve(columns, np.full(3, 1 / 3), "valid")


def _steps(columns: Floats) -> Doubles:
    """How sharply the shade changes at each column beside the MRZ, as multiples of the MRZ's own sharpest change."""
    mrz_px = _CELLS * _PITCH_PX - 2
    smooth = _smooth(columns)
    steps = np.abs(smooth[_STEP_PX:] - smooth[:-_STEP_PX])
    usual = float(np.sort(steps[: mrz_px - 2 * _STEP_PX])[-3])  # two may be a speck's
    return steps[mrz_px - _STEP_PX - 1 :] / max(usual, _GREY)


def _shade(columns: Floats) -> float:
    """The largest difference of shade beside the MRZ, as a multiple of the MRZ's own."""
    mrz_px = _CELLS * _PITCH_PX - 2
    smooth = _smooth(columns)
    near = smooth[mrz_px - 6 * _PITCH_PX : mrz_px]
    middle = float(np.median(near))
    return float(np.abs(smooth[mrz_px:] - middle).max()) / max(at_share(np.abs(near - middle), 0.95), _GREY)


def _darkness(shades: Floats) -> float:
    mrz_px = _CELLS * _PITCH_PX
    paper, ink = at_share(shades[:, :mrz_px], 0.9), at_share(shades[:, :mrz_px], 0.04)
    return (paper - at_share(shades[:, mrz_px:], 0.03)) / max(paper - ink, 1.0)
