"""Bars: lines of text in a picture, found as long thin components of dark strokes.

Black hat (dark strokes on any paper), horizontal gradient (strokes, not rules), closing along the line (characters become bars), threshold,
components, and a centre line through each by least squares; gaps such as fillers or glare are bridged. No loop visits the pixels of each of the
hundred components: a mask's columns are runs, far fewer, and a component's pixels in a column are the sum of its runs there.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gate.page.values import Bools, Doubles, Grey, Ints

TILT_MAX = 0.40  # slope of a line, 22 degrees
# A line of 30 to 44 characters is 25 to 40 times as long as high; blur and cut ends widen that.
SLENDER_MIN, SLENDER_MAX = 11.0, 75.0
LEVEL_MIN = 4.0  # of 255, between strokes and the rest: sensor noise on an empty bed stays below
FAINTER_MAX = 0.75  # of the bound for strong strokes: nearer to it, the same lines would be found again
PATTERNED_SHARE = 0.1  # of the picture, above the bound: more than text, a pattern that the text stands out of
# Heights between the parts of one line: glare hides a third of a line; the rest shows the loss.
GAP_MAX = 14.0
_ROOTS = np.round(np.sqrt(255.0 * np.arange(256))).astype(np.uint8)
COLUMNS_MAX = 100  # of a component that vote on where its middle is
BARS_MAX = 40  # kept of one picture, the longest: a page of text has more, and no MRZ among the others


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Components, the widest first.

    `left` and `right` (one past the last) are columns of the mask, `thickness` is pixels a column, (n,) each. `columns` and `middles`,
    (n, m), are some columns of each, from its left, and the middle of its pixels there; `there` is False where a row has no more.
    """

    left: Ints
    right: Ints
    thickness: Doubles
    columns: Doubles
    middles: Doubles
    there: Bools


def widest(mask: Grey, *, width_min_px: int, count_max: int, columns_max: int) -> Components:
    """Components of what is 1 in a mask of 0 and 1, at least so wide; of each every second, third … column if it has twice, thrice … `columns_max`."""
    tall = cv2.transpose(mask)  # so that columns are read along, and their runs come from left to right
    count, labels = cv2.connectedComponentsWithAlgorithm(tall, 8, cv2.CV_32S, cv2.CCL_BBDT)
    columns, tops, lengths, places = _runs(tall)
    of = np.asarray(labels, np.int32).reshape(-1)[places]
    left, right = np.zeros(count, np.int64), np.zeros(count, np.int64)
    left[of[::-1]] = columns[::-1]  # of several the last one stays
    right[of] = columns + 1
    wide = np.flatnonzero(right - left >= width_min_px)
    chosen = wide[np.argsort(left[wide] - right[wide])][:count_max]
    rank = np.full(count, -1)
    rank[chosen] = np.arange(len(chosen))
    where = rank[of] * mask.shape[1] + columns
    kept = np.flatnonzero(where >= 0)
    where, length = where[kept], lengths[kept].astype(np.float64)
    middle = tops[kept] + (length - 1) / 2
    shape = (len(chosen), mask.shape[1])
    pixels = np.bincount(where, weights=length, minlength=shape[0] * shape[1]).reshape(shape)
    moment = np.bincount(where, weights=length * middle, minlength=shape[0] * shape[1]).reshape(shape)
    return _columns(left[chosen], right[chosen], pixels.astype(np.float64), moment.astype(np.float64), columns_max)


