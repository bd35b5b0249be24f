"""Finds lines of text that may be an MRZ, and their rotation. It only proposes: the recogniser decides whether it is an MRZ.

An MRZ is two or three long, thin, parallel lines of dark strokes, one below the other, with the same left edge. Bars are found on a small copy and
grouped by spacing and edges. Those with evenly spaced strokes come first: OCR-B has one pitch; other text has words, and letters of many widths.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gate.page.picture.bars import Bar, find_bars
from gate.page.values import Bools, Doubles, Floats, Grey, LinePlace

TURNED_SIDE_PX = 420
FINE_TURNED_SIDE_PX = 2 * TURNED_SIDE_PX
TURNS_MAX = 2
APART_MIN_DEG = 15
_DARK_MAX = 60  # of 255: a black frame or a photograph must not outweigh text in the search
_FINEST_PX: Final = 10.0  # grooves of security print are finer than lines of text, and would outweigh them
# Either side: lines of text are short, so they stand out over some degrees, and a pattern's over one.
_NEIGHBOURS_DEG = 2


def turn_of(copies: Copies, *, fine: bool = False) -> tuple[float, ...]:
    """Return the likeliest rotations of text in degrees clockwise, -90 to 90, best first, at most `TURNS_MAX`; `fine`: of small text.

    Along the direction of text, rows are lines or gaps; so the sums of strokes along rows differ most there. The sums along a direction
    have as their spectrum the slice of the picture's spectrum across it, so one transform serves all directions.
    """
    side_px = FINE_TURNED_SIDE_PX if fine else TURNED_SIDE_PX
    small, _ = copies.at(side_px)
    count = 1 << side_px.bit_length()  # waves of the spectrum a side
    slices_x, slices_y, difference = _slices(count)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (7, 7))
    dark = np.zeros((count, count), np.float32)
    height, width = small.shape
    dark[:height, :width] = np.minimum(cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel), _DARK_MAX)
    # A picture's spectrum is the same on both sides of its middle, so half of it, with no wave in its corner, is enough.
    waves = cv2.dft(dark, flags=cv2.DFT_COMPLEX_OUTPUT, nonzeroRows=height)[: count // 2 + 1]
    power = waves[..., 0] ** 2 + waves[..., 1] ** 2
    contrast = cv2.remap(power, slices_x, slices_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) @ difference
    contrast = np.sum([np.roll(contrast, shift) for shift in range(-_NEIGHBOURS_DEG, _NEIGHBOURS_DEG + 1)], axis=0)
    found: list[int] = []
    for turn in np.argsort(-contrast):
        if all(APART_MIN_DEG <= abs(int(turn) - other) <= 180 - APART_MIN_DEG for other in found):
            found.append(int(turn))
        if len(found) == TURNS_MAX:
            break
    return tuple(float(turn - 90) for turn in found)


@functools.cache
def _slices(count: int) -> tuple[Floats, Floats, Floats]:
    """Return the positions of a spectrum's slices, one row per degree, and a filter for differences of neighbouring rows on them."""
    turns = np.radians(np.arange(-90, 90))[:, None]
    wave = np.arange(4, count // 2 - 8)  # slower ones are shades
    finest = count / _FINEST_PX
    difference = 4 * np.sin(np.pi * wave / count) ** 2 * np.exp(-((wave / finest) ** 2))
    return (
        (-np.sin(turns) * wave % count).astype(np.float32),
        (np.cos(turns) * wave).astype(np.float32),
        difference.astype(np.float32),
    )


def turned_back(grey: Grey, turn_deg: float) -> tuple[Grey, Doubles]:
    """Return the whole picture rotated so that text turned by `turn_deg` is level, and the 2x3 matrix that maps points back."""
    height, width = grey.shape
    turn = math.radians(turn_deg)
    cosine, sine = math.cos(turn), math.sin(turn)
    new_width = max(1, math.ceil(width * abs(cosine) + height * abs(sine)))
    new_height = max(1, math.ceil(width * abs(sine) + height * abs(cosine)))
    back = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([(width - 1) / 2, (height - 1) / 2]) - back @ np.array([(new_width - 1) / 2, (new_height - 1) / 2])
    matrix = np.column_stack([back, shift])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    level = cv2.warpAffine(grey, matrix, (new_width, new_height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return level.astype(np.uint8, copy=False), matrix


class Copies:
    """A picture and smaller copies of it, each made once, because a search uses the same one for several rotations."""

    def __init__(self, grey: Grey) -> None:
        self._grey = grey
        self._made: dict[int, tuple[Grey, float]] = {}

    @property
    def side_px(self) -> int:
        """The longer side of the picture itself."""
        return int(max(self._grey.shape))

    def at(self, side_px: int) -> tuple[Grey, float]:
        """Return the copy whose longer side is at most `side_px`, and its scale in pixels of the picture."""
        height, width = self._grey.shape
        shrink = max(height, width) / side_px
        if shrink <= 1.0:
            return self._grey, 1.0
        if side_px not in self._made:
            size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
            small = cv2.resize(self._grey, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            self._made[side_px] = small, width / size[0]
        return self._made[side_px]


WORKING_SIDE_PX = 800  # a page that fills a third of the frame still has 6 px a character
FINE_SIDE_PX = 2 * WORKING_SIDE_PX  # for a page that is small in a large picture
STROKES_PX = (9, 19)  # heights of characters that are looked for, each good for half to twice of it
SCORE_MIN = 0.15  # groups below are not worth a look: too short, ragged, or of another shape than any MRZ
EVENNESS_WEIGHT = 2.0  # an MRZ in a corner of the picture, among lines of words from edge to edge, comes first
GROUPS_MAX = 3  # proposals for one picture; of 275 drawn MRZs among other text 267 were the first, and 1 came later
EVEN_MIN = 0.25  # below, only the first is worth a look: MRZs have 0.3 and more, words 0.15


@dataclass(frozen=True, slots=True)
class Group:
    """Two or three lines that may be an MRZ, topmost first; a higher `score` is likelier.

    `even`: how evenly strokes are spaced along the lines, 0 to 1.
    """

    lines: tuple[LinePlace, ...]
    score: float
    even: float


def propose(copies: Copies, *, turn_deg: float = 0.0, fine: bool = False) -> tuple[Group, ...]:
    """Return groups of lines rotated by about `turn_deg` clockwise, best first, at most `GROUPS_MAX`.

    With `fine`, those with characters half as large as usual. Positions are in pixels of the picture.
    """
    small, shrink = copies.at(FINE_SIDE_PX if fine else WORKING_SIDE_PX)
    strokes_px = STROKES_PX[:1] if fine else STROKES_PX
    back = np.eye(2, 3)
    if turn_deg:
        small, back = turned_back(small, turn_deg)
    groups: list[Group] = []
    for bars in itertools.chain.from_iterable(find_bars(small, stroke_px) for stroke_px in strokes_px):
        groups += _groups(small, bars)
    best: list[Group] = []
    for group in sorted(groups, key=lambda group: -group.score):
        if len(best) < GROUPS_MAX and not any(_same(group, better) for better in best):
            best.append(group)
    return tuple(_placed(group, back, shrink) for group in best if group is best[0] or group.even >= EVEN_MIN)


def _groups(small: Grey, bars: Sequence[Bar]) -> list[Group]:
    """Return the pairs and triples of bars with an MRZ's shape. Evenness costs more than all shapes, so it is computed only for these."""
    width = min(small.shape[1], WORKING_SIDE_PX)
    shaped = [(lines, shape) for lines in _standing(bars) if (shape := _shape(lines, width)) >= SCORE_MIN]
    wanted = list(dict.fromkeys(bar for lines, _ in shaped for bar in lines))
    even = dict(zip(wanted, evenness_of(small, wanted), strict=True))
    return [_group(lines, shape, sum(even[bar] for bar in lines) / len(lines)) for lines, shape in shaped]


def _standing(bars: Sequence[Bar]) -> Iterator[tuple[Bar, ...]]:
    """Yield every pair, and every pair with a third below it, placed like the lines of an MRZ, with none between them."""
    if not bars:
        return
    spacing, below = _below(bars)
    for one in range(len(bars)):
        below[one] &= ~below[below[one]].any(axis=0)
    under = [np.flatnonzero(row).tolist() for row in below]
    for one, others in enumerate(under):
        for other in others:
            yield bars[one], bars[other]
            for third in under[other]:
                if 0.75 <= spacing[other, third] / spacing[one, other] <= 1.33:
                    yield bars[one], bars[other], bars[third]


def _below(bars: Sequence[Bar]) -> tuple[Doubles, Bools]:
    """Return for each pair of bars the distance below, and whether it can be the next line: as long, as thick, parallel, at a line's distance."""
    left, right, start, slope, thickness = np.array(
        [(bar.left, bar.right, bar.a, bar.b, bar.thickness) for bar in bars]
    ).T
    inner_left, inner_right = np.maximum.outer(left, left), np.minimum.outer(right, right)
    middle = (inner_left + inner_right) / 2
    fall = start + slope * middle - (start[:, None] + slope[:, None] * middle)
    spacing = fall / np.hypot(1.0, slope)[:, None]
    height = np.add.outer(thickness, thickness) / 2
    long = inner_right - inner_left >= 0.6 * np.maximum.outer(right - left, right - left)
    parallel = np.abs(np.subtract.outer(slope, slope)) <= 0.06
    alike = np.minimum.outer(thickness, thickness) >= 0.55 * np.maximum.outer(thickness, thickness)
    # Lines are 2.5 characters apart (ICAO 9303-3 §4.4 with 9303-4 figures); bars are 0.8 to 1.5 characters thick.
    near = (1.15 * height <= spacing) & (spacing <= 4.2 * height)
    return spacing, long & parallel & alike & near


def _shape(bars: tuple[Bar, ...], width: int) -> float:
    """Return how much the bars resemble the lines of an MRZ by position alone."""
    left, right = _edges(bars)
    length = right - left
    ragged = sum(abs(bar.left - left) + abs(bar.right - right) for bar in bars) / len(bars) / length
    upper, lower = bars[0], bars[-1]
    middle = (max(upper.left, lower.left) + min(upper.right, lower.right)) / 2
    spacing = (lower.y(middle) - upper.y(middle)) / math.hypot(1.0, upper.b)
    spacings = length * (len(bars) - 1) / max(1.0, spacing)
    three = len(bars) == 3
    # A line is 12 distances of lines long in a card of three lines, 14 to 18 in the other formats; prints differ by a third.
    low, high = (8.0, 16.0) if three else (11.0, 25.0)
    off_shape = max(0.0, low - spacings, spacings - high) / 8.0
    return length / width + 0.3 * three - 2.0 * ragged - off_shape


def _group(bars: tuple[Bar, ...], shape: float, even: float) -> Group:
    """The lines of a group, all from the leftmost to the rightmost edge."""
    left, right = _edges(bars)
    height = sum(bar.thickness for bar in bars) / len(bars)
    lines = tuple(LinePlace((left, bar.y(left)), (right, bar.y(right)), height) for bar in bars)
    return Group(lines, shape + EVENNESS_WEIGHT * even, even)


def _edges(bars: Sequence[Bar]) -> tuple[float, float]:
    """Return the left and right end of a group: its lines are equally long, so a cut one extends as far as the others."""
    return min(bar.left for bar in bars), max(bar.right for bar in bars)


def _placed(group: Group, back: Doubles, shrink: float) -> Group:
    """Return the group in pixels of the whole picture; a working pixel's middle is half a pixel from its corner."""

    def whole(point: tuple[float, float]) -> tuple[float, float]:
        x, y = back @ np.array([point[0], point[1], 1.0])
        return (float(x) + 0.5) * shrink - 0.5, (float(y) + 0.5) * shrink - 0.5

    lines = tuple(LinePlace(whole(line.start), whole(line.end), line.height_px * shrink) for line in group.lines)
    return Group(lines, group.score, group.even)


def _same(one: Group, other: Group) -> bool:
    if len(one.lines) != len(other.lines):
        return False
    near = 2.0 * min(one.lines[0].height_px, other.lines[0].height_px)
    pairs = list(zip(one.lines, other.lines, strict=True))
    return all(math.dist(a.start, b.start) <= near and math.dist(a.end, b.end) <= near for a, b in pairs)


# Along a bar: 30 to 44 characters, less what was not located, more for what touches it.
TEETH_MIN, TEETH_MAX = 18.0, 52.0
_ROWS = np.array([-0.4, 0.0, 0.4], np.float32)  # of the bar's thickness, that are looked at
_SPREAD = 0.08  # of the pitch: perspective makes one end's finer
_WAVES = 1024  # of the spectrum; a working picture is hardly wider
_TEETH = np.arange(TEETH_MIN, TEETH_MAX, 0.5)
_SLOWEST = 5.0  # waves along a bar that are shades of the paper rather than strokes


def evenness_of(small: Grey, bars: Sequence[Bar]) -> list[float]:
    """Return for each bar the share of its variation that has one pitch: about 0.5 in an MRZ, 0.15 in words."""
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


def _of_one_pitch(upto: Doubles, a_wave: float) -> float:
    """Return the share from the power up to each wave of the spectrum; `a_wave`: number of its waves per wave along the bar."""
    last = len(upto) - 1
    strokes = upto[-1] - upto[min(last, round(_SLOWEST * a_wave))]
    first = np.minimum(np.round(_TEETH * a_wave * (1 - _SPREAD)).astype(np.int64), last)
    behind = np.minimum(np.round(_TEETH * a_wave * (1 + _SPREAD)).astype(np.int64) + 1, last)
    return float((upto[behind] - upto[first]).max() / max(float(strokes), 1e-9))


_taper = functools.lru_cache(maxsize=_WAVES)(np.hanning)


def _profile(small: Grey, bar: Bar) -> Floats:
    """Return the grey values along the bar without slow shades; single marks are limited to the size of strokes."""
    along = np.linspace(bar.left, bar.right, min(_WAVES, max(8, round(bar.right - bar.left))), dtype=np.float32)
    across = _ROWS[:, None] * np.float32(bar.thickness)
    x, y = along - across * np.float32(bar.b), np.float32(bar.a) + np.float32(bar.b) * along + across
    grey = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).mean(axis=0)
    grey = grey - cv2.blur(grey[None, :], (max(3, len(grey) // 10), 1))[0]
    limit = 2.5 * float(grey.std())
    return np.asarray(np.clip(grey, -limit, limit), np.float32)
