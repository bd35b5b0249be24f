"""Components of a mask that may be lines of text, and what each has in every column; all of them in one pass.

A page of text has a hundred components in each of a dozen masks, so nothing here goes through the pixels of one component: a mask's
columns are runs, each of which begins and ends once, and a component's pixels in a column are sums over beginnings and ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.page.values import Grey


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Components, the widest first.

    `left` and `right` (one past the last) are columns of the mask, `thickness` is pixels a column, (n,) each. `columns` and `middles`, (n, m),
    are some columns of each, from its left, and where its pixels' middle is in them; `there` is False where a row has no more.
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    thickness: npt.NDArray[np.float64]
    columns: npt.NDArray[np.float64]
    middles: npt.NDArray[np.float64]
    there: npt.NDArray[np.bool_]


def widest(mask: Grey, *, width_min_px: int, count_max: int, columns_max: int) -> Components:
    """Components of what is 1 in a mask of 0 and 1, at least so wide; of each every second, third … column if it has twice, thrice … `columns_max`."""
    count, labels = cv2.connectedComponentsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_BBDT)
    width = mask.shape[1]
    framed = cv2.copyMakeBorder(mask, 1, 1, 0, 0, cv2.BORDER_CONSTANT, value=(0,))
    begins = _ones(cv2.subtract(framed[1:], framed[:-1]))  # where a run's first pixel is
    ends = _ones(cv2.subtract(framed[:-1], framed[1:]))  # where the first pixel under a run is
    flat = np.asarray(labels, np.int32).reshape(-1)
    of_begin, of_end = flat[begins], flat[ends - width]
    left, right = _reach(of_begin, begins % width, count)
    wide = np.flatnonzero(right - left >= width_min_px)
    chosen = wide[np.argsort(left[wide] - right[wide])][:count_max]
    rank = np.full(count, -1)
    rank[chosen] = np.arange(len(chosen))
    shape = (len(chosen), width)
    upto, upto_moment = _sums(rank[of_end], ends, shape)
    before, before_moment = _sums(rank[of_begin], begins, shape)
    return _columns((left[chosen], right[chosen]), upto - before, upto_moment - before_moment, columns_max)


def _ones(mask: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where a mask of 0 and 1 is 1, in flat numbers; as truths, which are looked for eight at a time."""
    return np.flatnonzero(mask.view(np.bool_))


def _reach(
    of_begin: npt.NDArray[np.int32], column: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first column of each component and the one past its last; the background, which is none, has no width."""
    left, right = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(left, of_begin, column)
    np.maximum.at(right, of_begin, column + 1)
    left[0] = right[0]
    return left, right


def _sums(
    rank: npt.NDArray[np.int64], at: npt.NDArray[np.int64], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each component and column: how many pixels lie above these ends of runs, and the sum of those pixels' rows."""
    kept = np.flatnonzero(rank >= 0)
    row, column = np.divmod(at[kept], shape[1])
    where = rank[kept] * shape[1] + column
    size = shape[0] * shape[1]
    pixels = np.bincount(where, weights=row.astype(np.float64), minlength=size)
    moment = np.bincount(where, weights=row * (row - 1) / 2.0, minlength=size)
    return np.asarray(pixels.reshape(shape), np.float64), np.asarray(moment.reshape(shape), np.float64)


def _columns(
    reach: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    pixels: npt.NDArray[np.float64],
    moment: npt.NDArray[np.float64],
    columns_max: int,
) -> Components:
    left, right = reach
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
