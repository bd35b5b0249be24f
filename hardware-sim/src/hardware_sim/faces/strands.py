"""Hair as strands: scalp, brows and beard of one person, grown from the mesh in three dimensions.

A strand is a polyline of `SEGMENTS` + 1 points. Roots are drawn at random on the mesh, densest where the style says;
each strand then walks from its root along a comb direction, bends with gravity and stays outside the head. Everything
is a pure function of shape, style and seed. Leaves colour and light to `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces import mesh, raster, skin
from hardware_sim.faces.mesh import Floats

if TYPE_CHECKING:
    from collections.abc import Callable

SEGMENTS = 14

_TRIES = 60  # places tried for each root wanted; brows cover about a fiftieth of their band

_SHELL_WIDTH, _SHELL_HEIGHT = 360, 180  # one cell a degree
_NECK_Y = 6.0  # what is below pushes no hair: it would send it outward over the shoulders
_CENTRE = np.array([0.0, 7.45, 0.45], np.float32)  # of the head, in the undeformed mesh


@dataclass(frozen=True)
class Style:
    """A head of hair. Lengths in decimetres.

    `comb` is the direction (x, y, z) that strands lean to at the crown; `parting_x` is where they part, and they lean
    away from it by `parting`. `lift` says how far they rise from the scalp, `curl` how wide they coil, `drop` how fast
    gravity wins. `hairline` raises (+) or lowers (-) the hairline; `temples` and `crown` thin it there, 0 to 1.
    """

    length: float
    count: int = 9000
    comb: tuple[float, float, float] = (0.0, -0.2, -1.0)
    parting: float = 0.0
    parting_x: float = 0.0
    lift: float = 0.12
    curl: float = 0.0
    drop: float = 0.5
    hairline: float = 0.0
    temples: float = 0.0
    crown: float = 0.0
    fringe: float = 0.0
    sides: float = 1.0  # length of the sides and the back against the top


@dataclass(frozen=True)
class Brows:
    """`raise_` and `arch` in decimetres, `weight` from 0 (sparse) to 1 (bushy), `tilt` outward rise."""

    weight: float = 0.5
    thickness: float = 0.045
    arch: float = 0.03
    raise_: float = 0.0
    tilt: float = 0.0
    inner: float = 0.10
    outer: float = 0.52


@dataclass(frozen=True)
class Beard:
    """`parts` names where it grows: cheeks, chin, moustache. `length` in decimetres."""

    length: float
    parts: frozenset[str] = frozenset({"cheeks", "chin", "moustache"})
    density: float = 1.0


@dataclass(frozen=True)
class Strands:
    """`points` (n, SEGMENTS + 1, 3), `shade` (n,) brightness about 1, `width_dm` (n,)."""

    points: Floats
    shade: Floats
    width_dm: Floats


class Grower:
    """Grows strands on one deformed head."""

    def __init__(self, positions: Floats, *, seed: int) -> None:
        base = mesh.base_mesh()
        self._triangles = base.skin
        self._rest = base.rest
        self._positions = positions
        self._normals = mesh.normals(positions, base.skin)
        self._random = np.random.default_rng(seed)
        self._centre = _CENTRE + positions[base.skin].mean((0, 1)) - base.rest[base.skin].mean((0, 1))
        self._shell = self._radii()

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
        return rest[kept], place, _unit(normal)

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
        points = self._walk(place, normal, _unit(direction.astype(np.float32)), length, style)
        shade = np.exp(self._random.normal(0, 0.18, len(rest)) + 0.12 * np.sin(lock * 3.1))
        return Strands(points, shade.astype(np.float32), np.full(len(rest), 0.012, np.float32))

    def _walk(self, place: Floats, normal: Floats, direction: Floats, length: Floats, style: Style) -> Floats:
        step = (length / SEGMENTS)[:, None].astype(np.float32)
        phase = self._random.uniform(0, 2 * np.pi, len(place)).astype(np.float32)
        heading = _unit(normal * np.float32(0.3 + 4 * style.lift) + direction)
        points = [place]
        for index in range(1, SEGMENTS + 1):
            share = np.float32(index / SEGMENTS)
            pull = direction * (0.45 * (1 - share) ** 2) + np.array(
                [0, -0.55 * style.drop * (0.3 + share), 0], np.float32
            )
            heading = _unit(0.6 * heading + pull)
            spot = points[-1] + heading * step
            floor = style.lift * (0.25 + 0.75 * np.sin(np.pi * min(share, 0.6) / 1.2))
            points.append(self._outside(spot, float(floor)))
        line = np.stack(points, axis=1)
        if style.curl:
            line = line + style.curl * _coil(phase, length, normal)
        return line.astype(np.float32)

    def brows(self, brows: Brows) -> Strands:
        """Grow both eyebrows: strands lean outward, the inner ones upward."""
        count = int(250 + 700 * brows.weight)
        rest, place, normal = self._roots(lambda rest: _brow_density(brows, rest), count, above_y=7.3, below_y=7.65)
        side = np.sign(rest[:, 0])
        along = np.clip((np.abs(rest[:, 0]) - brows.inner) / (brows.outer - brows.inner), 0, 1)
        lean = np.stack([side * (0.25 + 1.1 * along), 0.95 - 1.25 * along, np.zeros(len(rest))], axis=1)
        below = rest[:, 1] < _brow_line(brows, np.abs(rest[:, 0]))
        lean[:, 1] += np.where(below, 0.25, -0.35)
        lean += self._random.normal(0, 0.18, lean.shape)
        length = 0.09 * self._random.uniform(0.6, 1.2, len(rest)) * (0.8 + 0.4 * brows.weight)
        return self._short(place, normal, lean.astype(np.float32), length, lift=0.12, width_dm=0.008)

    def beard(self, beard: Beard) -> Strands:
        """Grow beard and moustache: strands fall, those of the moustache outward."""
        count = int((2500 + 9000 * min(beard.length, 0.4)) * beard.density)
        rest, place, normal = self._roots(lambda rest: _beard_density(beard, rest), count, above_y=5.9, below_y=7.4)
        moustache = (rest[:, 1] > 6.68) & (np.abs(rest[:, 0]) < 0.3)
        lean = np.stack([rest[:, 0] * 0.4, np.full(len(rest), -1.0), np.full(len(rest), 0.1)], axis=1)
        lean[moustache, 0] = np.sign(rest[moustache, 0]) * 0.9
        lean += self._random.normal(0, 0.25, lean.shape)
        length = beard.length * self._random.uniform(0.5, 1.1, len(rest))
        length = np.where(moustache, np.minimum(length, 0.10), length)
        return self._short(place, normal, lean.astype(np.float32), length, lift=0.55, width_dm=0.009)

    def _short(
        self, place: Floats, normal: Floats, lean: Floats, length: Floats, *, lift: float, width_dm: float
    ) -> Strands:
        """Grow hair too short to fall: it leaves along the normal and lies down along the skin."""
        flat = lean - np.einsum("nk,nk->n", lean, normal)[:, None] * normal
        flat = _unit(flat)
        t = np.linspace(0, 1, SEGMENTS + 1, dtype=np.float32)[None, :, None]
        rise = lift * (t - 0.55 * t * t)
        points = place[:, None] + length[:, None, None] * (flat[:, None] * t + normal[:, None] * (rise + 0.03))
        shade = np.exp(self._random.normal(0, 0.15, len(place)))
        return Strands(points.astype(np.float32), shade.astype(np.float32), np.full(len(place), width_dm, np.float32))

    # ── the head as an obstacle ──────────────────────────────────────────────────────────────────────────────────

    def _radii(self) -> Floats:
        """Return how far the skin reaches from the head's centre, a cell a degree."""
        moved = self._positions - self._centre
        screen = np.concatenate([_angles(moved), -np.linalg.norm(moved, axis=1)[:, None]], axis=1)
        spans_seam = np.ptp(screen[self._triangles][..., 0], axis=1) > _SHELL_WIDTH / 2
        lowest = self._rest[self._triangles][..., 1].min(1)
        ear = (np.abs(self._rest[self._triangles][..., 0]).max(1) > 0.70) & (lowest < 7.36) & (lowest > 6.7)
        found = raster.fragments(
            screen.astype(np.float32),
            self._triangles[~spans_seam & ~ear & (lowest > _NECK_Y)],
            width_px=_SHELL_WIDTH,
            height_px=_SHELL_HEIGHT,
            cull=False,
        )
        winner = raster.nearest(found.pixel, found.depth, pixels=_SHELL_WIDTH * _SHELL_HEIGHT)
        radii = np.zeros(winner.size, np.float32)
        radii[winner >= 0] = -found.depth[winner[winner >= 0]]
        grid = radii.reshape(_SHELL_HEIGHT, _SHELL_WIDTH)
        closed = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        return cv2.GaussianBlur(closed, (0, 0), 1.5).astype(np.float32)

    def _outside(self, spots: Floats, distance: float) -> Floats:
        """Push points that are nearer to the skin than `distance` outward."""
        moved = spots - self._centre
        cell = _angles(moved)
        column = np.clip(cell[:, 0], 0, _SHELL_WIDTH - 1).astype(np.int64)
        row = np.clip(cell[:, 1], 0, _SHELL_HEIGHT - 1).astype(np.int64)
        wanted = self._shell[row, column] + distance
        actual = np.linalg.norm(moved, axis=1)
        scale = np.maximum(1, wanted / np.maximum(actual, 1e-3))
        return (self._centre + moved * scale[:, None]).astype(np.float32)


