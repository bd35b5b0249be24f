"""Measurements of strips: sharpness, glare, light, lost characters, height and baseline of the print, marks between the lines.

Pure. Lengths are in character pitches, so that they are the same at every resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gate.page.picture.decode import Cells
from gate.page.values import FRAMES, STRIP_HEIGHT_PX, STRIP_WIDTH_PX, Floats

FRAME_PX = STRIP_WIDTH_PX // FRAMES
SATURATED = 0.975  # of full white
CHARACTERS_MIN = 6  # for a baseline
LOST = 0.5  # a cell less sure than this to hold a character is lost
# Where the line itself is; its neighbours are beyond.
_TEXT_ROWS = slice(STRIP_HEIGHT_PX // 4, 3 * STRIP_HEIGHT_PX // 4)
DARK_MIN: Final = 0.5  # of a mark, in the ink's contrast: security print stays below
_FROM, _TO = 0.68, 1.02  # pitches from the middle of a line, the nearest and the farthest that belong to no line
_ROWS_MIN: Final = 2
_PIXELS: Final = 3  # that are so dark: one may be noise
_AROUND_PX: Final = 30  # of the strip, for the paper's shade
_LIT_PARTS: Final = 8  # of a line


def at_share(values: npt.NDArray[np.floating[Any]], share: float) -> float:
    """Return the value below which this share (0 to 1) of the values lies; the lower of two. Requires at least one value.

    NumPy's own median and percentile take ten times as long on arrays of a hundred numbers, which was a quarter of the time of a page.
    """
    rank = int(share * (values.size - 1))
    return float(np.partition(values, rank, axis=None)[rank])


@dataclass(frozen=True, slots=True)
class StripState:
    """One group of strips.

    `lined`: a line had characters on a grid; `pitch_px`: a character's pitch in the picture; `contrast`: 0 to 1;
    `sharpness`: the steepest edges, as a share of the contrast per tenth of a pitch; `lost`: the share of missing
    characters, `lost_bright`: the share of them that is overexposed.
    """

    lined: bool
    pitch_px: float
    contrast: float
    sharpness: float
    lost: float = 0.0
    lost_bright: float = 0.0
    rotation_deg: float = 0.0


def contrast_of(strips: Floats) -> float:
    """Between paper and ink in the rows of the text."""
    rows = strips[:, 0, _TEXT_ROWS]
    low, high = np.percentile(rows, (4, 90))
    return float(high - low)


def sharpness_of(strips: Floats, pitch_strip_px: float) -> float:
    """Return the steepest edges: change per tenth of a pitch as a share of the contrast; about 0.6 for sharp print, 0.2 for blur."""
    rows = strips[:, 0, _TEXT_ROWS]
    steps = np.abs(rows[:, :, 2:] - rows[:, :, :-2]) / 2
    contrast = max(contrast_of(strips), 1e-3)
    return float(np.percentile(steps, 97)) * pitch_strip_px / 10 / contrast


def lost_cells(strips: Floats, lines: Sequence[Cells]) -> tuple[float, float]:
    """The share of cells without a character, and the share of those that are saturated with light."""
    lost = bright = count = 0
    for strip, cells in zip(strips[:, 0], lines, strict=True):
        gone = cells.probabilities.sum(axis=1) < LOST
        count += len(gone)
        lost += int(gone.sum())
        for centre in cells.centres[gone]:
            middle = (centre + 0.5) * FRAME_PX
            half = 0.5 * cells.pitch * FRAME_PX
            part = strip[_TEXT_ROWS, max(0, round(middle - half)) : max(0, round(middle + half)) + 1]
            bright += bool(part.size and np.median(part) >= SATURATED)
    return lost / max(1, count), bright / max(1, lost)


def palest_of(strips: Floats, lines: Sequence[Cells], texts: Sequence[str]) -> float:
    """Return the palest character's darkness relative to the usual one of its line, 1 for equal. Fillers are thin, and excluded."""
    palest = 1.0
    for strip, cells, text in zip(strips[:, 0], lines, texts, strict=True):
        ink = [
            _ink(strip, cells, centre) for centre, printed in zip(cells.centres, text, strict=True) if printed != "<"
        ]
        if len(ink) >= CHARACTERS_MIN:
            palest = min(palest, min(ink) / max(1e-3, float(np.median(ink))))
    return palest


def _ink(strip: Floats, cells: Cells, centre: float) -> float:
    """Return the difference between the paper around a character and its darkest point."""
    middle, half = (centre + 0.5) * FRAME_PX, 0.45 * cells.pitch * FRAME_PX

    def part(halves: float) -> Floats:
        start = max(0, min(STRIP_WIDTH_PX - 1, round(middle - halves * half)))
        return strip[_TEXT_ROWS, start : max(start, round(middle + halves * half)) + 1]

    return at_share(part(3.0), 0.95) - at_share(part(1.0), 0.04)


