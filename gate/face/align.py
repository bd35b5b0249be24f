"""From a face box to a face in an embedder's standard position.

68 landmarks (iBUG order) give five points; the similarity that carries them closest to the embedder's template (least
squares, no reflection) gives the crop. A face that is much larger than what a model takes is averaged down to it: sampling alone
lets a small sensor's noise through and makes patterns of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from gate.face.errors import NoFaceError

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.face.values import Box, Points
    from gate.picture import Picture
    from models.runtime import Session

# Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them.
ARCFACE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
# Where the five points of MTCNN lie in the crops that dlib makes of the same faces, on the mean.
DLIB = np.array([(46.79, 45.71), (100.58, 45.80), (74.00, 77.27), (49.76, 103.94), (96.46, 104.03)])
AVERAGED_FROM: Final = 2.0  # times smaller: up to there the four pixels that are mixed for each are all there are
_FINER_MAX: Final = 8  # eyes 280 pixels apart; beyond that a part of the pixels is enough
_FIVE_OF_68 = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where an embedder wants the five points, (5, 2), in a square picture of `side` pixels."""

    template: Points
    side: int


ALIGNMENTS: Final = {"arcface": Alignment(ARCFACE, 112), "dlib": Alignment(DLIB, 150)}


def landmarks(session: Session, picture: Picture, box: Box) -> Points:
    """Find the 68 points of the face in `box`, in pixels of the picture. Raises NoFaceError for a box outside it."""
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(picture.shape[1], round(box.right)), min(picture.shape[0], round(box.bottom))
    if right - left < 2 or bottom - top < 2:
        raise NoFaceError("the face lies outside the picture")
    _, _, height, width = session.model.input.shape
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    smaller = min((right - left) / width, (bottom - top) / height)
    how = cv2.INTER_AREA if smaller > AVERAGED_FROM else cv2.INTER_LINEAR
    tensor = cv2.resize(grey, (width, height), interpolation=how).astype(np.float32)[None, None] / np.float32(256)
    (output,) = session.run(tensor)
    points: Points = output.reshape(68, 2) * np.array((right - left, bottom - top)) + np.array((left, top))
    return points


def five_points(points: Points) -> Points:
    """Eyes, nose and corners of the mouth, (5, 2), from 68 points."""
    return np.array([points[list(indices)].mean(axis=0) for indices in _FIVE_OF_68])


def similarity(source: Points, target: Points) -> npt.NDArray[np.float64]:
    """The 2x3 matrix of the rotation, scale and shift that carries `source` closest to `target`.

    In complex numbers the least-squares answer is one division. Raises NoFaceError when all source points coincide.
    """
    z, w = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    centred = z - z.mean()
    spread = float((np.abs(centred) ** 2).sum())
    if not spread > 1e-6:
        raise NoFaceError("the landmarks fall onto one point")
    turn = complex((centred.conj() * (w - w.mean())).sum() / spread)
    shift = complex(w.mean() - turn * z.mean())
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def align(picture: Picture, five: Points, alignment: Alignment = ALIGNMENTS["arcface"]) -> Picture:
    """Cut out the face in standard position, (side, side, 3) uint8 BGR.

    One that is more than `AVERAGED_FROM` times larger is cut out so many times finer that no pixel is skipped, and averaged.
    """
    matrix, side = similarity(five, alignment.template), alignment.side
    smaller = 1 / math.hypot(matrix[0, 0], matrix[1, 0])
    if smaller <= AVERAGED_FROM:
        return cv2.warpAffine(picture, matrix, (side, side)).astype(np.uint8, copy=False)
    finer = min(_FINER_MAX, math.ceil(smaller))
    matrix = matrix * finer + np.array(
        ((0, 0, (finer - 1) / 2), (0, 0, (finer - 1) / 2))
    )  # a pixel's middle stays its middle
    fine = cv2.warpAffine(picture, matrix, (side * finer, side * finer))
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