def _angles(moved: Floats) -> Floats:
    """Return the shell's column and row of directions from the head's centre."""
    azimuth = np.arctan2(moved[:, 0], moved[:, 2])
    elevation = np.arctan2(moved[:, 1], np.hypot(moved[:, 0], moved[:, 2]))
    column = (azimuth / (2 * np.pi) + 0.5) * _SHELL_WIDTH
    row = (0.5 - elevation / np.pi) * _SHELL_HEIGHT
    return np.stack([column, row], axis=1).astype(np.float32)


def _unit(vectors: Floats) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return (vectors / lengths).astype(np.float32)


def _coil(phase: Floats, length: Floats, normal: Floats) -> Floats:
    """A spiral about each strand, growing from its root."""
    t = np.linspace(0, 1, SEGMENTS + 1, dtype=np.float32)[None, :]
    angle = phase[:, None] + t * length[:, None] * 14
    across = _unit(np.cross(normal, np.array([0.1, 1.0, 0.2], np.float32)))
    over = np.cross(normal, across)
    ramp = np.minimum(t * 3, 1)[..., None]
    coil = np.cos(angle)[..., None] * across[:, None] + np.sin(angle)[..., None] * over[:, None]
    return (coil * ramp).astype(np.float32)


def scalp_density(style: Style, rest: Floats) -> Floats:
    """How densely the style's hair grows at places (n, 3) of the undeformed mesh, 0 to 1."""
    x, y, z = rest[:, 0], rest[:, 1], rest[:, 2]
    azimuth = np.degrees(np.abs(np.arctan2(x, z - skin.AXIS_Z)))
    hairline = np.interp(
        azimuth,
        [0, 14, 30, 42, 56, 74, 84, 92, 110, 140, 180],
        [7.92, 7.92, 7.90, 7.80, 7.58, 7.32, 7.25, 7.42, 7.1, 6.82, 6.72],
    )
    front = np.clip(1.3 - azimuth / 60, 0, 1)
    hairline = hairline + style.hairline * front
    hairline = hairline + style.temples * 0.35 * np.exp(-(((azimuth - 32) / 14) ** 2))
    tremor = 0.02 * np.sin(azimuth * 0.9) + 0.015 * np.sin(azimuth * 2.3 + 1)
    grown = np.clip((y - hairline - tremor) / 0.07, 0, 1)
    ear = (np.abs(x) > 0.71) & (y < 7.40)
    bald = style.crown * np.exp(-((x / 0.45) ** 2) - ((z - 0.55) / 0.55) ** 2) * np.clip((y - 8.0) / 0.25, 0, 1)
    return (grown * ~ear * np.clip(1 - 1.6 * bald, 0, 1)).astype(np.float32)


