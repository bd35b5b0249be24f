"""Bars: lines of text in a picture, as long thin components of dark strokes.

Black hat (dark strokes on any paper), horizontal gradient (strokes, not rules), closing along the line (characters become
bars), threshold, components, and a centre line through each by least squares. What breaks a line, such as fillers or glare,
is bridged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from gate.page.picture.ranks import at_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from gate.page.values import Grey

TILT_MAX = 0.40  # slope of a line, 22 degrees
# A line of 30 to 44 characters is 25 to 40 times as long as high; blur and cut ends widen that.
SLENDER_MIN, SLENDER_MAX = 11.0, 75.0
LEVEL_MIN = 4.0  # of 255, between strokes and the rest: sensor noise on an empty bed stays below
FAINTER_MAX = 0.75  # of the bound for strong strokes: nearer to it, the same lines would be found again
PATTERNED_SHARE = 0.1  # of the picture, above the bound: more than text, a pattern that the text stands out of
GAP_MAX = (
    14.0  # heights between the parts of one line: glare takes a third of a line, and what is left tells that it did
)
_ROOTS = np.round(np.sqrt(255.0 * np.arange(256))).astype(np.uint8)
COLUMNS_MAX = 100  # of a component that vote on where its middle is
BARS_MAX = 40  # kept of one picture, the longest: a page of text has more, and no MRZ among the others


@dataclass(frozen=True, slots=True)
class Bar:
    """A component of the working picture: its centre line y = a + b x between two columns, and its thickness."""

    left: float
    right: float
    a: float
    b: float
    thickness: float

    @property
    def length(self) -> float:
        """From end to end, along the line."""
        return (self.right - self.left) * math.hypot(1.0, self.b)

    @property
    def slender(self) -> float:
        """How many times as long as thick."""
        return self.length / self.thickness

    def y(self, x: float) -> float:
        """The centre line at a column."""
        return self.a + self.b * x


def _strokes(small: Grey, stroke_px: int) -> Grey:
    """How much of a vertical dark stroke there is at each pixel, 0 to 255."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px, stroke_px))
    dark = cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel)
    gradient = cv2.convertScaleAbs(cv2.Sobel(dark, cv2.CV_16S, 1, 0, ksize=3), alpha=0.25)
    return np.asarray(gradient, np.uint8)


