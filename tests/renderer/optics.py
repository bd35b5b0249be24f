"""The camera, the lights and what falls into shadow: geometry and frame buffer, no materials."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hardware_sim.faces.vectors import Floats, floats, rotation, unit
from hardware_sim.sequences.poses import Light
from renderer import raster

SUPERSAMPLING = 2  # the frame buffer is that many times the picture, so edges and single hairs are smooth

_SHADOW_PX = 448
_SHADOW_SPAN_DM = 3.4
_SHADOW_BIAS_DM = 0.035
_SHADOW_TAPS_PX = ((-2.5, -1.0), (-1.0, 2.5), (0.0, 0.0), (1.0, -2.5), (2.5, 1.0), (-2.0, 1.5), (2.0, -1.5))


@dataclass(frozen=True)
class Viewpoint:
    """Where the camera stands and how the head is turned.

    The point between the eyes is seen at `eyes_px`, a decimetre there spans `px_per_dm`. Angles in degrees: positive
    `yaw` turns the face to the picture's right, positive `pitch` lifts it, positive `roll` tilts it clockwise. A cut-out of
    a picture names the width of the whole in `part_of_px`, else its shades would differ.
    """

    width_px: int
    height_px: int
    eyes_px: tuple[float, float]
    px_per_dm: float
    distance_dm: float = 7.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    part_of_px: int = 0

    @property
    def reach_px(self) -> int:
        """What soft light reaches by: the width of the picture, or of the one that this is a part of."""
        return self.part_of_px or self.width_px


@dataclass
class Canvas:
    """The frame buffer at working size, flat: a colour (pixels, 3) for each light, and depth."""

    width: int
    height: int
    lights: int = 1
    colours: list[Floats] = field(init=False)
    depth: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.colours = [np.zeros((self.width * self.height, 3), np.float32) for _ in range(self.lights)]
        self.depth = np.full(self.width * self.height, np.inf, np.float32)


@dataclass(frozen=True)
class Camera:
    """Turns the head about `pivot`, in the neck, by `turn` (3, 3), and projects it so that `eyes` lie where they should."""

    turn: Floats
    pivot: Floats
    eyes: Floats
    view: Viewpoint

    @classmethod
    def before(cls, eyes_middle: Floats, view: Viewpoint) -> Camera:
        """Return the camera for a head whose eyes lie about `eyes_middle`."""
        pivot = floats(eyes_middle - [0, 1.0, 0.9])
        turn = rotation(yaw=view.yaw, pitch=view.pitch, roll=view.roll)
        return cls(turn, pivot, floats((eyes_middle - pivot) @ turn.T + pivot), view)

    def world(self, points: Floats) -> Floats:
        """Turn points about the neck, then count from the point between the eyes."""
        return floats((points - self.pivot) @ self.turn.T + self.pivot - self.eyes)

    def screen(self, world: Floats) -> Floats:
        """Project to pixels at working size, and depth in decimetres from the camera."""
        depth = self.view.distance_dm - world[..., 2]
        scale = SUPERSAMPLING * self.view.px_per_dm * self.view.distance_dm / depth
        x = SUPERSAMPLING * self.view.eyes_px[0] + world[..., 0] * scale
        y = SUPERSAMPLING * self.view.eyes_px[1] - world[..., 1] * scale
        return floats(np.stack([x, y, depth], axis=-1))


class Shadow:
    """What the key light reaches: a depth map seen from the light."""

    def __init__(self, triangles: Floats, light: Light) -> None:
        towards = unit(light.key_from)
        right = unit(np.cross([0, 1, 0], towards))
        self._axes = floats(np.stack([right, np.cross(towards, right), towards]))
        seen = self._map(triangles.reshape(-1, 3))
        rows = np.arange(len(seen)).reshape(-1, 3)
        found = raster.fragments(seen, rows, width_px=_SHADOW_PX, height_px=_SHADOW_PX, cull=False)
        winner = raster.nearest(found.pixel, found.depth, pixels=_SHADOW_PX**2)
        depth = np.full(_SHADOW_PX**2, 1e3, np.float32)
        depth[winner >= 0] = found.depth[winner[winner >= 0]]
        self._depth = depth.reshape(_SHADOW_PX, _SHADOW_PX)

    def _map(self, world: Floats) -> Floats:
        seen = (world + floats([0, 0.3, 0.6])) @ self._axes.T
        scale = _SHADOW_PX / _SHADOW_SPAN_DM
        middle = _SHADOW_PX / 2
        return floats(np.stack([middle + seen[:, 0] * scale, middle - seen[:, 1] * scale, -seen[:, 2]], 1))

    def lit(self, world: Floats, bias: float = _SHADOW_BIAS_DM) -> Floats:
        """Return how much of the key light reaches the points, 0 to 1, soft over a few texels."""
        seen = self._map(world)
        total = np.zeros(len(world), np.float32)
        for dx, dy in _SHADOW_TAPS_PX:
            column = np.clip(seen[:, 0] + dx, 0, _SHADOW_PX - 1).astype(np.int64)
            row = np.clip(seen[:, 1] + dy, 0, _SHADOW_PX - 1).astype(np.int64)
            total += seen[:, 2] < self._depth[row, column] + bias
        outside = (np.abs(seen[:, :2] - _SHADOW_PX / 2) > _SHADOW_PX / 2 - 3).any(1)
        return floats(np.where(outside, 1, total / len(_SHADOW_TAPS_PX)))
