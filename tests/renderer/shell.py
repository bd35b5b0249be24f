"""The head as an obstacle to its own hair: how far the skin reaches in every direction."""

from __future__ import annotations

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, floats
from renderer import mesh, raster

_WIDTH, _HEIGHT = 360, 180  # one cell a degree
_CENTRE = floats([0.0, 7.45, 0.45])  # of the head, in the undeformed mesh
_NECK_Y = 6.0  # what is below pushes no hair: it would send it outward over the shoulders
_FACE_HALF_WIDTH = 0.60  # decimetres; hair keeps off what lies nearer to the middle


class Shell:
    """The skin of one deformed head without its ears, seen from the head's centre."""

    def __init__(self, positions: Floats) -> None:
        base = mesh.base_mesh()
        shift = positions[base.skin].mean((0, 1)) - base.rest[base.skin].mean((0, 1))
        self._centre = floats(_CENTRE + shift)
        corners = base.rest[base.skin]
        lowest = corners[..., 1].min(1)
        ear = (np.abs(corners[..., 0]).max(1) > 0.70) & (lowest < 7.36) & (lowest > 6.7)
        self._radii = _radii(floats(positions - self._centre), base.skin[~ear & (lowest > _NECK_Y)])

    def outside(self, spots: Floats, distance: float) -> Floats:
        """Push points that are nearer to the skin than `distance` outward."""
        moved = spots - self._centre
        cell = _angles(moved)
        column = np.clip(cell[:, 0], 0, _WIDTH - 1).astype(np.int64)
        row = np.clip(cell[:, 1], 0, _HEIGHT - 1).astype(np.int64)
        wanted = self._radii[row, column] + distance
        actual = np.linalg.norm(moved, axis=1)
        scale = np.maximum(1, wanted / np.maximum(actual, 1e-3))
        return floats(self._centre + moved * scale[:, None])

    def beside_face(self, spots: Floats, fringe: float) -> Floats:
        """Tuck hair that falls before the face to its sides, as one does for a picture."""
        moved = spots - self._centre
        below_brow = np.clip((0.45 + 0.2 * (1 - fringe) - moved[:, 1]) / 0.45, 0, 1)
        half_width = _FACE_HALF_WIDTH * below_brow * np.clip((moved[:, 2] - 0.1) / 0.3, 0, 1)
        out = spots.copy()
        out[:, 0] = self._centre[0] + np.where(moved[:, 0] < 0, -1, 1) * np.maximum(np.abs(moved[:, 0]), half_width)
        return out


def _radii(moved: Floats, triangles: Ints) -> Floats:
    """Return how far the skin reaches from the centre, a cell a degree."""
    screen = floats(np.concatenate([_angles(moved), -np.linalg.norm(moved, axis=1)[:, None]], axis=1))
    spans_seam = np.ptp(screen[triangles][..., 0], axis=1) > _WIDTH / 2
    found = raster.fragments(screen, triangles[~spans_seam], width_px=_WIDTH, height_px=_HEIGHT, cull=False)
    winner = raster.nearest(found.pixel, found.depth, pixels=_WIDTH * _HEIGHT)
    radii = np.zeros(winner.size, np.float32)
    radii[winner >= 0] = -found.depth[winner[winner >= 0]]
    closed = cv2.morphologyEx(radii.reshape(_HEIGHT, _WIDTH), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return floats(cv2.GaussianBlur(closed, (0, 0), 1.5))


def _angles(moved: Floats) -> Floats:
    """Return the shell's column and row of directions from the head's centre."""
    azimuth = np.arctan2(moved[:, 0], moved[:, 2])
    elevation = np.arctan2(moved[:, 1], np.hypot(moved[:, 0], moved[:, 2]))
    column = (azimuth / (2 * np.pi) + 0.5) * _WIDTH
    row = (0.5 - elevation / np.pi) * _HEIGHT
    return floats(np.stack([column, row], axis=1))
