"""The pictures that a person's sequences are composed of: head poses, each under four lights, with its depth.

Light adds up, so a frame under any light is a sum of the four. Between poses the nearest picture is moved as its depth
says. Closed eyes and the mouth are cut-outs of the face that lie over the neutral picture, at the poses near to frontal.
Rendering takes some seconds of a core a person; the pictures are kept (`store`). Pure. Positions in decimetres from the
point between the eyes, x to the picture's right, y up, z towards the lens.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardware_sim.faces import mesh
from hardware_sim.faces.optics import Camera, Light, View
from hardware_sim.faces.render import layers
from hardware_sim.faces.strands import SEGMENTS, Grower
from hardware_sim.faces.styles import Beard
from hardware_sim.faces.vectors import Floats, floats

if TYPE_CHECKING:
    from hardware_sim.faces.head import Head

Bytes = NDArray[np.uint8]
Pose = tuple[float, float]  # yaw and pitch in degrees

WIDTH_PX, HEIGHT_PX = 544, 464
EYES_PX = (272, 172)
PX_PER_DM = 112.0
VIEW_DISTANCE_DM = 7.0
LIGHT_MAX = 2.0  # linear light that a byte of a layer can hold

POSES: tuple[Pose, ...] = (
    *((yaw, 0.0) for yaw in (0.0, -10.0, 10.0, -20.0, 20.0, -32.0, 32.0)),
    *((0.0, pitch) for pitch in (-10.0, -20.0, 12.0)),
)
EXPRESSIVE: tuple[Pose, ...] = ((0.0, 0.0), (-10.0, 0.0), (10.0, 0.0))

_DARK = (0.0, 0.0, 0.0)
LIGHTS = (
    Light(key=_DARK, fill=_DARK),  # from everywhere
    Light(fill=_DARK, sky=_DARK, ground=_DARK),  # a window, left
    Light((0.5, 0.75, 0.65), (1.0, 0.93, 0.82), fill=_DARK, sky=_DARK, ground=_DARK),  # a lamp, right
    Light((0.0, -0.12, 1.0), (1.0, 1.0, 1.0), fill=_DARK, sky=_DARK, ground=_DARK),  # from the front, white
)
AMBIENT, WINDOW, LAMP, FRONT = range(len(LIGHTS))

CUTOUT_PX = (172, 132, 200, 218)  # left, top, width, height of the face in a picture
EYES_BELOW_DM = 0.36  # the cut-out's upper part, that of the eyes, ends here; below is the mouth's

_UNITS = "expression/units/caucasian/"
EXPRESSIONS: tuple[dict[str, float], ...] = (
    {"eye-left-closure": 1.0, "eye-right-closure": 1.0, "mouth-open": 1.0},
    {"eye-left-closure": 0.5, "eye-right-closure": 0.5, "mouth-open": 0.5},
    {"mouth-corner-puller": 1.0, "mouth-retraction": 0.3},
)
WIDE, HALF, SMILE = range(len(EXPRESSIONS))

_POINTS_MAX = 160
_BEARD_POINTS = 4
_FULL_BEARD = Beard(length=0.16, density=0.6)


@dataclass(frozen=True, eq=False)
class Sheet:
    """One pose: `layers` (4, h, w, 3) BGR bytes, `cover` (h, w), `forward` (h, w), how far each pixel lies before the eyes.

    `expressions` (3, 4, h, w, 3) are the cut-outs, or None.
    """

    pose: Pose
    layers: Bytes
    cover: Bytes
    forward: Bytes
    expressions: Bytes | None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Points of one head: `face` (n, 3) spans its box, `eyes` (2, 3), `beard` (n, 4, 3) strands that could grow."""

    face: Floats
    lower_face: Floats
    eyes: Floats
    beard: Floats
    crown_dm: float


_FORWARD_MIN, _FORWARD_SPAN = -2.6, 4.0


def forward_dm(sheet_forward: Bytes) -> Floats:
    """Return a sheet's `forward` in decimetres."""
    return floats(sheet_forward) * np.float32(_FORWARD_SPAN / 255) + np.float32(_FORWARD_MIN)


def turned(pose: Pose) -> Floats:
    """Return the rotation of a head, (3, 3)."""
    view = View(1, 1, (0.0, 0.0), 1.0, yaw=pose[0], pitch=pose[1])
    return Camera.before(floats([0, 0, 0]), view).turn


