"""Array types and the two or three vector operations that every module of this package needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def floats(values: ArrayLike) -> Floats:
    """Return values as float32."""
    return np.asarray(values, np.float32)


def unit(vectors: ArrayLike) -> Floats:
    """Return vectors, (3,) or (n, 3), at length 1."""
    given = floats(vectors)
    return floats(given / np.maximum(np.linalg.norm(given, axis=-1, keepdims=True), 1e-9))


def ramp(values: ArrayLike, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    share = np.clip((floats(values) - low) / (high - low), 0, 1)
    return floats(share * share * (3 - 2 * share))
