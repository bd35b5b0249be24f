"""A sheet or a screen in space: the part of it that each pixel of the frame sees. Exact geometry, no material.

Coordinates are the lens's, in centimetres: x to the picture's right, y up, z towards the lens, which is the origin.
On a sheet `u` points right and `v` down from its centre. A sheet is flat, or bent about a vertical axis like a page
held at both sides. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats, rotation
from hardware_sim.sequences.values import between

if TYPE_CHECKING:
    from hardware_sim.sequences.values import Lens, Look

_GRID_PX = 4  # distance of the rays; values in between are interpolated
_BEND_MAX = 1.2  # half a sheet's width may turn by at most this many radians
_BESIDE = 100.0  # angle in radians, far off the sheet, for a ray that misses the bend


@dataclass(frozen=True, slots=True)
class Hold:
    """Position of a sheet's centre, and its rotation: as for a face, 0 looks into the lens."""

    distance_cm: float
    sideways_cm: float = 0.0
    above_floor_cm: float = 157.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def towards(self, other: Hold, share: float) -> Hold:
        """Return the interpolation to another hold; `share` is 0 to 1."""
        return Hold(**{name: between(getattr(self, name), getattr(other, name), share) for name in _HOLD_FIELDS})

    def trembling(self, at_s: float, seed: int) -> Hold:
        """Return the hold with a hand's tremor."""
        phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 6)
        wave = np.sin(2 * np.pi * at_s * np.array([0.43, 0.57, 0.71, 0.37, 0.49, 0.61]) + phase)
        return replace(
            self,
            sideways_cm=self.sideways_cm + 0.5 * float(wave[0]),
            above_floor_cm=self.above_floor_cm + 0.4 * float(wave[1]),
            distance_cm=self.distance_cm * (1 + 0.008 * float(wave[2])),
            yaw_deg=self.yaw_deg + 3.0 * float(wave[3]),
            pitch_deg=self.pitch_deg + 2.0 * float(wave[4]),
            roll_deg=self.roll_deg + 1.2 * float(wave[5]),
        )

    @classmethod
    def before(cls, look: Look, lens: Lens, *, gap_cm: float) -> Hold:
        """Return the hold of an object worn `gap_cm` before the eyes, on the line from them to the lens."""
        share = (look.distance_cm - gap_cm) / look.distance_cm
        return cls(
            distance_cm=look.distance_cm * share,
            sideways_cm=look.sideways_cm * share,
            above_floor_cm=between(lens.height_cm, look.eyes_above_floor_cm, share),
            yaw_deg=look.yaw_deg,
            pitch_deg=look.pitch_deg,
            roll_deg=look.roll_deg,
        )


_HOLD_FIELDS = tuple(field.name for field in fields(Hold))


@dataclass(frozen=True, slots=True)
class Shape:
    """A sheet's size and bending radius; None for a flat one."""

    width_cm: float
    height_cm: float
    radius_cm: float | None = None

    def __post_init__(self) -> None:
        if self.radius_cm is not None and self.width_cm / 2 > _BEND_MAX * self.radius_cm:
            raise ValueError("bent further than can be seen from the front")


