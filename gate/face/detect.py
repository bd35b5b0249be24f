"""Where the faces are in a picture, and the five points of each, from a second model; which of several faces matters.

Contract (models/cards/fr_detect.md): the whole picture resized to 320x240, RGB; boxes come back decoded, as fractions. A picture more than twice as
large is averaged down; a strip of faces, or a picture as narrow as a telephone's, is filled up first.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from gate.face.align import five_points, halved, halvings, landmarks
from gate.face.values import Box, Face, Floats, Landmarks
from gate.picture import Picture
from models.runtime import Session

OVERLAP_MAX = 0.4
FACES_MAX = 32
# A face whose side is under this part of the main face's is a passer-by twice as far away, not a second traveller.
COMPANION_SIDE_MIN = 0.5
COMPANION_SIDE_PX_MIN = 40
SQUEEZE_MAX = 2.0  # a picture that is longer or higher than that, by the model's own sides, is filled up: squeezed faces are missed
_CANDIDATES_MAX = 400


@dataclass(frozen=True, slots=True)
class Landmarked:
    """A detector of boxes, and a model that finds the points of a face in its box."""

    detect: Session
    landmark: Session

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Faces without their points, best score first."""
        return detect(self.detect, picture)

    def points(self, picture: Picture, face: Face) -> Landmarks:
        """The points of one face, all 68. Raises NoFaceError."""
        dense = landmarks(self.landmark, picture, face.box)
        return Landmarks(five_points(dense), dense)


def detect(session: Session, picture: Picture) -> tuple[Face, ...]:
    """Find the faces, best score first, `FACES_MAX` at most."""
    _, _, height, width = session.model.input.shape
    whole = _filled_up(picture, width / height)
    times = halvings(min(whole.shape[1] / width, whole.shape[0] / height))
    whole = halved(whole, times) if times else whole
    tensor = cv2.dnn.blobFromImage(whole, 1 / 128, (width, height), (127, 127, 127), swapRB=True)
    scores, boxes = session.run(tensor.astype(np.float32, copy=False))
    threshold = session.model.threshold
    assert threshold is not None, "the manifest gives a detector its threshold"
    # Fractions of what the model saw; what halving dropped is less than a pixel of it.
    return faces_from(
        scores[0, :, 1],
        boxes[0],
        width=whole.shape[1] << times,
        height=whole.shape[0] << times,
        score_min=threshold.value,
    )


def _filled_up(picture: Picture, aspect: float) -> Picture:
    """The picture, or with grey at its right or lower side where it is too long or too high for the model."""
    height, width = picture.shape[:2]
    if 1 / SQUEEZE_MAX <= width / height / aspect <= SQUEEZE_MAX:
        return picture
    down, right = max(0, round(width / aspect) - height), max(0, round(height * aspect) - width)
    grey = (127, 127, 127)
    return cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT, value=grey).astype(np.uint8, copy=False)


def faces_from(scores: Floats, boxes: Floats, *, width: int, height: int, score_min: float) -> tuple[Face, ...]:
    """Turn the detector's (n,) scores and (n, 4) boxes into faces of a width x height picture, overlaps removed."""
    likely = np.flatnonzero(scores >= score_min)
    likely = likely[np.argsort(-scores[likely], kind="stable")][:_CANDIDATES_MAX]
    faces: list[Face] = []
    for index in likely:
        left, top, right, bottom = (float(value) for value in boxes[index])
        box = Box(left * width, top * height, right * width, bottom * height)
        if box.area > 0.0 and all(box.overlap(kept.box) <= OVERLAP_MAX for kept in faces):
            faces.append(Face(box, float(scores[index])))
            if len(faces) == FACES_MAX:
                break
    return tuple(faces)


def central(faces: tuple[Face, ...], *, width: int, height: int) -> Face | None:
    """The most central large face, None without any: its side, less how far its middle lies from the picture's."""

    def weight(face: Face) -> float:
        x, y = face.box.centre
        return math.sqrt(face.box.area) - math.hypot(x - width / 2, y - height / 2)

    return max(faces, key=weight, default=None)


def companions(faces: tuple[Face, ...], main: Face) -> int:
    """How many other faces are large enough to stand beside the main one."""
    side_min = max(COMPANION_SIDE_PX_MIN, COMPANION_SIDE_MIN * math.sqrt(main.box.area))
    return sum(1 for face in faces if face is not main and math.sqrt(face.box.area) >= side_min)
