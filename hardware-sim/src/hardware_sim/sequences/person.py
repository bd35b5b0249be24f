"""A person in space: selects the sheet nearest to a pose, warps it to the exact pose, and places it in the frame.

The sheet's depth gives the warp: each pixel moves like the point of the face that it shows (3-D parallax, exact for
the few degrees between sheets). Roll, size and position are a similarity transform. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences import poses, relight, store
from hardware_sim.sequences.poses import EYES_PX, HEIGHT_PX, PX_PER_DM, WIDTH_PX, Pose
from hardware_sim.sequences.values import Lens, Lighting, Look, PersonTruth

MARGIN_PX = 20  # the arms fade out at the sheet's edge
_FLOW_STEP = 4  # size of a cell of the flow's grid, in pixels
_SMALL = 0.62  # below this scale a picture is halved before it is drawn, to prevent aliasing


@dataclass(frozen=True, slots=True)
class Placing:
    """Position and size of a person in a frame; `scale` is frame pixels for each pixel of the sheet."""

    eyes_px: tuple[float, float]
    scale: float
    roll: float

    @classmethod
    def of(cls, look: Look, lens: Lens) -> Placing:
        """Return the position and size in which the lens sees a person."""
        eyes = lens.place_px(
            sideways_cm=look.sideways_cm, above_floor_cm=look.eyes_above_floor_cm, distance_cm=look.distance_cm
        )
        return cls(eyes, 10 * lens.px_per_cm(look.distance_cm) / PX_PER_DM, float(np.radians(look.roll_deg)))

    @property
    def turn(self) -> Floats:
        """Return the matrix, (2, 2), from sheet pixels about the eyes to frame pixels about the eyes."""
        cos, sin = self.scale * np.cos(self.roll), self.scale * np.sin(self.roll)
        return floats([[cos, -sin], [sin, cos]])

    def seen(self, points: Floats) -> Floats:
        """Return the frame pixels, (n, 2), of points of the sheet relative to the eyes."""
        return floats(points @ self.turn.T + self.eyes_px)


def nearest_pose(look: Look) -> Pose:
    """Return the pose with the sheet nearest to a look."""
    return min(poses.POSES, key=lambda pose: np.hypot(pose[0] - look.yaw_deg, pose[1] - look.pitch_deg))


def drawn(name: str, look: Look, lens: Lens, lighting: Lighting) -> tuple[Floats, tuple[int, int]]:
    """Return the person, (h, w, 4) linear BGR premultiplied by cover, and cover; and the top left frame pixel.

    The array is empty, (0, 0, 4), when the person is out of the picture.
    """
    placing, pose = Placing.of(look, lens), nearest_pose(look)
    left, top, right, bottom = _region(placing, lens)
    if left >= right or top >= bottom:
        return np.zeros((0, 0, 4), np.float32), (0, 0)
    picture = relight.lit(name, pose, relight.expression(look, pose), lighting)
    x, y = np.meshgrid(
        np.arange(left, right, dtype=np.float32) - np.float32(placing.eyes_px[0]),
        np.arange(top, bottom, dtype=np.float32) - np.float32(placing.eyes_px[1]),
    )
    back = np.linalg.inv(placing.turn)
    column = x * back[0, 0] + y * back[0, 1] + np.float32(EYES_PX[0])
    row = x * back[1, 0] + y * back[1, 1] + np.float32(EYES_PX[1])
    flow = _flow(name, pose, _rounded(look))
    moves = cv2.remap(flow, column / _FLOW_STEP, row / _FLOW_STEP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    column -= moves[..., 0]
    row -= moves[..., 1]
    # Below the sheet the body continues like its last row.
    np.minimum(row, HEIGHT_PX - 4, out=row)
    shrink = 1.0
    if placing.scale < _SMALL:
        shrink = 0.5
        picture = floats(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA))
        column, row = (column + 0.5) * shrink - 0.5, (row + 0.5) * shrink - 0.5
    out = cv2.remap(picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    fade = np.clip(np.minimum(column, WIDTH_PX * shrink - 1 - column) / (MARGIN_PX * shrink), 0, 1)
    out *= fade[..., None]
    return floats(out), (left, top)


def _region(placing: Placing, lens: Lens) -> tuple[int, int, int, int]:
    """Return the part of the frame that a sheet can reach; its lower edge is the frame's, because bodies continue."""
    corners = floats([[0, 0], [WIDTH_PX, 0], [WIDTH_PX, HEIGHT_PX], [0, HEIGHT_PX]]) - floats(EYES_PX)
    seen = placing.seen(corners)
    left, top = np.maximum(np.floor(seen.min(0)), 0).astype(int)
    right = min(int(np.ceil(np.max(seen[:, 0]))), lens.width_px)
    return int(left), int(top), right, lens.height_px