def print_of(strip: Floats, cells: Cells, text: str, *, strip_height_pitches: float) -> tuple[float, float] | None:
    """Return the median height of one strip's characters, (32, 704), and their distance from a smooth baseline (root mean square), in pitches.

    None with too few characters. Fillers are above the baseline and excluded.
    """
    per_row = strip_height_pitches / STRIP_HEIGHT_PX
    tops, feet, places = [], [], []
    for centre, character in zip(cells.centres, text, strict=True):
        middle, half = (centre + 0.5) * FRAME_PX, 0.42 * cells.pitch * FRAME_PX
        column = strip[:, max(0, round(middle - half)) : round(middle + half)]
        if character == "<" or column.shape[1] < 3:
            continue
        if (edges := _edges(column.min(axis=1))) is not None:
            tops.append(edges[0])
            feet.append(edges[1])
            places.append(centre)
    if len(feet) < CHARACTERS_MIN:
        return None
    along, foot = np.array(places) / FRAMES, np.array(feet)
    off = foot - np.polyval(np.polyfit(along, foot, 2), along)
    near = np.abs(off) <= max(1.0, 3 * float(np.median(np.abs(off))))
    height = float(np.median(foot - np.array(tops)))
    return height * per_row, float(np.sqrt(np.mean(off[near] ** 2))) * per_row


def _edges(darkest: Floats) -> tuple[float, float] | None:
    """Top and foot of the ink through the middle row, to a fraction of a row, at half of the contrast."""
    paper, ink = at_share(darkest, 0.9), float(np.min(darkest[_TEXT_ROWS]))
    level = (paper + ink) / 2
    dark = darkest < level
    rows = np.flatnonzero(dark[_TEXT_ROWS]) + STRIP_HEIGHT_PX // 4
    if paper - ink < 0.08 or len(rows) == 0:
        return None
    top, foot = int(rows[0]), int(rows[-1])
    while top > 0 and dark[top - 1]:
        top -= 1
    while foot < STRIP_HEIGHT_PX - 1 and dark[foot + 1]:
        foot += 1
    if top == 0 or foot == STRIP_HEIGHT_PX - 1:
        return None
    rise = (darkest[top - 1] - level) / max(1e-6, float(darkest[top - 1] - darkest[top]))
    fall = (darkest[foot + 1] - level) / max(1e-6, float(darkest[foot + 1] - darkest[foot]))
    return top - 1 + float(rise), foot + 1 - float(fall)


def marks_beside(strip: Floats, cells: Cells, *, pitch_rows: float, spacing: float, above: bool, below: bool) -> int:
    """Return the number of cells of a line, (32, 704), with a mark above or below them, towards the neighbouring lines: ink where none is printed.

    A mark between the lines may also cover characters, and turn a C into an O that the recogniser does not doubt. `pitch_rows`: rows per pitch;
    `spacing`: pitches between the lines.
    """
    middle = (STRIP_HEIGHT_PX - 1) / 2
    near, far = _FROM * pitch_rows, min(_TO, spacing - _FROM) * pitch_rows
    start, end = (round((cells.centres[at] + side) * FRAME_PX) for at, side in ((0, -0.5), (-1, 1.5)))
    text = strip[_TEXT_ROWS, max(0, start) : end]
    contrast = max(at_share(text, 0.9) - at_share(text, 0.04), 1e-2)
    found = 0
    for wanted, first, last in ((above, middle - far, middle - near), (below, middle + near, middle + far)):
        rows = strip[max(0, round(first)) : min(STRIP_HEIGHT_PX, round(last) + 1)]
        if wanted and len(rows) >= _ROWS_MIN:
            found += sum(darkness >= DARK_MIN * contrast for darkness in _darkest(rows, cells))
    return found


def _darkest(rows: Floats, cells: Cells) -> list[float]:
    """Return for each cell how much darker than the surrounding paper the darkest pixels above or below it are."""
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


def light_on(strips: Floats, lines: Sequence[Cells]) -> tuple[float, ...]:
    """Return the paper's brightness at eight parts of each line, 0 to 1; beside the characters may be the table."""
    levels = []
    for strip, cells in zip(strips[:, 0, _TEXT_ROWS], lines, strict=True):
        start, end = ((float(frame) + 0.5) * FRAME_PX for frame in (cells.centres[0], cells.centres[-1]))
        parts = np.array_split(strip[:, max(0, round(start)) : round(end) + 1], _LIT_PARTS, axis=1)
        levels += [at_share(part, 0.9) for part in parts]
    return tuple(levels)