@dataclass(frozen=True, eq=False)
class Spot:
    """The part of a sheet that a rectangle of the frame sees; `corner` is the rectangle's top left pixel.

    `u` and `v` (h, w) in centimetres; `cover` (h, w); `normal` and `towards_lens` (gh, gw, 3) on a coarse grid that
    spans the rectangle; `px_per_cm` at the centre; `top_px` is the first row in the frame.
    """

    corner: tuple[int, int]
    u: Floats
    v: Floats
    cover: Floats
    normal: Floats
    towards_lens: Floats
    px_per_cm: float

    def spread(self, coarse: Floats) -> Floats:
        """Return a value of the coarse grid, interpolated at every pixel."""
        return _spread(coarse, self.u.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A sheet held before a lens."""

    shape: Shape
    hold: Hold
    lens: Lens

    @property
    def _turn(self) -> Floats:
        hold = self.hold
        return rotation(yaw=hold.yaw_deg, pitch=hold.pitch_deg, roll=hold.roll_deg)

    @property
    def _middle(self) -> Floats:
        hold = self.hold
        return floats([hold.sideways_cm, hold.above_floor_cm - self.lens.height_cm, -hold.distance_cm])

    def pixels(self, uv: Floats) -> Floats:
        """Return the frame pixels, (n, 2), of points (n, 2) of the sheet."""
        u, radius = uv[:, 0], self.shape.radius_cm
        if radius is None:
            x, z = u, np.zeros_like(u)
        else:
            x, z = floats(radius * np.sin(u / radius)), floats(radius * (np.cos(u / radius) - 1))
        space = np.stack([x, -uv[:, 1], z], axis=1) @ self._turn.T + self._middle
        depth = np.maximum(-space[:, 2:], 1.0)
        middle = floats([self.lens.width_px / 2, self.lens.height_px / 2])
        return floats(space[:, :2] * floats([1, -1]) * self.lens.focal_px / depth + middle)

    def spot(self) -> Spot | None:
        """Return the part of the sheet that the frame sees; None when it is out of the picture."""
        left, top, right, bottom = self._bounds()
        if left >= right or top >= bottom:
            return None
        size = (bottom - top, right - left)
        rays = self._rays(left, top, size)
        u, v, normal = self._met(rays)
        px_per_cm = self.lens.focal_px / self.hold.distance_cm
        uv = _spread(np.stack([u, v], axis=-1), size)
        inside = np.minimum(self.shape.width_cm / 2 - np.abs(uv[..., 0]), self.shape.height_cm / 2 - np.abs(uv[..., 1]))
        return Spot(
            corner=(left, top),
            u=uv[..., 0],
            v=uv[..., 1],
            cover=floats(np.clip(inside * px_per_cm + 0.5, 0, 1)),
            normal=floats(normal @ self._turn.T),
            towards_lens=floats(-rays / np.linalg.norm(rays, axis=-1, keepdims=True)),
            px_per_cm=px_per_cm,
        )

    def _bounds(self) -> tuple[int, int, int, int]:
        across, down = np.linspace(-0.5, 0.5, 9), np.array([-0.5, 0.5])
        u, v = np.meshgrid(across * self.shape.width_cm, down * self.shape.height_cm)
        seen = self.pixels(floats(np.stack([u.ravel(), v.ravel()], axis=1)))
        left, top = np.floor(seen.min(0)).astype(int) - 2
        right, bottom = np.ceil(seen.max(0)).astype(int) + 2
        return (
            max(int(left), 0),
            max(int(top), 0),
            min(int(right), self.lens.width_px),
            min(int(bottom), self.lens.height_px),
        )

    def _rays(self, left: int, top: int, size: tuple[int, int]) -> Floats:
        column = left + _GRID_PX * np.arange(-(-size[1] // _GRID_PX) + 1, dtype=np.float32) + 0.5
        row = top + _GRID_PX * np.arange(-(-size[0] // _GRID_PX) + 1, dtype=np.float32) + 0.5
        x, y = np.meshgrid(column - self.lens.width_px / 2, row - self.lens.height_px / 2)
        return floats(np.stack([x, -y, np.full_like(x, -self.lens.focal_px)], axis=-1) / self.lens.focal_px)

    def _met(self, rays: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the points where rays meet the sheet, and the sheet's normals there."""
        start, along = -self._middle @ self._turn, rays @ self._turn
        radius = self.shape.radius_cm
        if radius is None:
            met = start + along * (-start[2] / along[..., 2])[..., None]
            return floats(met[..., 0]), floats(-met[..., 1]), np.broadcast_to(floats([0, 0, 1]), along.shape).copy()
        a = along[..., 0] ** 2 + along[..., 2] ** 2
        half_b = start[0] * along[..., 0] + (start[2] + radius) * along[..., 2]
        c = start[0] ** 2 + (start[2] + radius) ** 2 - radius**2
        inside = half_b**2 - a * c
        way = (-half_b - np.sqrt(np.maximum(inside, 0))) / a
        met = start + along * way[..., None]
        turn = np.where(inside < 0, _BESIDE, np.arctan2(met[..., 0], met[..., 2] + radius))
        normal = np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=-1)
        return floats(radius * turn), floats(-met[..., 1]), floats(normal)


def _spread(coarse: Floats, size: tuple[int, ...]) -> Floats:
    column, row = np.meshgrid(
        np.arange(size[1], dtype=np.float32) / _GRID_PX, np.arange(size[0], dtype=np.float32) / _GRID_PX
    )
    return floats(cv2.remap(coarse, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
