"""A z-buffer in numpy: triangles in, for each pixel the nearest triangle and where in it.

All triangles of a call are expanded into candidate pixels at once, so there is no Python loop over triangles. Knows
nothing of faces, colours or light. Interpolation is affine within a triangle, which is exact enough for triangles of
a few pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware_sim.faces.vectors import Floats, Ints


@dataclass(frozen=True)
class Fragments:
    """Covered pixels, one row a candidate: flat pixel index, triangle row, barycentric weights (n, 3), depth."""

    pixel: Ints
    triangle: Ints
    weights: Floats
    depth: Floats

    def take(self, rows: Ints | NDArray[np.bool_]) -> Fragments:
        """Return the fragments at `rows`, or where a mask of rows is true."""
        return Fragments(self.pixel[rows], self.triangle[rows], self.weights[rows], self.depth[rows])

    def interpolate(self, values: Floats) -> Floats:
        """Return corner values (T, 3, k) at each fragment, (n, k)."""
        result: Floats = np.einsum("nc,nck->nk", self.weights, values[self.triangle])
        return result


def fragments(screen: Floats, triangles: Ints, *, width_px: int, height_px: int, cull: bool = True) -> Fragments:
    """Return every pixel centre inside every triangle. `screen` is (V, 3): x and y in pixels (y down), and depth.

    `cull` drops triangles that are seen from behind (clockwise in the mesh as we look at it).
    """
    corners = screen[triangles]  # (T, 3, 3)
    x, y = corners[..., 0], corners[..., 1]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    left = np.clip(np.ceil(x.min(1) - 0.5), 0, width_px).astype(np.int64)
    right = np.clip(np.floor(x.max(1) - 0.5) + 1, 0, width_px).astype(np.int64)
    top = np.clip(np.ceil(y.min(1) - 0.5), 0, height_px).astype(np.int64)
    bottom = np.clip(np.floor(y.max(1) - 0.5) + 1, 0, height_px).astype(np.int64)
    box_width = np.maximum(right - left, 0)
    count = box_width * np.maximum(bottom - top, 0)
    facing = (area < -1e-9) if cull else (np.abs(area) > 1e-9)
    rows = np.flatnonzero(facing & (count > 0))

    count = count[rows]
    triangle = np.repeat(rows, count)
    local = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    px = left[triangle] + local % box_width[triangle]
    py = top[triangle] + local // box_width[triangle]

    cx, cy = px + np.float32(0.5), py + np.float32(0.5)
    x0, y0 = x[triangle, 0], y[triangle, 0]
    inverse = 1 / area[triangle]
    w1 = ((cx - x0) * (y[triangle, 2] - y0) - (x[triangle, 2] - x0) * (cy - y0)) * inverse
    w2 = ((x[triangle, 1] - x0) * (cy - y0) - (cx - x0) * (y[triangle, 1] - y0)) * inverse
    inside = (w1 >= 0) & (w2 >= 0) & (w1 + w2 <= 1)
    triangle, w1, w2 = triangle[inside], w1[inside], w2[inside]
    weights = np.stack([1 - w1 - w2, w1, w2], axis=1).astype(np.float32)
    depth = np.einsum("nc,nc->n", weights, corners[triangle, :, 2]).astype(np.float32)
    return Fragments((py * width_px + px)[inside], triangle, weights, depth)


def nearest(pixel: Ints, depth: Floats, *, pixels: int) -> Ints:
    """Return for each of `pixels` pixels the row of its nearest fragment, or -1."""
    closest = np.full(pixels, np.inf, np.float32)
    np.minimum.at(closest, pixel, depth)
    rows = np.flatnonzero(depth == closest[pixel])
    winner = np.full(pixels, -1, np.int64)
    winner[pixel[rows]] = rows
    return winner