def _brow_line(brows: Brows, side: Floats) -> Floats:
    along = np.clip((side - brows.inner) / (brows.outer - brows.inner), 0, 1)
    arch = brows.arch * np.sin(np.pi * np.clip(along * 0.9, 0, 1) ** 1.4) - 0.05 * np.clip(along - 0.65, 0, 1)
    return (7.435 + brows.raise_ + arch + brows.tilt * along).astype(np.float32)


def _brow_density(brows: Brows, rest: Floats) -> Floats:
    side = np.abs(rest[:, 0])
    along = (side - brows.inner) / (brows.outer - brows.inner)
    half = brows.thickness * np.interp(along, [0, 0.1, 0.5, 1.0], [0.7, 1.0, 0.9, 0.25])
    off = np.abs(rest[:, 1] - _brow_line(brows, side)) / np.maximum(half, 1e-3)
    inside = (along > -0.02) & (along < 1.02) & (rest[:, 2] > 0.9)
    return (np.exp(-(off**2) * 1.2) * (off < 1.8) * inside).astype(np.float32)


def _beard_density(beard: Beard, rest: Floats) -> Floats:
    side, y = np.abs(rest[:, 0]), rest[:, 1]
    moustache = (y > 6.66) & (side < 0.33)
    chin = (side < 0.30) & (y <= 6.66) & (rest[:, 2] > 1.0)
    allowed = np.zeros(len(rest), np.float32)
    for part, area in (("moustache", moustache), ("chin", chin), ("cheeks", ~moustache & ~chin)):
        if part in beard.parts:
            allowed[area] = 1
    lips = (side < 0.28) & (np.abs(y - 6.605) < 0.085 * (1 - (side / 0.3) ** 2) + 0.02)
    return (skin.beard_density(rest[:, 0], y, rest[:, 2]) * allowed * ~lips).astype(np.float32)
