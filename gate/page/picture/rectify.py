"""From a line of text in a picture to a strip for the recogniser: straight, level, one line high, the text from end to end.

A ribbon follows the middle of a line, along a parabola where a page is bent, and narrows as perspective does. `settle` fits
it to the ink; `cut` samples strips, first shrinking a picture that is finer than a strip, to avoid aliasing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from gate.page.values import STRIP_HEIGHT_PX, STRIP_WIDTH_PX, Floats, Grey, LinePlace, Point

MARGIN = 0.4  # of the distance of lines, which is one character: space left of the first and right of the last
TAPER_MAX = 1.6  # a page that lies 40 degrees askew before a near camera
_PARTS = 8  # of a line, each of which votes on where its middle is
_PROBE_WIDTH_PX, _PROBE_HEIGHT_PX = 352, 48
_PROBE_LINES = 1.5  # how high the probe is, in distances of lines: the neighbours stay at its edge
_SETTLE_MAX = 0.3  # of a line: farther off the ink is another line's


@dataclass(frozen=True, slots=True)
class Ribbon:
    """The middle of a strip from `start` to `end`, bent by `bow_px` at its middle (down is positive), `height_px` high.

    `taper`: the start's distance from the camera relative to the end's. The strip is higher at its end by this factor,
    and characters are wider there by its square. `height_px` is the one half way along the text.
    """

    start: Point
    end: Point
    height_px: float
    bow_px: float = 0.0
    taper: float = 1.0

    @property
    def length_px(self) -> float:
        """From end to end along the chord."""
        return math.dist(self.start, self.end)

    @property
    def down(self) -> Point:
        """Unit vector across the text, downwards as it is read."""
        along_x, along_y = self.end[0] - self.start[0], self.end[1] - self.start[1]
        length = max(self.length_px, 1e-9)
        return -along_y / length, along_x / length

    def at(self, part: float, below_px: float = 0.0) -> Point:
        """The point at `part` (0 to 1) of the text, `below_px` under its middle."""
        sink = self.bow_px * 4 * part * (1 - part) + below_px
        way = part / (part + self.taper * (1 - part))
        down_x, down_y = self.down
        return (
            float(self.start[0] + way * (self.end[0] - self.start[0]) + sink * down_x),
            float(self.start[1] + way * (self.end[1] - self.start[1]) + sink * down_y),
        )

    def height_at(self, part: float) -> float:
        """Return the strip's height at `part` of the text."""
        return self.height_px * (1 + self.taper) / 2 / (part + self.taper * (1 - part))

    def turned(self) -> Ribbon:
        """The same strip read from its other end."""
        return replace(self, start=self.end, end=self.start, bow_px=-self.bow_px, taper=1 / self.taper)

    def moved(self, down_px: float) -> Ribbon:
        """Return the same strip, this much lower on the page."""
        return self.tilted(down_px, down_px)

    def tilted(self, start_px: float, end_px: float) -> Ribbon:
        """Return the same strip, its ends this much lower on the page."""
        (down_x, down_y), (start_x, start_y), (end_x, end_y) = self.down, self.start, self.end
        return replace(
            self,
            start=(start_x + start_px * down_x, start_y + start_px * down_y),
            end=(end_x + end_px * down_x, end_y + end_px * down_y),
        )

    def stretched(self, from_part: float, to_part: float) -> Ribbon:
        """The ribbon from one part of this one to another; parts may lie outside 0 to 1."""
        middle = self.at((from_part + to_part) / 2)
        start, end = self.at(from_part), self.at(to_part)
        taper = self.height_at(to_part) / self.height_at(from_part)
        cut = Ribbon(start, end, self.height_at((from_part + to_part) / 2), taper=taper)
        chord = cut.at(0.5)
        down_x, down_y = cut.down
        return replace(cut, bow_px=(middle[0] - chord[0]) * down_x + (middle[1] - chord[1]) * down_y)


def ribbons_of(lines: Sequence[LinePlace]) -> tuple[Ribbon, ...]:
    """Return ribbons for the lines of a group, as high as the distance of the lines, with a margin at either end."""
    spacing_px, first, last = spacing_of(lines), lines[0], lines[-1]
    # How much closer together the lines are at their start than at their end.
    taper = math.dist(first.end, last.end) / max(1.0, math.dist(first.start, last.start))
    taper = min(TAPER_MAX, max(1 / TAPER_MAX, taper))
    ribbons = []
    for line in lines:
        bare = Ribbon(line.start, line.end, spacing_px, taper=taper)
        margin = MARGIN * spacing_px / max(bare.length_px, 1.0)
        ribbons.append(bare.stretched(-margin, 1.0 + margin))
    return tuple(ribbons)


def spacing_of(lines: Sequence[LinePlace]) -> float:
    """Mean distance of neighbouring lines, across them, in pixels."""
    first, last = lines[0], lines[-1]
    across = Ribbon(first.start, first.end, 0.0).down
    offset_x = (last.start[0] + last.end[0] - first.start[0] - first.end[0]) / 2
    offset_y = (last.start[1] + last.end[1] - first.start[1] - first.end[1]) / 2
    return max(1.0, (offset_x * across[0] + offset_y * across[1]) / (len(lines) - 1))


