"""The pictures that one person's sequences are composed of (`sequences.poses`), some 20 s of a core a person. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences.poses import (
    CUTOUT_PX,
    EXPRESSIVE,
    EYES_PX,
    FORWARD_MIN_DM,
    FORWARD_SPAN_DM,
    HEIGHT_PX,
    LIGHT_MAX,
    LIGHTS,
    PX_PER_DM,
    VIEW_DISTANCE_DM,
    WIDTH_PX,
    Anatomy,
    Bytes,
    Pose,
    Sheet,
)
from renderer import mesh, skin
from renderer.optics import Viewpoint
from renderer.render import layers
from renderer.strands import SEGMENTS, Grower
from renderer.styles import Beard

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from renderer.head import Head
    from renderer.people import Person

_UNITS = "expression/units/caucasian/"
_EXPRESSIONS: tuple[dict[str, float], ...] = (  # poses.WIDE, HALF and SMILE
    {"eye-left-closure": 1.0, "eye-right-closure": 1.0, "mouth-open": 1.0},
    {"eye-left-closure": 0.5, "eye-right-closure": 0.5, "mouth-open": 0.5},
    {"mouth-corner-puller": 1.0, "mouth-retraction": 0.3},
)

_POINTS_MAX = 160
_BEARD_POINTS = 4
_FULL_BEARD = Beard(length=0.16, density=0.6)


def photographed(head: Head, pose: Pose) -> Sheet:
    """Render one pose."""
    yaw, pitch = pose
    view = Viewpoint(WIDTH_PX, HEIGHT_PX, EYES_PX, PX_PER_DM, VIEW_DISTANCE_DM, yaw=yaw, pitch=pitch)
    seen = layers(head, view, LIGHTS)
    return Sheet(
        pose=pose,
        layers=np.stack([_encoded(picture.colour) for picture in seen.pictures]),
        cover=np.round(seen.pictures[0].cover * 255).astype(np.uint8),
        forward=_forward(seen.depth),
        expressions=_expressions(head, view) if pose in EXPRESSIVE else None,
    )


def _expressions(head: Head, view: Viewpoint) -> Bytes:
    left, top, width, height = CUTOUT_PX
    part = Viewpoint(
        width,
        height,
        (EYES_PX[0] - left, EYES_PX[1] - top),
        PX_PER_DM,
        VIEW_DISTANCE_DM,
        yaw=view.yaw,
        pitch=view.pitch,
        part_of_px=WIDTH_PX,
    )
    faces = [layers(_moved(head, weights), part, LIGHTS).pictures for weights in _EXPRESSIONS]
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
    return _bytes(np.round(encoded))


def _bytes(values: ArrayLike) -> Bytes:
    """Return values as bytes, clipped."""
    return np.clip(values, 0, 255).astype(np.uint8)


def _forward(depth: Floats) -> Bytes:
    """Return how far pixels lie before the eyes, as bytes; where nobody is, what the nearest pixel of the person has."""
    known = np.isfinite(depth)
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(np.max(nearest)) + 1, np.float32)
    values[nearest[known]] = VIEW_DISTANCE_DM - depth[known]
    forward = cv2.GaussianBlur(values[nearest], (0, 0), 2.0)
    return _bytes((forward - FORWARD_MIN_DM) / FORWARD_SPAN_DM * 255)


def anatomy(head: Head, person: Person) -> Anatomy:
    """Return the points of a head that boxes and accessories need."""
    rest, places = head.rest, floats(head.positions - head.eyes_middle)
    base = mesh.base_mesh()
    body = np.unique(base.skin)
    x, y, z = (rest[body, axis] for axis in range(3))
    face = body[(y > 6.28) & (y < 8.0) & (z > 0.55) & (np.abs(x) < 0.72)]
    lower = body[(y > 6.30) & (y < 7.02) & (z > 0.70) & (np.abs(x) < 0.60)]
    eyes = np.unique(base.eyes)
    sides = [eyes[rest[eyes, 0] < 0], eyes[rest[eyes, 0] > 0]]
    strands = Grower(head.positions, seed=person.seed).beard(_FULL_BEARD).points
    return Anatomy(
        face=_some(places[face]),
        lower_face=_some(places[lower]),
        eyes=np.stack([places[side].mean(0) for side in sides]),
        beard=floats(strands[:, np.linspace(0, SEGMENTS, _BEARD_POINTS).astype(int)] - head.eyes_middle),
        crown_dm=float(places[body, 1].max()),
        hair=skin.linear(person.hair_colour)[::-1],
        skin=skin.linear(person.skin.tone)[::-1],
    )


def _some(places: Floats) -> Floats:
    """Return at most _POINTS_MAX of the points, the outermost among them."""
    hull = places[np.unique(cv2.convexHull(places[:, :2].copy(), returnPoints=False))]
    return np.concatenate([hull, places[:: -(-len(places) // _POINTS_MAX)]])[:_POINTS_MAX]
