"""Hair as strands: scalp, brows and beard of one person, grown from the mesh in three dimensions.

A strand is a polyline of `SEGMENTS` + 1 points. Roots are drawn at random on the mesh, densest where the style says;
each strand then walks from its root along a comb direction, bends with gravity and stays outside the head. Everything
is a pure function of shape, style and seed. Leaves colour and light to `render`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.faces.vectors import Floats, floats, unit
from renderer import mesh
from renderer.shell import Shell
from renderer.styles import beard_density, brow_density, brow_line, scalp_density

if TYPE_CHECKING:
    from collections.abc import Callable

    from renderer.styles import Beard, Brows, Style

SEGMENTS = 14

_TRIES = 60  # places tried for each root wanted; brows cover about a fiftieth of their band


@dataclass(frozen=True)
class Strands:
    """`points` (n, SEGMENTS + 1, 3) from root to tip, and `shade` (n,), the brightness about 1."""

    points: Floats
    shade: Floats


class Grower:
    """Grows strands on one deformed head."""

    def __init__(self, positions: Floats, *, seed: int) -> None:
        base = mesh.base_mesh()
        self._triangles = base.skin
        self._rest = base.rest
        self._positions = positions
        self._normals = mesh.normals(positions, base.skin)
        self._random = np.random.default_rng(seed)
        self._shell = Shell(positions)

    # ── roots ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _roots(
        self, density: Callable[[Floats], Floats], count: int, *, above_y: float, below_y: float = 9.0
    ) -> tuple[Floats, Floats, Floats]:
        """Draw up to `count` roots as dense as `density` of their rest places allows; returns rest places, places, normals.

        Looks between two heights only. Fewer roots come back where the area is small.
        """
        height = self._rest[self._triangles][..., 1]
        triangles = self._triangles[(height.max(1) > above_y) & (height.min(1) < below_y)]
        corners = self._positions[triangles]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        chosen = triangles[self._random.choice(len(area), _TRIES * count, p=area / area.sum())]
        a, b = self._random.random((2, len(chosen))).astype(np.float32)
        flip = a + b > 1
        a, b = np.where(flip, 1 - a, a), np.where(flip, 1 - b, b)
        bary = np.stack([1 - a - b, a, b], axis=1)
        rest = np.einsum("nc,nck->nk", bary, self._rest[chosen])
        kept = np.flatnonzero(self._random.random(len(rest)) < density(rest))[:count]
        place, normal = (
            np.einsum("nc,nck->nk", bary[kept], values[chosen[kept]]) for values in (self._positions, self._normals)
        )
        return floats(rest[kept]), floats(place), unit(normal)

    # ── the three kinds of hair ──────────────────────────────────────────────────────────────────────────────────

    def scalp(self, style: Style) -> Strands:
        """Grow the hair of the head."""
        rest, place, normal = self._roots(lambda rest: scalp_density(style, rest), style.count, above_y=6.6)
        side = np.clip((8.15 - rest[:, 1]) / 0.5, 0, 1)
        length = style.length * (1 + (style.sides - 1) * side) * self._random.uniform(0.8, 1.1, len(rest))
        front = np.clip((rest[:, 2] - 1.0) / 0.3, 0, 1) * (rest[:, 1] > 7.8)
        direction = np.tile(np.array(style.comb, np.float32), (len(rest), 1))
        away = np.sign(rest[:, 0] - style.parting_x + self._random.normal(0, 0.02, len(rest)))
        direction[:, 0] += style.parting * away
        direction[:, 2] += (2.6 * style.fringe - 0.6) * front
        direction[:, 1] -= style.fringe * front
        direction[:, 1] -= 1.2 * side
        direction += self._random.normal(0, 0.12, direction.shape)
        # Locks lean together: neighbours share a small turn.
        lock = np.floor(rest * 9) @ np.array([12.9898, 78.233, 37.719])
        direction += 0.16 * np.sin(lock[:, None] * np.array([1.0, 1.7, 2.3]))
        points = self._walk(place, normal, unit(direction), floats(length), style)
        shade = np.exp(self._random.normal(0, 0.18, len(rest)) + 0.12 * np.sin(lock * 3.1))
        return Strands(points, floats(shade))

    def _walk(self, place: Floats, normal: Floats, direction: Floats, length: Floats, style: Style) -> Floats:
        step = floats(length / SEGMENTS)[:, None]
        phase = floats(self._random.uniform(0, 2 * np.pi, len(place)))
        heading = unit((0.3 + 4 * style.lift) * normal + direction)
        points = [place]
        for index in range(1, SEGMENTS + 1):
            share = index / SEGMENTS
            weight = floats([0, -0.55 * style.drop * (0.3 + share), 0])
            heading = unit(0.6 * heading + 0.45 * (1 - share) ** 2 * direction + weight)
            spot = points[-1] + heading * step
            floor = style.lift * (0.25 + 0.75 * math.sin(math.pi * min(share, 0.6) / 1.2))
            points.append(self._shell.beside_face(self._shell.outside(spot, floor), style.fringe))
        line = np.stack(points, axis=1)
        if style.curl:
            line = line + style.curl * _coil(phase, length, normal)
        return floats(line)

    def brows(self, brows: Brows) -> Strands:
        """Grow both eyebrows: strands lean outward, the inner ones upward."""
        count = int(250 + 700 * brows.weight)
        rest, place, normal = self._roots(lambda rest: brow_density(brows, rest), count, above_y=7.3, below_y=7.65)
        side = np.sign(rest[:, 0])
        along = np.clip((np.abs(rest[:, 0]) - brows.inner) / (brows.outer - brows.inner), 0, 1)
        lean = np.stack([side * (0.25 + 1.1 * along), 0.95 - 1.25 * along, np.zeros(len(rest))], axis=1)
        below = rest[:, 1] < brow_line(brows, np.abs(rest[:, 0]))
        lean[:, 1] += np.where(below, 0.25, -0.35)
        lean += self._random.normal(0, 0.18, lean.shape)
        length = 0.09 * self._random.uniform(0.6, 1.2, len(rest)) * (0.8 + 0.4 * brows.weight)
        return self._short(place, normal, floats(lean), floats(length), lift=0.12)

    def beard(self, beard: Beard) -> Strands:
        """Grow beard and moustache: strands fall, those of the moustache outward."""
        count = int((2500 + 9000 * min(beard.length, 0.4)) * beard.density)
        rest, place, normal = self._roots(lambda rest: beard_density(beard, rest), count, above_y=5.9, below_y=7.4)
        moustache = (rest[:, 1] > 6.68) & (np.abs(rest[:, 0]) < 0.3)
        lean = np.stack([rest[:, 0] * 0.4, np.full(len(rest), -1.0), np.full(len(rest), 0.1)], axis=1)
        lean[moustache, 0] = np.sign(rest[moustache, 0]) * 0.9
        lean += self._random.normal(0, 0.25, lean.shape)
        length = beard.length * self._random.uniform(0.5, 1.1, len(rest))
        length = np.where(moustache, np.minimum(length, 0.10), length)
        return self._short(place, normal, floats(lean), floats(length), lift=0.55)

    def _short(self, place: Floats, normal: Floats, lean: Floats, length: Floats, *, lift: float) -> Strands:
        """Grow hair too short to fall: it leaves along the normal and lies down along the skin."""
        flat = unit(lean - np.einsum("nk,nk->n", lean, normal)[:, None] * normal)
        t = np.linspace(0, 1, SEGMENTS + 1, dtype=np.float32)[None, :, None]
        rise = lift * (t - 0.55 * t * t)
        points = place[:, None] + length[:, None, None] * (flat[:, None] * t + normal[:, None] * (rise + 0.03))
        shade = np.exp(self._random.normal(0, 0.15, len(place)))
        return Strands(floats(points), floats(shade))


def _coil(phase: Floats, length: Floats, normal: Floats) -> Floats:
    """A spiral about each strand, growing from its root."""
    t = np.linspace(0, 1, SEGMENTS + 1, dtype=np.float32)[None, :]
    angle = phase[:, None] + t * length[:, None] * 14
    across = unit(np.cross(normal, np.array([0.1, 1.0, 0.2], np.float32)))
    over = np.cross(normal, across)
    ramp = np.minimum(t * 3, 1)[..., None]
    coil = np.cos(angle)[..., None] * across[:, None] + np.sin(angle)[..., None] * over[:, None]
    return floats(coil * ramp)
