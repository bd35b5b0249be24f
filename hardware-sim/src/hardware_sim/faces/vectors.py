"""Array types and vector operations that the modules of this package share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def floats(values: ArrayLike) -> Floats:
    """Return values as float32."""
    return np.asarray(values, np.float32)


def unit(vectors: ArrayLike) -> Floats:
    """Return vectors, (3,) or (n, 3), scaled to length 1."""
    given = floats(vectors)
    return floats(given / np.maximum(np.linalg.norm(given, axis=-1, keepdims=True), 1e-9))


def rotation(*, yaw: float, pitch: float, roll: float = 0.0) -> Floats:
    """Return the rotation, (3, 3), by angles in degrees: yaw to the picture's right, pitch up, roll clockwise."""
    yaw, pitch, roll = np.radians([yaw, -pitch, -roll])
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return floats(about_z @ about_y @ about_x)


def ramp(values: ArrayLike, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth rise in between."""
    share = np.clip((floats(values) - low) / (high - low), 0, 1)
    return floats(share * share * (3 - 2 * share))