def _runs(tall: npt.NDArray[Any]) -> tuple[Ints, Ints, Ints, Ints]:
    """Runs of ones in the columns of a mask, from left to right: in which column, from which row, how long, and where in the tall mask, flat."""
    framed = cv2.copyMakeBorder(tall, 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    # As truths, which are looked for eight at a time.
    begins = np.flatnonzero(cv2.subtract(framed[:, 1:], framed[:, :-1]).view(np.bool_))
    ends = np.flatnonzero(cv2.subtract(framed[:, :-1], framed[:, 1:]).view(np.bool_))
    column = begins // (tall.shape[1] + 1)
    at = begins - column
    return column, at - column * tall.shape[1], ends - begins, at


def _columns(left: Ints, right: Ints, pixels: Doubles, moment: Doubles, columns_max: int) -> Components:
    of, column = np.divmod(np.flatnonzero(pixels > 0), pixels.shape[1])
    has = np.bincount(of, minlength=len(left))
    number = np.arange(len(of)) - np.repeat(np.cumsum(has) - has, has)
    step = np.maximum(1, has // columns_max)[of]
    some = np.flatnonzero(number % step == 0)
    of, column, place = of[some], column[some], (number // step)[some]
    shape = (len(left), int(place.max(initial=-1)) + 1)
    columns, middles, there = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_)
    columns[of, place] = column - left[of]
    middles[of, place] = moment[of, column] / pixels[of, column]
    there[of, place] = True
    return Components(left, right, pixels.sum(axis=1) / np.maximum(1, has), columns, middles, there)


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

    def y(self, x: float) -> float:
        """The centre line at a column."""
        return self.a + self.b * x


def find_bars(small: Grey, stroke_px: int) -> Iterator[list[Bar]]:
    """Yield bars of text, made from strokes of characters about `stroke_px` high: from strong strokes, then from fainter ones too.

    Beside black words on white a laminated MRZ, or a line's fillers, are faint; in a noisy picture only strong strokes stand out;
    and beside a dark table a page's security print counts as strokes, and its text as stronger ones. So each of these thresholds is
    tried, if it differs from the others.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px, stroke_px))
    dark = cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel)
    strokes = cv2.convertScaleAbs(cv2.Sobel(dark, cv2.CV_16S, 1, 0, ksize=3), alpha=0.25)  # vertical ones
    along = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px + stroke_px // 2, 1))
    joined = np.asarray(cv2.morphologyEx(cv2.blur(strokes, (3, 3)), cv2.MORPH_CLOSE, along), np.uint8)
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


def _bars_above(joined: Grey, level: float, stroke_px: int) -> list[Bar]:
    """Return the bars where joined strokes are stronger than `level`."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (stroke_px, 3))
    _, above = cv2.threshold(joined, level, 1, cv2.THRESH_BINARY)
    mask = np.asarray(cv2.morphologyEx(above, cv2.MORPH_OPEN, kernel), np.uint8)
    bars = _straight(widest(mask, width_min_px=3 * stroke_px, count_max=3 * BARS_MAX, columns_max=COLUMNS_MAX))
    # Parts stay too: what continues a line may be the table's print beside the page.
    whole = [
        bar
        for bar in dict.fromkeys((*_joined(bars), *bars))
        if SLENDER_MIN <= bar.length / bar.thickness <= SLENDER_MAX
    ]
    return sorted(whole, key=lambda bar: -bar.length)[:BARS_MAX]


def _straight(found: Components) -> list[Bar]:
    """Return the centre lines through components, without those that are not straight."""
    slope, offset = _lines_through(found)
    off = np.abs(found.middles - offset[:, None] - slope[:, None] * found.columns)
    straight = (np.abs(slope) <= TILT_MAX) & (_medians(off, found.there) <= 0.35 * found.thickness + 1.0)
    fields = (found.left, found.right, offset - slope * found.left, slope, found.thickness * np.cos(np.arctan(slope)))
    return [Bar(*values) for values in np.column_stack(fields)[straight].tolist()]


def _lines_through(found: Components) -> tuple[Doubles, Doubles]:
    """Return slopes and offsets by least squares, repeated without the outlying columns, where something else touches the bar."""
    slope, offset = _least_squares(found, found.there)
    off = np.abs(found.middles - offset[:, None] - slope[:, None] * found.columns)
    near = found.there & (off <= np.maximum(1.0, 2.0 * _medians(off, found.there))[:, None])
    again = near.sum(axis=1) >= np.maximum(8, found.there.sum(axis=1) // 3)
    closer, higher = _least_squares(found, near)
    return np.where(again, closer, slope), np.where(again, higher, offset)


def _least_squares(found: Components, used: Bools) -> tuple[Doubles, Doubles]:
    """Slope and offset of each component through the columns that are used."""
    count = np.maximum(1, used.sum(axis=1))
    middle_x, middle_y = ((values * used).sum(axis=1) / count for values in (found.columns, found.middles))
    from_middle = (found.columns - middle_x[:, None]) * used
    spread = np.maximum(1e-9, (from_middle**2).sum(axis=1))
    slope = (from_middle * (found.middles - middle_y[:, None])).sum(axis=1) / spread
    return slope, middle_y - slope * middle_x


def _medians(values: Doubles, there: Bools) -> Doubles:
    """Return each row's median; the lower of two middle values."""
    ranked = np.sort(np.where(there, values, np.inf), axis=1)
    middle = (np.maximum(1, there.sum(axis=1)) - 1) // 2
    return np.take_along_axis(ranked, middle[:, None], axis=1)[:, 0]


def _joined(bars: Sequence[Bar]) -> list[Bar]:
    """Join bars that continue one another: fillers and glare break lines."""
    done: list[Bar] = []
    for bar in sorted(bars, key=lambda bar: bar.left):
        for number in range(len(done) - 1, -1, -1):
            before = done[number]
            height = max(before.thickness, bar.thickness)
            # Of the thousands of pairs of a text-filled picture nearly all end here.
            if -height <= bar.left - before.right <= GAP_MAX * height and _continues(before, bar, height):
                done[number] = _union(before, bar)
                break
        else:
            done.append(bar)
    return done


def _continues(before: Bar, after: Bar, height: float) -> bool:
    """True if two bars that are near enough lie on one line; `height`: the thicker one's."""
    where = (before.right + after.left) / 2
    if abs(before.y(where) - after.y(where)) > 0.7 * height or min(before.thickness, after.thickness) < 0.5 * height:
        return False
    longer, shorter = (before, after) if before.length >= after.length else (after, before)
    far = (shorter.left + shorter.right) / 2
    return abs(longer.y(far) - shorter.y(far)) <= 0.5 * height


def _union(one: Bar, other: Bar) -> Bar:
    """One bar through the ends of two, weighted by their lengths."""
    both = one.length + other.length
    ends = [(x, bar.y(x), bar.length / (2 * both)) for bar in (one, other) for x in (bar.left, bar.right)]
    middle_x, middle_y = sum(share * x for x, _, share in ends), sum(share * y for _, y, share in ends)
    rise = sum(share * (x - middle_x) * (y - middle_y) for x, y, share in ends)
    slope = rise / sum(share * (x - middle_x) ** 2 for x, _, share in ends)
    thickness = (one.thickness * one.length + other.thickness * other.length) / both
    return Bar(min(one.left, other.left), max(one.right, other.right), middle_y - slope * middle_x, slope, thickness)