def settle(grey: Grey, ribbon: Ribbon) -> Ribbon:
    """Fit the ribbon to the ink: its parts vote on their middles, and a parabola is fitted to the votes."""
    probe = sample(grey, ribbon, _PROBE_WIDTH_PX, _PROBE_HEIGHT_PX, _PROBE_LINES * ribbon.height_px)
    strokes = np.abs(np.diff(probe.astype(np.float32), axis=1)).reshape(_PROBE_HEIGHT_PX, -1)
    parts = np.array_split(strokes, _PARTS, axis=1)
    rows = np.stack([part.mean(axis=1) for part in parts])
    rows -= np.median(rows, axis=1, keepdims=True)
    rows = np.clip(rows, 0.0, None)
    below = (np.arange(_PROBE_HEIGHT_PX) + 0.5) / _PROBE_HEIGHT_PX * _PROBE_LINES - 0.5 * _PROBE_LINES
    window = np.exp(-((below / 0.28) ** 2))  # the neighbours' ink does not vote
    weight = (rows * window).sum(axis=1)
    middles = (rows * window * below).sum(axis=1) / np.maximum(weight, 1e-6)
    if np.min(weight) <= 0.0 or np.abs(middles).max() > _SETTLE_MAX:
        return ribbon
    u = (np.arange(_PARTS) + 0.5) / _PARTS
    bend, slope, offset = np.polyfit(u, middles, 2, w=np.sqrt(weight))
    left, right = offset * ribbon.height_at(0.0), (offset + slope + bend) * ribbon.height_at(1.0)
    return replace(ribbon.tilted(left, right), bow_px=ribbon.bow_px - bend * ribbon.height_px / 4)


def cut(grey: Grey, ribbons: Sequence[Ribbon]) -> Floats:
    """Sample (n, 1, 32, 704) strips, 0 to 1."""
    strips = np.empty((len(ribbons), 1, STRIP_HEIGHT_PX, STRIP_WIDTH_PX), np.float32)
    for number, ribbon in enumerate(ribbons):
        strips[number, 0] = sample(grey, ribbon, STRIP_WIDTH_PX, STRIP_HEIGHT_PX, ribbon.height_px)
    strips /= 255.0
    return strips


def sample(grey: Grey, ribbon: Ribbon, width_px: int, height_px: int, high: float) -> Grey:
    """Return the picture along the ribbon, `high` pixels of the picture across it."""
    part = ((np.arange(width_px) + 0.5) / width_px).astype(np.float32)
    nearness = (part + ribbon.taper * (1 - part)).astype(np.float32)
    way = part / nearness
    below = (((np.arange(height_px) + 0.5) / height_px - 0.5) * high * (1 + ribbon.taper) / 2).astype(np.float32)
    sink = (np.float32(ribbon.bow_px) * 4 * part * (1 - part) + below[:, None] / nearness).astype(np.float32)
    down_x, down_y = ribbon.down
    x = np.float32(ribbon.start[0]) + way * np.float32(ribbon.end[0] - ribbon.start[0]) + sink * np.float32(down_x)
    y = np.float32(ribbon.start[1]) + way * np.float32(ribbon.end[1] - ribbon.start[1]) + sink * np.float32(down_y)
    fineness = min(ribbon.length_px / width_px, high / height_px)
    if fineness > 1.25:
        grey, x, y = _shrunk(grey, x, y, fineness)
    how = cv2.INTER_CUBIC if fineness < 0.8 else cv2.INTER_LINEAR
    sampled = cv2.remap(grey, x, y, how, borderMode=cv2.BORDER_REPLICATE)
    return sampled.astype(np.uint8, copy=False)


def _shrunk(grey: Grey, x: Floats, y: Floats, fineness: float) -> tuple[Grey, Floats, Floats]:
    """Return the sampled part of the picture, shrunk to about one pixel per sample, and the samples' positions in it."""
    height, width = grey.shape
    left, right = (int(np.clip(v, 0, width)) for v in (np.floor(np.min(x)) - 2, np.ceil(np.max(x)) + 3))
    top, bottom = (int(np.clip(v, 0, height)) for v in (np.floor(np.min(y)) - 2, np.ceil(np.max(y)) + 3))
    if right - left < 2 or bottom - top < 2:
        return grey, x, y
    size = (max(1, round((right - left) / fineness)), max(1, round((bottom - top) / fineness)))
    small = cv2.resize(grey[top:bottom, left:right], size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    shrink_x, shrink_y = (right - left) / size[0], (bottom - top) / size[1]
    return (
        small,
        ((x - left + 0.5) / shrink_x - 0.5).astype(np.float32),
        ((y - top + 0.5) / shrink_y - 0.5).astype(np.float32),
    )
