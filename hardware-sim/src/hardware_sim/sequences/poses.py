"""The pictures that a person's sequences are composed of: head poses, each under four lights, with its depth.

Light is additive, so the picture under any light is a weighted sum of the four. Between poses the nearest picture is
warped by its depth. Closed eyes and the mouth are cut-outs over the neutral picture, at the poses near to frontal.
`scripts/faces` draws them, `store` reads them. Pure. Positions in decimetres from the point between the eyes, x to the
picture's right, y up, z towards the lens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware_sim.faces.vectors import Floats, floats, rotation

Bytes = NDArray[np.uint8]
Pose = tuple[float, float]  # yaw and pitch in degrees

WIDTH_PX, HEIGHT_PX = 544, 464
EYES_PX = (272, 172)
PX_PER_DM = 112.0
VIEW_DISTANCE_DM = 7.0
LIGHT_MAX = 2.0  # linear light of a layer's byte 255

POSES: tuple[Pose, ...] = (
    *((yaw, 0.0) for yaw in (0.0, -10.0, 10.0, -20.0, 20.0, -32.0, 32.0)),
    *((0.0, pitch) for pitch in (-10.0, -20.0, 12.0)),
)
EXPRESSIVE: tuple[Pose, ...] = ((0.0, 0.0), (-10.0, 0.0), (10.0, 0.0))


@dataclass(frozen=True)
class Light:
    """A key light with direction, light from above and reflected light from below; colours in linear light."""

    key_from: tuple[float, float, float] = (-0.45, 0.55, 0.8)
    key: tuple[float, float, float] = (1.0, 0.97, 0.92)
    fill_from: tuple[float, float, float] = (0.7, 0.1, 0.6)
    fill: tuple[float, float, float] = (0.30, 0.31, 0.33)
    sky: tuple[float, float, float] = (0.34, 0.36, 0.40)
    ground: tuple[float, float, float] = (0.20, 0.18, 0.16)


_DARK = (0.0, 0.0, 0.0)
LIGHTS = (
    Light(key=_DARK, fill=_DARK),  # diffuse
    Light(fill=_DARK, sky=_DARK, ground=_DARK),  # a window, left
    Light((0.5, 0.75, 0.65), (1.0, 0.93, 0.82), fill=_DARK, sky=_DARK, ground=_DARK),  # a lamp, right
    Light((0.0, -0.12, 1.0), (1.0, 1.0, 1.0), fill=_DARK, sky=_DARK, ground=_DARK),  # frontal, white
)
AMBIENT, WINDOW, LAMP, FRONT = range(len(LIGHTS))

CUTOUT_PX = (172, 132, 200, 218)  # left, top, width, height of the face in a picture
EYES_BELOW_DM = 0.36  # the cut-out's upper part, the eyes, ends here; the mouth is below

EXPRESSIONS = WIDE, HALF, SMILE = range(3)


@dataclass(frozen=True, eq=False)
class Sheet:
    """One pose: `layers` (4, h, w, 3) BGR bytes, `cover` (h, w), `forward` (h, w), each pixel's place before the eyes.

    `expressions` (3, 4, h, w, 3) are the cut-outs, or None.
    """

    pose: Pose
    layers: Bytes
    cover: Bytes
    forward: Bytes
    expressions: Bytes | None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Points of one head: `face` (n, 3) spans its box, `eyes` (2, 3), `beard` (n, 4, 3) strands of a possible beard.

    `hair` and `skin` are their colours in linear light, BGR.
    """

    face: Floats
    lower_face: Floats
    eyes: Floats
    beard: Floats
    crown_dm: float
    hair: Floats
    skin: Floats


FORWARD_MIN_DM, FORWARD_SPAN_DM = -2.6, 4.0


def forward_dm(sheet_forward: Bytes) -> Floats:
    """Return a sheet's `forward` in decimetres."""
    return floats(sheet_forward) * np.float32(FORWARD_SPAN_DM / 255) + np.float32(FORWARD_MIN_DM)


def turned(pose: Pose) -> Floats:
    """Return the rotation of a head, (3, 3)."""
    return rotation(yaw=pose[0], pitch=pose[1])


def projected(points: Floats) -> Floats:
    """Return the pixels, (n, 2), from the point between the eyes, of rotated points, (n, 3)."""
    scale = PX_PER_DM * VIEW_DISTANCE_DM / (VIEW_DISTANCE_DM - points[..., 2])
    return floats(np.stack([points[..., 0] * scale, -points[..., 1] * scale], axis=-1))
