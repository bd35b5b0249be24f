"""From frames of probabilities to the cells of a line. OCR-B has a fixed pitch, so characters are on a grid.

Peaks of "a character is here" are numbered from left to right by their distances, a grid is fitted to them (quadratic, since perspective squeezes one
end, or cubic, since a bent page squeezes both) and cut to exactly 30, 36 or 44 cells: a missing peak keeps its cell and a false one gets none.
"""

from dataclasses import dataclass

import numpy as np

from gate.page.values import FRAMES, Doubles, Floats, Ints

LENGTHS = (30, 36, 44)
OFFSETS_MAX = 3  # cuts of one grid to one length that are worth weighing
PEAK_MIN = 0.25
STEPS_MIN = 8  # of the usual width, to determine a pitch
PEAKS_SHARE_MIN = 0.6  # of the cells of a line that must be peaks, or it is no line
RESIDUAL_MAX = 0.22  # of a pitch, root mean square: training labels reach 0.3 about a middle
BENT_MIN = 0.08  # of a pitch: drawn flat pages stay below
BENT_PEAKS_MIN = 24  # a cubic through fewer predicts little of the characters beside them
PITCH_MIN, PITCH_MAX = 3.0, 7.0  # frames a character: 44 or 30 characters with margins of up to 2.6
_CHARACTER_DOUBT = 1e-3  # a sure character beside a cut may still be a mark on the page
_REACH = 0.5  # of a pitch: frames so near a cell's middle speak for the cell


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A line cut to `len(centres)` cells.

    `centres`: frames, fractional; `probabilities`: (n, 37) in the order of ALPHABET, each row summing to the
    probability of any character there; `left_out`: the amount of characters beside the grid; `residual`: root mean
    square distance of peaks from the grid in pitches.
    """

    centres: Doubles
    probabilities: Doubles
    left_out: float
    residual: float

    @property
    def pitch(self) -> float:
        """Mean distance of two characters, in frames."""
        return float(self.centres[-1] - self.centres[0]) / (len(self.centres) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Positions of characters: the frame as a polynomial of the integer k from `first` to `last`."""

    coefficients: Doubles  # highest power first, as numpy.polyval wants them
    first: int
    last: int
    residual: float

    def centre(self, index: Ints) -> Doubles:
        """Return a character's frame."""
        return np.asarray(np.polyval(self.coefficients, index.astype(np.float64)), np.float64)


Cuts = dict[int, tuple[Cells, ...]]  # by length, best cut first; a length that a line cannot have is left out


def decode(frames: Floats) -> Cuts:
    """Cut one line's (176, 38) log-probabilities to each length; empty when it has no characters on a grid."""
    probabilities = np.exp(frames.astype(np.float64))
    ink = 1.0 - probabilities[:, 0]
    grid = fit_grid(ink)
    if grid is None:
        return {}
    cuts = {length: _cuts(probabilities, grid, length) for length in LENGTHS}
    return {length: found for length, found in cuts.items() if found}


def fit_grid(ink: Doubles) -> Grid | None:
    """Fit a grid to the peaks of `ink`; None if they are on none."""
    places, weights = _peaks(ink)
    if len(places) < PEAKS_SHARE_MIN * LENGTHS[0]:
        return None
    pitch = _pitch(places)
    return None if pitch is None else _laid(places, weights, _numbered(places, pitch))


def _laid(places: Doubles, weights: Doubles, numbers: Ints) -> Grid | None:
    """Return the grid through numbered peaks by least squares; outlying peaks are renumbered or dropped."""
    for _ in range(3):
        coefficients, off = _least_squares(places, weights, numbers)
        step = np.round(off).astype(np.int64)
        near = np.abs(off) <= max(0.25, 2.5 * float(np.median(np.abs(off))))
        if step.any():
            numbers = numbers + step
        elif near.all() or near.sum() < 0.7 * len(near):
            break
        else:
            places, weights, numbers = places[near], weights[near], numbers[near]
    coefficients, off = _least_squares(places, weights, numbers)
    residual = float(np.sqrt(np.average(off**2, weights=weights)))
    first, last = int(np.min(numbers)), int(np.max(numbers))
    if residual > RESIDUAL_MAX or len(places) < PEAKS_SHARE_MIN * (last - first + 1):
        return None
    return Grid(coefficients, first, last, residual)


