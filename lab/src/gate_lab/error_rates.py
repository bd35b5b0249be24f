"""Error rates of a comparison over a set of pictures: FNMR at fixed FMR, EER, thresholds, the DET curve.

Pure arithmetic on similarity scores; the caller reads pictures and runs models. Terms are those of ISO/IEC 19795-1: FMR
is the share of impostor pairs at or over a threshold, FNMR the share of genuine pairs under it. In each pair the
earlier picture is used as the chip's portrait, the later one as the lane's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gate.face.values import Template
from models.cohort import Cohort

FMR_POINTS = (1e-2, 1e-3, 1e-4)
DET_POINTS = 200
TOP_PAIRS = 50  # pairs of different people, for a person to inspect
_ROWS_AT_ONCE = 256
# The part of the impostor pairs whose identities are kept: three times the largest FMR point, since resampling moves thresholds.
_TAIL = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """The scores of all pairs of a set. Identities are numbers, in the order of their names.

    `genuine` and `genuine_of` have the same order: score and identity of each pair. `impostor` is in falling order. `tail` is
    its highest part, falling, with the two identities of each pair in `tail_of`, (n, 2); `top` has the two pictures of the
    first `TOP_PAIRS` pairs, as numbers in the order given. `pictures` counts the pictures of each identity.
    """

    genuine: npt.NDArray[np.float32]
    genuine_of: npt.NDArray[np.intp]
    impostor: npt.NDArray[np.float32]
    tail: npt.NDArray[np.float32]
    tail_of: npt.NDArray[np.intp]
    pictures: npt.NDArray[np.intp]
    top: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty((0, 2), np.intp))


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """The result of `rates`. The lists have the order of `FMR_POINTS`; an entry is None with too few impostor pairs to measure it."""

    genuine: int
    impostor: int
    eer: float
    fnmr: tuple[float | None, ...]
    threshold: tuple[float | None, ...]


def compare_all(portraits: Sequence[Template], frames: Sequence[Template], identities: Sequence[str]) -> Comparisons:
    """Compare the portrait of every picture with the frame of every later one; the three lists have the same order.

    Raises ValueError unless one identity has two pictures and there are two identities.
    """
    codes = np.unique(np.asarray(identities), return_inverse=True)[1]
    blocks = _Blocks(
        np.array([template.vector for template in portraits]),
        np.array([template.vector for template in frames]),
        codes,
        frames[0].cohort if frames else None,
    )
    genuine, genuine_of, impostor = blocks.scores()
    if not genuine.size or not impostor.size:
        raise ValueError("error rates need two pictures of one identity and two identities at least")
    impostor = np.sort(impostor)[::-1]
    tail, pair_of = blocks.impostors_from(
        impostor[min(impostor.size - 1, max(TOP_PAIRS - 1, int(_TAIL * impostor.size)))]
    )
    return Comparisons(
        genuine, genuine_of, impostor, tail, codes[pair_of], np.bincount(codes), pair_of[:TOP_PAIRS].copy()
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Iterates over the matrix of scores, several rows at a time."""

    portraits: npt.NDArray[np.float32]
    frames: npt.NDArray[np.float32]
    codes: npt.NDArray[np.intp]
    cohort: Cohort | None = None

    def scores(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Return the genuine scores, the identity of each, and the impostor scores."""
        genuine, genuine_of, impostor = [], [], []
        columns = np.arange(len(self.codes))
        for start in range(0, len(self.codes), _ROWS_AT_ONCE):
            rows, scores, later, same = self._block(columns, start)
            genuine.append(scores[later & same])
            genuine_of.append(np.broadcast_to(self.codes[rows][:, None], scores.shape)[later & same])
            impostor.append(scores[later & ~same])
        if not impostor:
            nothing = np.empty(0, np.float32)
            return nothing, np.empty(0, np.intp), nothing
        return np.concatenate(genuine), np.concatenate(genuine_of), np.concatenate(impostor)

    def impostors_from(self, bound: np.float32) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
        """Return the impostor scores of `bound` or more, falling, and the two pictures of each."""
        found, found_of = [], []
        columns = np.arange(len(self.codes))
        for start in range(0, len(self.codes), _ROWS_AT_ONCE):
            rows, scores, later, same = self._block(columns, start)
            row, column = np.nonzero(later & ~same & (scores >= bound))
            found.append(scores[row, column])
            found_of.append(np.stack((rows[row], column), axis=1))
        values = np.concatenate(found)
        falling = np.argsort(-values, kind="stable")
        return values[falling], np.concatenate(found_of)[falling]

    def _block(
        self, columns: npt.NDArray[np.intp], start: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        rows = columns[start : start + _ROWS_AT_ONCE]
        scores = self.portraits[rows] @ self.frames.T
        if self.cohort is not None:
            scores = self.cohort.seen(
                scores, self.cohort.standing(self.portraits[rows]), self.cohort.standing(self.frames)
            )
        return rows, scores, columns[None, :] > rows[:, None], self.codes[rows][:, None] == self.codes[None, :]


def rates(compared: Comparisons) -> ErrorRates:
    """Compute the error rates."""
    rising = np.sort(compared.genuine)
    thresholds = [threshold_at(compared.impostor, fmr) for fmr in FMR_POINTS]
    return ErrorRates(
        genuine=int(rising.size),
        impostor=int(compared.impostor.size),
        eer=_equal_error_rate(rising, compared.impostor[::-1]),
        fnmr=tuple(None if bound is None else _fnmr_at(rising, bound) for bound in thresholds),
        threshold=tuple(thresholds),
    )


def det_curve(compared: Comparisons) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return FMR and FNMR over thresholds, at most `DET_POINTS` of each, from the smallest FMR that the pairs can show to 1."""
    count = compared.impostor.size
    allowed = np.unique(np.geomspace(1, count, DET_POINTS).astype(np.intp))
    thresholds = compared.impostor[allowed - 1]
    fnmr = np.searchsorted(np.sort(compared.genuine), thresholds, side="left") / compared.genuine.size
    return allowed / count, fnmr


def threshold_at(impostor_falling: npt.NDArray[np.float32], fmr: float) -> float | None:
    """Return the lowest threshold that at most the share `fmr` of the impostor scores reach."""
    allowed = int(np.floor(fmr * impostor_falling.size))
    if allowed < 1 or allowed >= impostor_falling.size:
        return None
    return float(np.nextafter(impostor_falling[allowed], np.float32(2)))


def _fnmr_at(genuine_rising: npt.NDArray[np.float32], threshold: float) -> float:
    return float(np.searchsorted(genuine_rising, np.float32(threshold), side="left") / genuine_rising.size)


def _equal_error_rate(genuine_rising: npt.NDArray[np.float32], impostor_rising: npt.NDArray[np.float32]) -> float:
    """Return the rate where FMR and FNMR cross, with the genuine scores as thresholds."""
    fnmr = np.arange(genuine_rising.size) / genuine_rising.size
    fmr = 1.0 - np.searchsorted(impostor_rising, genuine_rising, side="left") / impostor_rising.size
    at = int(np.argmin(np.abs(fnmr - fmr)))
    return float((fnmr[at] + fmr[at]) / 2)
