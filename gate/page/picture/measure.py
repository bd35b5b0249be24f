"""What strips look like, in numbers: sharpness, glare, lost characters, height and baseline of the print.

Pure. Lengths are in character pitches, so that they mean the same at every resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gate.page.picture.decode import Cells
from gate.page.picture.ranks import at_share
from gate.page.values import FRAMES, STRIP_HEIGHT_PX, STRIP_WIDTH_PX, Floats

FRAME_PX = STRIP_WIDTH_PX // FRAMES
SATURATED = 0.975  # of full white
CHARACTERS_MIN = 6  # to lay a baseline through
LOST = 0.5  # a cell less sure than this to hold a character is lost
_TEXT_ROWS = slice(
    STRIP_HEIGHT_PX // 4, 3 * STRIP_HEIGHT_PX // 4
)  # where the line itself is; its neighbours are beyond


@dataclass(frozen=True, slots=True)
class StripState:
    """One group of strips.

    `lined` says whether any line had characters on a grid; `pitch_px` is a character's pitch in the picture; `contrast` runs
    from 0 to 1; `sharpness` is the steepest edges, as a share of the contrast a tenth of a pitch; `lost` is the share of
    characters that are not there, and `lost_bright` the share of them that is white with light.
    """

    lined: bool
    pitch_px: float
    contrast: float
    sharpness: float
    lost: float = 0.0
    lost_bright: float = 0.0
    rotation_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Print:
    """Mean height of the characters in pitches, and how far their feet lie off a smooth baseline (root mean square)."""

    height: float
    baseline_residual: float


def contrast_of(strips: Floats) -> float:
    """Between paper and ink in the rows of the text."""
    rows = strips[:, 0, _TEXT_ROWS]
    low, high = np.percentile(rows, (4, 90))
    return float(high - low)


def sharpness_of(strips: Floats, pitch_strip_px: float) -> float:
    """The steepest edges: change in a tenth of a pitch as a share of the contrast; about 0.6 for sharp print, 0.2 for blur."""
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
    """How dark the palest character is beside the usual one of its line, 1 for as dark. Fillers are thin, and left out."""
    palest = 1.0
    for strip, cells, text in zip(strips[:, 0], lines, texts, strict=True):
        ink = [
            _ink(strip, cells, centre) for centre, printed in zip(cells.centres, text, strict=True) if printed != "<"
        ]
        if len(ink) >= CHARACTERS_MIN:
            palest = min(palest, min(ink) / max(1e-3, float(np.median(ink))))
    return palest


def _ink(strip: npt.NDArray[np.float32], cells: Cells, centre: float) -> float:
    """From the paper around a character to the darkest of it."""
    middle, half = (centre + 0.5) * FRAME_PX, 0.45 * cells.pitch * FRAME_PX

    def part(halves: float) -> npt.NDArray[np.float32]:
        start = max(0, min(STRIP_WIDTH_PX - 1, round(middle - halves * half)))
        return strip[_TEXT_ROWS, start : max(start, round(middle + halves * half)) + 1]

    return at_share(part(3.0), 0.95) - at_share(part(1.0), 0.04)


def print_of(strip: npt.NDArray[np.float32], cells: Cells, text: str, *, strip_height_pitches: float) -> Print | None:
    """Measure the print of one strip, (32, 704); None with too few characters. Fillers stand off the baseline and are left out."""
    per_row = strip_height_pitches / STRIP_HEIGHT_PX
    tops, feet, places = [], [], []
    for centre, character in zip(cells.centres, text, strict=True):
        middle, half = (centre + 0.5) * FRAME_PX, 0.42 * cells.pitch * FRAME_PX
        column = strip[:, max(0, round(middle - half)) : round(middle + half)]
        if character == "<" or column.shape[1] < 3:
            continue
        edges = _edges(column.min(axis=1))
        if edges is not None:
            tops.append(edges[0])
            feet.append(edges[1])
            places.append(centre)
    if len(feet) < CHARACTERS_MIN:
        return None
    along, foot = np.array(places) / FRAMES, np.array(feet)
    off = foot - np.polyval(np.polyfit(along, foot, 2), along)
    near = np.abs(off) <= max(1.0, 3 * float(np.median(np.abs(off))))
    height = float(np.median(foot - np.array(tops)))
    return Print(height * per_row, float(np.sqrt(np.mean(off[near] ** 2))) * per_row)


def _edges(darkest: npt.NDArray[np.float32]) -> tuple[float, float] | None:
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