def projected(points: Floats) -> Floats:
    """Return where points (n, 3), turned already, lie in a picture, (n, 2) pixels from the point between the eyes."""
    scale = PX_PER_DM * VIEW_DISTANCE_DM / (VIEW_DISTANCE_DM - points[..., 2])
    return floats(np.stack([points[..., 0] * scale, -points[..., 1] * scale], axis=-1))


def photographed(head: Head, pose: Pose) -> Sheet:
    """Render one pose."""
    yaw, pitch = pose
    view = View(WIDTH_PX, HEIGHT_PX, EYES_PX, PX_PER_DM, VIEW_DISTANCE_DM, yaw=yaw, pitch=pitch)
    seen = layers(head, view, LIGHTS)
    return Sheet(
        pose=pose,
        layers=np.stack([_encoded(picture.colour) for picture in seen.pictures]),
        cover=np.round(seen.pictures[0].cover * 255).astype(np.uint8),
        forward=_forward(seen.depth),
        expressions=_expressions(head, view) if pose in EXPRESSIVE else None,
    )


def _expressions(head: Head, view: View) -> Bytes:
    left, top, width, height = CUTOUT_PX
    part = View(
        width,
        height,
        (EYES_PX[0] - left, EYES_PX[1] - top),
        PX_PER_DM,
        VIEW_DISTANCE_DM,
        yaw=view.yaw,
        pitch=view.pitch,
        part_of_px=WIDTH_PX,
    )
    faces = [layers(_moved(head, weights), part, LIGHTS).pictures for weights in EXPRESSIONS]
    return np.stack([np.stack([_encoded(picture.colour) for picture in pictures]) for pictures in faces])


def _moved(head: Head, weights: dict[str, float]) -> Head:
    """Return the head with its face moved; hair stays where it is."""
    moved = copy.copy(head)
    moves = mesh.deformed({_UNITS + name: weight for name, weight in weights.items()}) - head.rest
    moved.positions = floats(head.positions + moves)
    moved.normals = mesh.normals(moved.positions, moved.solid)
    return moved


def _encoded(colour: Floats) -> Bytes:
    encoded = np.clip(colour[..., ::-1] / LIGHT_MAX, 0, 1) ** (1 / 2.2) * 255
    return bytes_of(np.round(encoded))


def _forward(depth: Floats) -> Bytes:
    """Return how far pixels lie before the eyes, as bytes; where nobody is, what the nearest pixel of the person has."""
    known = np.isfinite(depth)
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(np.max(nearest)) + 1, np.float32)
    values[nearest[known]] = VIEW_DISTANCE_DM - depth[known]
    forward = cv2.GaussianBlur(values[nearest], (0, 0), 2.0)
    return bytes_of((forward - _FORWARD_MIN) / _FORWARD_SPAN * 255)


def bytes_of(values: ArrayLike) -> Bytes:
    """Return values as bytes, clipped."""
    return np.clip(values, 0, 255).astype(np.uint8)


def anatomy(head: Head, *, seed: int) -> Anatomy:
    """Return the points of a head that boxes and accessories need."""
    rest, places = head.rest, floats(head.positions - head.eyes_middle)
    base = mesh.base_mesh()
    skin = np.unique(base.skin)
    x, y, z = (rest[skin, axis] for axis in range(3))
    face = skin[(y > 6.28) & (y < 8.0) & (z > 0.55) & (np.abs(x) < 0.72)]
    lower = skin[(y > 6.30) & (y < 7.02) & (z > 0.70) & (np.abs(x) < 0.60)]
    eyes = np.unique(base.eyes)
    sides = [eyes[rest[eyes, 0] < 0], eyes[rest[eyes, 0] > 0]]
    strands = Grower(head.positions, seed=seed).beard(_FULL_BEARD).points
    return Anatomy(
        face=_some(places[face]),
        lower_face=_some(places[lower]),
        eyes=np.stack([places[side].mean(0) for side in sides]),
        beard=floats(strands[:, np.linspace(0, SEGMENTS, _BEARD_POINTS).astype(int)] - head.eyes_middle),
        crown_dm=float(places[skin, 1].max()),
    )


def _some(places: Floats) -> Floats:
    """Return at most _POINTS_MAX of the points, the outermost among them."""
    hull = places[np.unique(cv2.convexHull(places[:, :2].copy(), returnPoints=False))]
    return np.concatenate([hull, places[:: -(-len(places) // _POINTS_MAX)]])[:_POINTS_MAX]
