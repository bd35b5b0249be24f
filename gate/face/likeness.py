"""Pictures for officers: the compared traveller, the chip's portrait in the same crop, and moments of the look.

Crops of one face alone, kept only until the comparison, because another person may stand there afterwards. A new subject deletes them.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gate.face.align import ARCFACE, similarity
from gate.face.chain import PORTRAIT_PIXELS_MAX, FaceModels
from gate.face.detect import central
from gate.face.quality import Observation
from gate.face.values import NoFaceError, Points
from gate.picture import Picture, decoded

WIDTH: Final = 480
HEIGHT: Final = 600
HEAD_EYES: Final = 3.7  # a head, from crown to chin, is so many times as high as its eyes are apart, more or less
MOMENTS_MAX: Final = 3
MOMENT_EVERY_MS: Final = 400
# The eyes 120 pixels apart in the middle, at 45 % of the height: head and shoulders, as on a portrait (ICAO 9303-3 §3).
_SCALE: Final = 120 / (ARCFACE[1, 0] - ARCFACE[0, 0])
_FIVE: Final = (ARCFACE - ARCFACE[:2].mean(axis=0)) * _SCALE + np.array((WIDTH / 2, 0.45 * HEIGHT))


@dataclass(frozen=True, slots=True)
class Geometry:
    """A site's larger crop of the traveller: pixels wide and high, and the head's part of the height."""

    width: int
    height: int
    head: float

    def five(self) -> Points:
        """The positions of eyes, nose and mouth in it."""
        scale = self.head * self.height / HEAD_EYES / (ARCFACE[1, 0] - ARCFACE[0, 0])
        placed: Points = (ARCFACE - ARCFACE[:2].mean(axis=0)) * scale + np.array((self.width / 2, 0.45 * self.height))
        return placed


def cut_out(picture: Picture, five: Points, geometry: Geometry | None = None) -> Picture:
    """Return a face as on a portrait, (HEIGHT, WIDTH, 3): eyes, nose and mouth at fixed places. Raises NoFaceError.

    With a geometry, at the picture's own size: a face is never enlarged, and the crop may be smaller, but not smaller than without.
    """
    place, width, height = _FIVE, WIDTH, HEIGHT
    if geometry is not None:
        matrix = similarity(five, geometry.five())
        shrink = min(1.0, 1 / math.hypot(matrix[0, 0], matrix[1, 0]))
        if round(shrink * geometry.height) > HEIGHT:
            width, height = round(shrink * geometry.width), round(shrink * geometry.height)
            place = geometry.five() * shrink
    matrix = similarity(five, place)
    cut = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=(128, 128, 128))
    return cut.astype(np.uint8, copy=False)


def of_portrait(models: FaceModels, image: bytes) -> Picture | None:
    """Return a chip's portrait in the same crop, whole if no face is found; None if it cannot be decoded. The bytes are untrusted."""
    if (picture := decoded(image, pixels_max=PORTRAIT_PIXELS_MAX)) is None:
        return None
    main = central(models.finder.find(picture), width=picture.shape[1], height=picture.shape[0])
    try:
        return _whole(picture) if main is None else cut_out(picture, models.finder.points(picture, main).five)
    except NoFaceError:
        return _whole(picture)


class Likeness:
    """One crossing's pictures. `live`: the best frame so far, in the site's geometry if it has one; `moments`: the
    newest few, each at least `MOMENT_EVERY_MS` after the one before.
    """

    def __init__(self, geometry: Geometry | None = None) -> None:
        self._geometry = geometry
        self.live: Picture | None = None
        self.moments: list[Picture] = []
        self._subject = 0
        self._rank: tuple[bool, float] | None = None
        self._moment_ms: int | None = None

    def see(self, frame: Picture, seen: Observation) -> None:
        """Take the next frame that may be compared."""
        if seen.faces != 1 or seen.points is None or seen.quality is None:
            return
        if seen.subject != self._subject:
            self.wipe()
            self._subject = seen.subject
        rank = (seen.quality.usable, seen.quality.worth)
        is_best = self._rank is None or rank > self._rank
        is_moment = self._moment_ms is None or seen.at_ms - self._moment_ms >= MOMENT_EVERY_MS
        if not (is_best or is_moment):
            return
        try:
            if is_best:
                self.live, self._rank = cut_out(frame, seen.points.five, self._geometry), rank
            if is_moment:
                moment = cut_out(frame, seen.points.five)
                self.moments, self._moment_ms = [*self.moments, moment][-MOMENTS_MAX:], seen.at_ms
        except NoFaceError:
            return

    def wipe(self) -> None:
        """Zero the pictures, and start again."""
        for picture in (self.live, *self.moments):
            if picture is not None:
                picture.fill(0)
        self.live, self.moments, self._rank, self._moment_ms = None, [], None, None


def _whole(picture: Picture) -> Picture:
    """Return the whole picture, as large as fits."""
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    matrix = np.array([[scale, 0.0, (WIDTH - scale * width) / 2], [0.0, scale, (HEIGHT - scale * height) / 2]])
    fitted = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(128, 128, 128))
    return fitted.astype(np.uint8, copy=False)
