"""Finds the faces in a picture, and the five points of each, with one of two finders; selects the main one of several faces.

`Landmarked` (models/cards/fr_detect.md): the whole picture resized to 320x240, RGB; boxes are returned decoded, as fractions; points from
a second model. A picture more than twice as large is averaged down; a very wide or narrow one, such as a telephone's, is filled up first.
`Mtcnn` (Zhang et al. 2016): three small networks, each examining the results of the one before: the picture in several sizes, then
proposals at 24 and 48 pixels a side. Their framework stores columns first, so pictures are transposed (models/cards/mtcnn.md).
"""

import math
from dataclasses import dataclass
from typing import Final

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
    """Return the picture, with grey added at its right or lower side if it is too long or too high for the model."""
    height, width = picture.shape[:2]
    if 1 / SQUEEZE_MAX <= width / height / aspect <= SQUEEZE_MAX:
        return picture
    down, right = max(0, round(width / aspect) - height), max(0, round(height * aspect) - width)
    grey = (127, 127, 127)
    return cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT, value=grey).astype(np.uint8, copy=False)


def faces_from(scores: Floats, boxes: Floats, *, width: int, height: int, score_min: float) -> tuple[Face, ...]:
    """Convert the detector's (n,) scores and (n, 4) boxes into faces of a width x height picture, without overlaps."""
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
    """Return the most central large face, None without any: its side, minus the distance of its middle from the picture's."""

    def weight(face: Face) -> float:
        x, y = face.box.centre
        return math.sqrt(face.box.area) - math.hypot(x - width / 2, y - height / 2)

    return max(faces, key=weight, default=None)


def companions(faces: tuple[Face, ...], main: Face) -> int:
    """Return the number of other faces large enough to stand beside the main one."""
    side_min = max(COMPANION_SIDE_PX_MIN, COMPANION_SIDE_MIN * math.sqrt(main.box.area))
    return sum(1 for face in faces if face is not main and math.sqrt(face.box.area) >= side_min)


FACE_SIDE_MIN: Final = 48  # pixels; smaller faces are of no use to anyone here
_CELL: Final = 12  # the side of what the first network looks at, and how far apart it looks
_STRIDE: Final = 2
_SHRINK: Final = 0.709  # from one size of the picture to the next: half the area
_SCORES_MIN: Final = (0.6, 0.7, 0.7)
_OVERLAP_WITHIN_SIZE: Final = 0.5
_OVERLAP: Final = 0.7