def _least_squares(places: Doubles, weights: Doubles, numbers: Ints, degree: int = 2) -> tuple[Doubles, Doubles]:
    """Return the quadratic through the peaks, or a cubic if that fits unevenly, and each peak's distance in pitches."""
    coefficients = np.polyfit(numbers, places, degree, w=np.sqrt(weights))
    local = np.maximum(np.polyval(np.polyder(coefficients), numbers), 1.0)
    off = (places - np.polyval(coefficients, numbers)) / local
    if degree == 3 or len(places) < BENT_PEAKS_MIN or float(np.sqrt(np.mean(off**2))) <= BENT_MIN:
        return coefficients, off
    return _least_squares(places, weights, numbers, degree=3)


def _peaks(ink: Doubles) -> tuple[Doubles, Doubles]:
    """Places, to a fraction of a frame, and heights of the local maxima of `ink`."""
    padded = np.pad(ink, 1)
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    around = np.pad(smooth, 1)
    top = (smooth >= around[:-2]) & (smooth > around[2:]) & (smooth >= PEAK_MIN)
    at = np.flatnonzero(top)
    left, middle, right = around[at], around[at + 1], around[at + 2]
    bend = left - 2 * middle + right
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (left - right) / np.where(bend == 0, 1.0, bend), 0.0)
    return at.astype(np.float64) + np.clip(shift, -0.5, 0.5), smooth[at]


def _pitch(places: Doubles) -> float | None:
    """Return the usual distance of neighbours, in frames: the mean of those near the median."""
    steps = np.diff(places)
    usual = steps[(steps >= PITCH_MIN * 0.8) & (steps <= PITCH_MAX * 1.2)]
    if len(usual) < max(STEPS_MIN, len(steps) // 2):
        return None
    median = float(np.median(usual))
    near = usual[np.abs(usual - median) <= 0.25 * median]
    if len(near) < STEPS_MIN:
        return None
    pitch = float(near.mean())
    return pitch if PITCH_MIN <= pitch <= PITCH_MAX else None


def _numbered(places: Doubles, pitch: float) -> Ints:
    """Number the peaks by whole steps; the pitch follows the latest ones, because perspective changes it slowly."""
    numbers = np.zeros(len(places), np.int64)
    for index in range(1, len(places)):
        step = places[index] - places[index - 1]
        whole = round(step / pitch)
        numbers[index] = numbers[index - 1] + whole
        if whole == 1:
            pitch += 0.08 * (step - pitch)
    return numbers


def _cuts(probabilities: Doubles, grid: Grid, length: int) -> tuple[Cells, ...]:
    """Return the likeliest ways to put `length` cells on the grid: every cell inked, little ink beside them."""
    span = grid.last - grid.first + 1
    if not -4 <= length - span <= 0.4 * length:
        return ()
    slack = length - span
    starts = range(grid.first - max(0, slack) - 1, grid.first + max(0, -slack) + 2)
    wide = np.arange(starts[0] - 3, starts[-1] + length + 3)
    ink = 1.0 - probabilities[:, 0]
    height = np.interp(grid.centre(wide), np.arange(FRAMES), ink, left=0.0, right=0.0)
    scored = [(float(height[start - wide[0] : start - wide[0] + length].sum()), start) for start in starts]
    against = -np.log(np.maximum(1.0 - height, _CHARACTER_DOUBT))
    cuts = []
    for _, start in sorted(scored, reverse=True)[:OFFSETS_MAX]:
        inside = slice(start - wide[0], start - wide[0] + length)
        cut = _cells(probabilities, grid, start, length, left_out=float(against.sum() - against[inside].sum()))
        if cut is not None:
            cuts.append(cut)
    return tuple(cuts)


def _cells(probabilities: Doubles, grid: Grid, start: int, length: int, *, left_out: float) -> Cells | None:
    """Collect the probabilities around each cell's middle. None if the grid folds back or extends far beyond the strip."""
    centres = grid.centre(np.arange(start, start + length))
    steps = np.diff(centres)
    if np.min(steps) < 0.6 * steps.mean() or centres[0] < -2 * steps[0] or centres[-1] > FRAMES + 2 * steps[-1]:
        return None
    distance = np.abs(np.arange(FRAMES)[None, :] - centres[:, None]) / np.gradient(centres)[:, None]
    weight = np.clip(1.0 - distance / _REACH, 0.0, None)
    ink = 1.0 - probabilities[:, 0]
    surely = np.max(np.where(weight > 0, ink[None, :], 0.0), axis=1)
    said = weight @ probabilities[:, 1:]
    shares = said / np.maximum(said.sum(axis=1, keepdims=True), 1e-12)
    return Cells(centres, shares * surely[:, None], left_out, grid.residual)
