"""Where lines of text that may be a machine-readable zone lie in a picture.

The zone is two or three long, thin, parallel lines of dark strokes, one below the other, with the same left edge. Bars are
found on a small copy of the picture and grouped by spacing and edges. Whether a group is a zone is the recogniser's to
say; this module only proposes, best first.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gate.page.bars import Bar, find_bars
from gate.page.turn import turned_back, working_copy
from gate.page.values import LinePlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from gate.page.values import Grey

WORKING_SIDE_PX = 800  # a page that fills a third of the frame still has 6 px a character
STROKES_PX = (9, 19)  # heights of characters that are looked for, each good for half to twice of it
SCORE_MIN = 0.15  # groups below are not worth a look: too short, ragged, or of another shape than any zone
GROUPS_MAX = 4  # proposals for one picture; the zone is nearly always the first


@dataclass(frozen=True, slots=True)
class Group:
    """Two or three lines that may be a zone, top one first as they stand in the picture; higher `score` is likelier."""

    lines: tuple[LinePlace, ...]
    score: float


def propose(grey: Grey, *, turn_deg: float = 0.0) -> tuple[Group, ...]:
    """Groups of lines that are turned by about `turn_deg` clockwise, best first, `GROUPS_MAX` at most.

    Positions are in pixels of `grey`.
    """
    small, shrink = working_copy(grey, WORKING_SIDE_PX)
    back = np.eye(2, 3)
    if turn_deg:
        small, back = turned_back(small, turn_deg)
    groups: list[Group] = []
    for stroke_px in STROKES_PX:
        bars = find_bars(small, stroke_px)
        groups += [group for group in _groups(bars, small.shape[1]) if group.score >= SCORE_MIN]
    groups.sort(key=lambda group: -group.score)
    best = itertools.islice(_distinct(groups), GROUPS_MAX)
    return tuple(_placed(group, back, shrink) for group in best)


def _groups(bars: Sequence[Bar], width: int) -> Iterator[Group]:
    """Every pair, and every pair with a third below it, that stands as the lines of a zone do."""
    below = {id(one): [other for other in bars if other is not one and _below(one, other)] for one in bars}
    for one in bars:
        for other in below[id(one)]:
            yield _group((one, other), width)
            for third in below[id(other)]:
                if 0.75 <= _spacing(other, third) / _spacing(one, other) <= 1.33:
                    yield _group((one, other, third), width)


def _spacing(upper: Bar, lower: Bar) -> float:
    middle = (max(upper.left, lower.left) + min(upper.right, lower.right)) / 2
    return (lower.y(middle) - upper.y(middle)) / math.hypot(1.0, upper.b)


def _below(upper: Bar, lower: Bar) -> bool:
    """True when the second bar can be the next line of a zone: as long, as thick, parallel, at a line's distance."""
    height = (upper.thickness + lower.thickness) / 2
    shared = min(upper.right, lower.right) - max(upper.left, lower.left)
    longer = max(upper.right - upper.left, lower.right - lower.left)
    if shared < 0.6 * longer or abs(upper.b - lower.b) > 0.06:
        return False
    alike = min(upper.thickness, lower.thickness) >= 0.55 * max(upper.thickness, lower.thickness)
    # Lines are 2.5 characters apart (ICAO 9303-3 §4.4 with 9303-4 figures); bars are 0.8 to 1.5 characters thick.
    return alike and 1.15 * height <= _spacing(upper, lower) <= 4.2 * height


def _group(bars: tuple[Bar, ...], width: int) -> Group:
    """The lines of a group, all from the leftmost to the rightmost edge, and how much they look like a zone."""
    left, right = _edges(bars)
    height = float(np.mean([bar.thickness for bar in bars]))
    lines = tuple(LinePlace((left, bar.y(left)), (right, bar.y(right)), height) for bar in bars)
    length = right - left
    ragged = sum(abs(bar.left - left) + abs(bar.right - right) for bar in bars) / len(bars) / length
    spacings = length * (len(bars) - 1) / max(1.0, _spacing(bars[0], bars[-1]))
    three = len(bars) == 3
    # A line is 12 distances of lines long in a card of three lines, 14 to 18 in the other formats; prints differ by a third.
    low, high = (8.0, 16.0) if three else (11.0, 25.0)
    off_shape = max(0.0, low - spacings, spacings - high) / 8.0
    return Group(lines, length / width + 0.3 * three - 2.0 * ragged - off_shape)


def _edges(bars: Sequence[Bar]) -> tuple[float, float]:
    """Left and right end of a group: all its lines are equally long, so a cut one is as long as the others."""
    return min(bar.left for bar in bars), max(bar.right for bar in bars)


def _placed(group: Group, back: npt.NDArray[np.float64], shrink: float) -> Group:
    """The group in pixels of the whole picture; a working pixel's middle is half a pixel from its corner."""

    def whole(point: tuple[float, float]) -> tuple[float, float]:
        x, y = back @ np.array([point[0], point[1], 1.0])
        return (float(x) + 0.5) * shrink - 0.5, (float(y) + 0.5) * shrink - 0.5

    lines = tuple(LinePlace(whole(line.start), whole(line.end), line.height_px * shrink) for line in group.lines)
    return Group(lines, group.score)


def _distinct(groups: Sequence[Group]) -> Iterator[Group]:
    """Groups without those that propose the lines of a better one again."""
    kept: list[Group] = []
    for group in groups:
        if not any(_same(group, other) for other in kept):
            kept.append(group)
            yield group


def _same(one: Group, other: Group) -> bool:
    if len(one.lines) != len(other.lines):
        return False
    near = 2.0 * min(one.lines[0].height_px, other.lines[0].height_px)
    pairs = list(zip(one.lines, other.lines, strict=True))
    return all(math.dist(a.start, b.start) <= near and math.dist(a.end, b.end) <= near for a, b in pairs)