@dataclass(frozen=True, slots=True)
class Mtcnn:
    """The three networks."""

    propose: Session
    refine: Session
    locate: Session

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Faces with their five points, best score first, `FACES_MAX` at most."""
        pixels = picture[:, :, ::-1].copy()
        boxes = self._propose(pixels)
        if len(boxes):
            moves, chances = self._look(self.refine, pixels, boxes, side=24)
            boxes = _moved(boxes, moves, chances[:, 1], score_min=_SCORES_MIN[1])
        if not len(boxes):
            return ()
        square = _square(boxes)
        moves, points, chances = self._look(self.locate, pixels, square, side=48)
        return _faces(square, moves, points, chances[:, 1])

    def points(self, picture: Picture, face: Face) -> Landmarks:  # noqa: ARG002 - others have to look again
        """Return the five points, which were found with the face."""
        assert face.five is not None, "every face of this finder has its points"
        return Landmarks(face.five)

    def _propose(self, pixels: Picture) -> Floats:
        """Return boxes, (n, 5) with their score, from all sizes of the picture."""
        found = [np.empty((0, 5), np.float32)]
        side_max = self.propose.model.input.side_max
        height, width = pixels.shape[:2]
        scale = min(_CELL / FACE_SIDE_MIN, side_max / max(height, width))
        while min(height, width) * scale >= _CELL:
            size = (math.ceil(width * scale), math.ceil(height * scale))
            small = _prepared(_resized(pixels, size))
            moves, chances = self.propose.run(small.transpose(0, 2, 1, 3).copy())
            found.append(_kept(_cells(moves[0], chances[0, :, :, 1], scale), _OVERLAP_WITHIN_SIZE))
            scale *= _SHRINK
        return _square(_kept(np.concatenate(found), _OVERLAP))[: self.refine.model.input.batch_max]

    def _look(self, network: Session, pixels: Picture, boxes: Floats, *, side: int) -> tuple[Floats, ...]:
        """Run a network on each box, cut out and resized; parts outside the picture are black."""
        cut = [_prepared(_cut(pixels, box, side)) for box in boxes[: network.model.input.batch_max]]
        return network.run(np.concatenate(cut).transpose(0, 2, 1, 3).copy())


def _prepared(pixels: Picture) -> Floats:
    return ((pixels.astype(np.float32) - np.float32(127.5)) / np.float32(128))[None]


def _cells(moves: Floats, chances: Floats, scale: float) -> Floats:
    """Return the likely cells of one size, (n, 5): moved boxes in pixels of the picture, and their score. Columns come first."""
    columns, rows = np.nonzero(chances >= _SCORES_MIN[0])
    corners = np.stack((columns, rows), axis=1) * _STRIDE
    boxes = np.concatenate((corners + 1, corners + _CELL), axis=1) / scale
    boxes += moves[columns, rows] * (_CELL - 1) / scale
    return np.concatenate((boxes, chances[columns, rows][:, None]), axis=1).astype(np.float32)


def _kept(boxes: Floats, overlap_max: float) -> Floats:
    """Return the boxes, best first, that overlap no better one by more than this."""
    if not len(boxes):
        return boxes
    left_top_size = np.concatenate((boxes[:, :2], boxes[:, 2:4] - boxes[:, :2] + 1), axis=1)
    kept = cv2.dnn.NMSBoxes(left_top_size.tolist(), boxes[:, 4].tolist(), 0.0, overlap_max)
    return boxes[np.asarray(kept, dtype=np.intp).ravel()]


def _moved(boxes: Floats, moves: Floats, scores: Floats, *, score_min: float) -> Floats:
    """Return the boxes that still look like faces, moved by the network's output, without overlaps."""
    likely = scores > score_min
    boxes, moves = boxes[: len(scores)][likely], moves[likely]
    sizes = boxes[:, 2:4] - boxes[:, :2] + 1
    corners = boxes[:, :4] + moves * np.tile(sizes, 2)
    return _kept(np.concatenate((corners, scores[likely][:, None]), axis=1).astype(np.float32), _OVERLAP)


def _square(boxes: Floats) -> Floats:
    """Boxes made square around their middle."""
    side = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, initial=0.0, keepdims=True)
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return np.concatenate((middle - side / 2, middle + side / 2, boxes[:, 4:]), axis=1)


def _cut(pixels: Picture, box: Floats, side: int) -> Picture:
    """One box, resized to `side`."""
    left, top, right, bottom = (int(value) for value in box[:4])
    width, height = max(1, right - left + 1), max(1, bottom - top + 1)
    cut = np.zeros((height, width, 3), np.uint8)
    inside = pixels[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    down, along = max(0, -top), max(0, -left)
    cut[down : down + inside.shape[0], along : along + inside.shape[1]] = inside
    return _resized(cut, (side, side))


def _resized(pixels: Picture, size: tuple[int, int]) -> Picture:
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _faces(boxes: Floats, moves: Floats, points: Floats, scores: Floats) -> tuple[Face, ...]:
    """Return the results of the third network. Points are fractions of its square input: five columns, then five rows."""
    likely = np.flatnonzero(scores > _SCORES_MIN[2])
    likely = likely[np.argsort(-scores[likely], kind="stable")]
    faces: list[Face] = []
    for index in likely:
        left, top, right, bottom = (float(value) for value in boxes[index, :4])
        width, height = right - left + 1, bottom - top + 1
        move = moves[index]
        box = Box(left + move[0] * width, top + move[1] * height, right + move[2] * width, bottom + move[3] * height)
        if box.area > 0.0 and not any(_covers(box, kept.box) for kept in faces):
            five = np.stack((left + points[index, :5] * width, top + points[index, 5:] * height), axis=1)
            faces.append(Face(box, float(scores[index]), five.astype(np.float64)))
    return tuple(faces[:FACES_MAX])


def _covers(box: Box, better: Box) -> bool:
    """True if the smaller of both is mostly inside the other."""
    width = min(box.right, better.right) - max(box.left, better.left)
    height = min(box.bottom, better.bottom) - max(box.top, better.top)
    return max(0.0, width) * max(0.0, height) > _OVERLAP * min(box.area, better.area)
