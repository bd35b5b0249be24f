"""Error rates of a chain over a folder of pictures: FNMR at fixed FMR, EER, thresholds.

Pure arithmetic on similarity scores; reading pictures and running models is the caller's. Terms are ISO/IEC 19795-1's:
FMR, the part of impostor pairs at or over a threshold; FNMR, the part of genuine pairs under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gate.face.values import Template

FMR_POINTS = (1e-2, 1e-3, 1e-4)
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """What `rates` finds. The lists go with `FMR_POINTS`; a point is None with too few impostor pairs to show it."""

    genuine: int
    impostor: int
    eer: float
    fnmr: tuple[float | None, ...]
    threshold: tuple[float | None, ...]


def pair_scores(
    templates: Sequence[Template], identities: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Compare every template with every later one: genuine scores, impostor scores."""
    vectors = np.stack([template.vector for template in templates])
    codes = np.unique(np.asarray(identities), return_inverse=True)[1]
    genuine: list[npt.NDArray[np.float32]] = []
    impostor: list[npt.NDArray[np.float32]] = []
    columns = np.arange(len(vectors))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = columns[start : start + _ROWS_AT_ONCE]
        scores = vectors[rows] @ vectors.T
        later = columns[None, :] > rows[:, None]
        same = codes[rows][:, None] == codes[None, :]
        genuine.append(scores[later & same])
        impostor.append(scores[later & ~same])
    return np.concatenate(genuine), np.concatenate(impostor)


def rates(genuine: npt.NDArray[np.float32], impostor: npt.NDArray[np.float32]) -> ErrorRates:
    """Compute the error rates. Raises ValueError without a genuine or an impostor pair."""
    if not genuine.size or not impostor.size:
        raise ValueError("error rates need two pictures of one identity and two identities at least")
    genuine, impostor = np.sort(genuine), np.sort(impostor)[::-1]
    thresholds = [_threshold_at(impostor, fmr) for fmr in FMR_POINTS]
    return ErrorRates(
        genuine=int(genuine.size),
        impostor=int(impostor.size),
        eer=_equal_error_rate(genuine, impostor[::-1]),
        fnmr=tuple(None if bound is None else _fnmr_at(genuine, bound) for bound in thresholds),
        threshold=tuple(thresholds),
    )


def _threshold_at(impostor_falling: npt.NDArray[np.float32], fmr: float) -> float | None:
    """The lowest threshold that at most the part `fmr` of the impostor scores reach."""
    allowed = int(np.floor(fmr * impostor_falling.size))
    if allowed < 1 or allowed >= impostor_falling.size:
        return None
    return float(np.nextafter(impostor_falling[allowed], np.float32(2)))


def _fnmr_at(genuine_rising: npt.NDArray[np.float32], threshold: float) -> float:
    return float(np.searchsorted(genuine_rising, np.float32(threshold), side="left") / genuine_rising.size)


def _equal_error_rate(genuine_rising: npt.NDArray[np.float32], impostor_rising: npt.NDArray[np.float32]) -> float:
    """Where FMR and FNMR cross, taken over the genuine scores as thresholds."""
    fnmr = np.arange(genuine_rising.size) / genuine_rising.size
    fmr = 1.0 - np.searchsorted(impostor_rising, genuine_rising, side="left") / impostor_rising.size
    at = int(np.argmin(np.abs(fnmr - fmr)))
    return float((fnmr[at] + fmr[at]) / 2)