def find_bars(small: Grey, stroke_px: int) -> Iterator[list[Bar]]:
    """Bars of text, made from strokes of characters about `stroke_px` high: of strong strokes, then of fainter ones too.

    Beside black words on white a laminated MRZ, or a line's fillers, are faint; where there is much noise, only what is strong
    stands out of it; and beside a dark table a page's security print counts as strokes, and its text as stronger ones. So all these
    bounds between strokes and the rest are tried, each only where it is another one.
    """
    strokes = _strokes(small, stroke_px)
    along = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px + stroke_px // 2, 1))
    joined = cv2.morphologyEx(cv2.blur(strokes, (3, 3)), cv2.MORPH_CLOSE, along)
    strong, _ = cv2.threshold(joined, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if strong < LEVEL_MIN:
        return
    yield _bars_above(joined, strong, stroke_px)
    above = joined[joined > strong]
    if above.size > PATTERNED_SHARE * joined.size:
        stronger, _ = cv2.threshold(above, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        if strong <= FAINTER_MAX * stronger:
            yield _bars_above(joined, stronger, stroke_px)
    root, _ = cv2.threshold(cv2.LUT(joined, _ROOTS), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    faint = root**2 / 255
    if LEVEL_MIN <= faint <= FAINTER_MAX * strong:
        yield _bars_above(joined, faint, stroke_px)


def _bars_above(joined: npt.NDArray[Any], level: float, stroke_px: int) -> list[Bar]:
    """The bars where joined strokes are stronger than `level`."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px, 3))
    mask = cv2.morphologyEx((joined > level).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_BBDT)
    wide_enough = np.flatnonzero(stats[1:, cv2.CC_STAT_WIDTH] >= 3 * stroke_px) + 1
    longest = wide_enough[np.argsort(-stats[wide_enough, cv2.CC_STAT_WIDTH])][: 3 * BARS_MAX]
    fitted = (
        _fitted(np.asarray(labels, np.int32), np.asarray(stats[label], np.int32), int(label)) for label in longest
    )
    bars = [bar for bar in fitted if bar is not None]
    # Parts stay too: what continues a line may be the table's print beside the page.
    whole = [bar for bar in {*_joined(bars), *bars} if SLENDER_MIN <= bar.slender <= SLENDER_MAX]
    return sorted(whole, key=lambda bar: -bar.length)[:BARS_MAX]


def _fitted(labels: npt.NDArray[np.int32], stats: npt.NDArray[np.int32], label: int) -> Bar | None:
    """The centre line through a component, None for what is no straight line."""
    left, top, width, height, area = (int(value) for value in stats[:5])
    inside = (labels[top : top + height, left : left + width] == label).astype(np.float32)
    count, moment = np.stack([np.ones(height, np.float32), np.arange(height, dtype=np.float32)]) @ inside
    columns = np.flatnonzero(count)
    columns = columns[:: max(1, len(columns) // COLUMNS_MAX)]
    middle = moment[columns].astype(np.float64) / count[columns]
    slope, offset = _line_through(columns.astype(np.float64), middle)
    thickness = area / max(1, int((count > 0).sum()))
    if abs(slope) > TILT_MAX or at_share(np.abs(middle - offset - slope * columns), 0.5) > 0.35 * thickness + 1.0:
        return None
    return Bar(left, left + width, top + offset - slope * left, slope, thickness * math.cos(math.atan(slope)))


def _line_through(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset by least squares, and again without the columns that lie far off: what else touches the bar."""
    slope, offset = _least_squares(x, y)
    off = np.abs(y - offset - slope * x)
    near = off <= max(1.0, 2.0 * at_share(off, 0.5))
    if near.sum() >= max(8, len(x) // 3):
        slope, offset = _least_squares(x[near], y[near])
    return slope, offset


def _least_squares(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset; in closed form, since a picture of noise has a hundred components."""
    middle_x, middle_y = float(x.mean()), float(y.mean())
    from_middle = x - middle_x
    slope = float(from_middle @ (y - middle_y)) / max(1e-9, float(from_middle @ from_middle))
    return slope, middle_y - slope * middle_x


def _joined(bars: Sequence[Bar]) -> list[Bar]:
    """Bars that continue one another become one: fillers and glare break lines."""
    left_to_right = sorted(bars, key=lambda bar: bar.left)
    done: list[Bar] = []
    for bar in left_to_right:
        before = next((other for other in reversed(done) if _continues(other, bar)), None)
        if before is None:
            done.append(bar)
        else:
            done[done.index(before)] = _union(before, bar)
    return done


def _continues(before: Bar, after: Bar) -> bool:
    height = max(before.thickness, after.thickness)
    gap = after.left - before.right
    where = (before.right + after.left) / 2
    longer = max(before, after, key=lambda bar: bar.length)
    shorter = min(before, after, key=lambda bar: bar.length)
    far = (shorter.left + shorter.right) / 2
    return (
        -height <= gap <= GAP_MAX * height
        and abs(longer.y(far) - shorter.y(far)) <= 0.5 * height
        and abs(before.y(where) - after.y(where)) <= 0.7 * height
        and min(before.thickness, after.thickness) >= 0.5 * height
    )


def _union(one: Bar, other: Bar) -> Bar:
    """One bar through the middles of two, weighted by their lengths."""
    x = np.array([one.left, one.right, other.left, other.right])
    y = np.array([one.y(one.left), one.y(one.right), other.y(other.left), other.y(other.right)])
    weight = np.sqrt(np.array([one.length, one.length, other.length, other.length]))
    slope, offset = np.polyfit(x, y, 1, w=weight)
    thickness = (one.thickness * one.length + other.thickness * other.length) / (one.length + other.length)
    return Bar(min(one.left, other.left), max(one.right, other.right), float(offset), float(slope), thickness)