def _rounded(look: Look) -> Pose:
    return round(look.yaw_deg * 4) / 4, round(look.pitch_deg * 4) / 4


@lru_cache(maxsize=64)
def _flow(name: str, pose: Pose, wanted: Pose) -> Floats:
    """Return the displacement, (h, w, 2) pixels, of each cell when a sheet is turned from its pose to another."""
    forward = poses.forward_dm(store.sheet(name, pose).forward)[::_FLOW_STEP, ::_FLOW_STEP]
    rows, columns = np.mgrid[0 : forward.shape[0], 0 : forward.shape[1]].astype(np.float32)
    x, y = columns * _FLOW_STEP - EYES_PX[0], rows * _FLOW_STEP - EYES_PX[1]
    scale = PX_PER_DM * poses.VIEW_DISTANCE_DM / (poses.VIEW_DISTANCE_DM - forward)
    points = np.stack([x / scale, -y / scale, forward], axis=-1)
    rest = poses.turned(wanted) @ poses.turned(pose).T
    ahead = floats(poses.projected(floats(points @ rest.T)) - np.stack([x, y], axis=-1))
    # `ahead` maps source to target; drawing needs the source of each target. Two fixed-point steps find it.
    back = ahead
    for _ in range(2):
        column, row = columns - back[..., 0] / _FLOW_STEP, rows - back[..., 1] / _FLOW_STEP
        back = floats(cv2.remap(ahead, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return back


def truth(name: str, look: Look, lens: Lens, wears: tuple[str, ...] = ()) -> PersonTruth:
    """Return the truth of a living person."""
    body, placing, turn = store.anatomy(name), Placing.of(look, lens), poses.turned((look.yaw_deg, look.pitch_deg))
    face = placing.seen(poses.projected(floats(body.face @ turn.T)))
    eyes = placing.seen(poses.projected(floats(body.eyes @ turn.T)))
    return PersonTruth(
        identity=name,
        attack=None,
        **outlined(face, eyes, lens),
        yaw_deg=look.yaw_deg,
        pitch_deg=look.pitch_deg,
        roll_deg=look.roll_deg,
        **relight.expression(look, nearest_pose(look)).drawn,
        distance_cm=look.distance_cm,
        height_cm=look.height_cm,
        wears=wears,
    )


class Outline(TypedDict):
    """The position of a face in a frame, with the truth's field names."""

    box_px: tuple[float, float, float, float]
    eyes_px: tuple[float, float]
    eye_distance_px: float
    visible: float


def outlined(face: Floats, eyes: Floats, lens: Lens) -> Outline:
    """Return the box around face points, (n, 2) in frame pixels, and the data on its eyes, (2, 2)."""
    left, top, right, bottom = (float(value) for value in (*face.min(0), *face.max(0)))
    inside_width = max(min(right, lens.width_px) - max(left, 0), 0)
    inside_height = max(min(bottom, lens.height_px) - max(top, 0), 0)
    middle = eyes.mean(0)
    return Outline(
        box_px=(left, top, right, bottom),
        eyes_px=(float(middle[0]), float(middle[1])),
        eye_distance_px=float(np.linalg.norm(eyes[1] - eyes[0])),
        visible=inside_width * inside_height / ((right - left) * (bottom - top)),
    )
