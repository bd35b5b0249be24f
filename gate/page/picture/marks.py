"""Marks between the lines of an MRZ: ink where none is printed, such as dust, a pen's stroke or a stamp.

What lies between the lines lies over them as well, and makes an O of a C or an eight of a G, with no trace that the recogniser would doubt.
Names and visas' optional data have no check digits, so a page with such marks is not accepted by itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gate.page.picture.decode import Cells
from gate.page.picture.measure import FRAME_PX
from gate.page.picture.ranks import at_share
from gate.page.values import STRIP_HEIGHT_PX

DARK_MIN: Final = 0.5  # of the ink's contrast: security print stays below
_FROM, _TO = 0.68, 1.02  # pitches from the middle of a line, the nearest and the farthest that belong to no line
_ROWS_MIN: Final = 2
_PIXELS: Final = 3  # that are so dark: one may be noise
_AROUND_PX: Final = 30  # of the strip, for the paper's shade


def marks_beside(
    strip: npt.NDArray[np.float32], cells: Cells, *, pitch_rows: float, spacing: float, above: bool, below: bool
) -> int:
    """How many cells of a line, (32, 704), have a mark above or below them, towards its neighbours.

    `pitch_rows` is how many rows a pitch takes, `spacing` how many pitches the lines are apart.
    """
    middle = (STRIP_HEIGHT_PX - 1) / 2
    near, far = _FROM * pitch_rows, min(_TO, spacing - _FROM) * pitch_rows
    contrast = _contrast(strip, cells)
    found = 0
    for wanted, first, last in ((above, middle - far, middle - near), (below, middle + near, middle + far)):
        rows = strip[max(0, round(first)) : min(STRIP_HEIGHT_PX, round(last) + 1)]
        if wanted and len(rows) >= _ROWS_MIN:
            found += sum(darkness >= DARK_MIN * contrast for darkness in _darkest(rows, cells))
    return found


def _contrast(strip: npt.NDArray[np.float32], cells: Cells) -> float:
    start, end = (round((cells.centres[at] + side) * FRAME_PX) for at, side in ((0, -0.5), (-1, 1.5)))
    text = strip[STRIP_HEIGHT_PX // 4 : 3 * STRIP_HEIGHT_PX // 4, max(0, start) : end]
    return max(at_share(text, 0.9) - at_share(text, 0.04), 1e-2)


def _darkest(rows: npt.NDArray[np.float32], cells: Cells) -> list[float]:
    """For each cell, how much darker than the paper around it the darkest pixels are above or below it."""
    half = cells.pitch * FRAME_PX / 2
    darkest = []
    for centre in cells.centres:
        middle = (centre + 0.5) * FRAME_PX
        start, end = max(0, round(middle - half)), max(0, round(middle + half)) + 1
        here = rows[:, start:end]
        if here.size >= _PIXELS:
            paper = at_share(rows[:, max(0, start - _AROUND_PX) : end + _AROUND_PX], 0.8)
            darkest.append(paper - float(np.partition(here, _PIXELS - 1, axis=None)[:_PIXELS].mean()))
    return darkest
