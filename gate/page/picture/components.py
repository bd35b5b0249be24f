"""Components of a mask that may be lines of text, and what each has in every column; all of them in one pass.

A page of text has a hundred components in each of a dozen masks, so nothing here goes through the pixels of one component: a mask's
columns are runs, far fewer than pixels, and a component's pixels in a column are the sum of its runs there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
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
    tall = cv2.transpose(mask)  # so that columns are read along, and their runs come from left to right
    count, labels = cv2.connectedComponentsWithAlgorithm(tall, 8, cv2.CV_32S, cv2.CCL_BBDT)
    runs = _runs(tall)
    of = np.asarray(labels, np.int32).reshape(-1)[runs.at]
    left, right = np.zeros(count, np.int64), np.zeros(count, np.int64)
    left[of[::-1]] = runs.column[::-1]  # of several the last one stays
    right[of] = runs.column + 1
    wide = np.flatnonzero(right - left >= width_min_px)
    chosen = wide[np.argsort(left[wide] - right[wide])][:count_max]
    rank = np.full(count, -1)
    rank[chosen] = np.arange(len(chosen))
    where = rank[of] * mask.shape[1] + runs.column
    kept = np.flatnonzero(where >= 0)
    where, length = where[kept], runs.length[kept].astype(np.float64)
    middle = runs.top[kept] + (length - 1) / 2
    shape = (len(chosen), mask.shape[1])
    pixels = np.bincount(where, weights=length, minlength=shape[0] * shape[1]).reshape(shape)
    moment = np.bincount(where, weights=length * middle, minlength=shape[0] * shape[1]).reshape(shape)
    return _columns(
        (left[chosen], right[chosen]), np.asarray(pixels, np.float64), np.asarray(moment, np.float64), columns_max
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs of ones in the columns of a mask, from left to right: in which column, from which row, how long, and where in the tall mask, flat."""

    column: npt.NDArray[np.int64]
    top: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]


def _runs(tall: npt.NDArray[Any]) -> _Runs:
    framed = cv2.copyMakeBorder(tall, 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    begins = _ones(cv2.subtract(framed[:, 1:], framed[:, :-1]))
    ends = _ones(cv2.subtract(framed[:, :-1], framed[:, 1:]))
    column = begins // (tall.shape[1] + 1)
    at = begins - column
    return _Runs(column, at - column * tall.shape[1], ends - begins, at)


def _ones(mask: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where a mask of 0 and 1 is 1, in flat numbers; as truths, which are looked for eight at a time."""
    return np.flatnonzero(mask.view(np.bool_))


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
