"""One frame's data for the cues of a sequence: small pieces and numbers, so that no frame is kept.

The face is cut out along its box; `motion` removes the box's shifts. Spectra use the frame's own pixels: resizing would destroy a raster.
"""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.values import Box, Floats
from gate.picture import Picture

FACE_SIZE: Final = (128, 160)  # width, height of the cut-out face
SPECTRUM_SIDE_PX: Final = 128
_FACE_SHRINK: Final = 0.08  # of the box, off each side: its corners show the hall
_LIGHT_GRID: Final = (2, 4)  # rows and columns in which the middle of the face is averaged
_HALL_HEIGHT: Final = 0.5  # the hall is looked at beside the upper part of the face, above the shoulders


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """One frame's data. All of it shows a person, so it has no useful repr and exists only in the crossing's child.

    `grey`: the face, (160, 128) uint8. `power`: logarithm of its power spectrum, (128, 128), None for a face under 128
    pixels wide or high. `face_light` and `hall_light`: means of linear red, green and blue: (2, 4, 3) over the face,
    (3,) beside it, the latter None if the face fills the picture.
    """

    at_ms: int
    box: Box
    grey: npt.NDArray[np.uint8] = field(repr=False)
    power: Floats | None = field(repr=False)
    face_light: Floats = field(repr=False)
    hall_light: Floats | None = field(repr=False)

    def wipe(self) -> None:
        """Zero data that shows the person."""
        self.grey.fill(0)


def extract_features(frame: Picture, box: Box, *, at_ms: int) -> FrameFeatures | None:
    """Return the features of the face in `box`; None if the frame's edge cuts the box too much."""
    height, width = frame.shape[:2]
    left, right = box.left + _FACE_SHRINK * box.width, box.right - _FACE_SHRINK * box.width
    top, bottom = box.top + _FACE_SHRINK * box.height, box.bottom - _FACE_SHRINK * box.height
    if min(left, top) < 0 or right > width or bottom > height or right - left < 32 or bottom - top < 32:
        return None
    colour = _cut(frame, (left, top, right, bottom))
    (face_width, face_height), (rows, columns) = FACE_SIZE, _LIGHT_GRID
    middle = colour[face_height // 4 : face_height - face_height // 4, face_width // 8 : face_width - face_width // 8]
    return FrameFeatures(
        at_ms=at_ms,
        box=box,
        grey=cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False),
        power=_power(frame, box),
        face_light=cv2.resize(_linear(middle), (columns, rows), interpolation=cv2.INTER_AREA).astype(
            np.float32, copy=False
        ),
        hall_light=_hall_light(frame, box),
    )


def _cut(frame: Picture, edges: tuple[float, float, float, float]) -> Picture:
    left, top, right, bottom = edges
    width, height = FACE_SIZE
    scale_x, scale_y = (right - left) / width, (bottom - top) / height
    matrix = np.array([[scale_x, 0, left], [0, scale_y, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame, matrix, FACE_SIZE, flags=flags).astype(np.uint8, copy=False)


def _power(frame: Picture, box: Box) -> Floats | None:
    side = SPECTRUM_SIDE_PX
    if box.width < side or box.height < side:
        return None
    x, y = (round(value - side / 2) for value in box.centre)
    piece = frame[y : y + side, x : x + side]
    if piece.shape[:2] != (side, side):
        return None
    grey = cv2.cvtColor(piece, cv2.COLOR_BGR2GRAY).astype(np.float32)
    window = np.hanning(side).astype(np.float32)
    spectrum = np.fft.fft2((grey - grey.mean()) * window[:, None] * window[None])
    return np.log(np.abs(spectrum) ** 2 + 1.0).astype(np.float32)


def _linear(picture: Picture) -> Floats:
    """Return the approximate red, green and blue of the sensor."""
    return (np.float32(1 / 255) * picture[..., ::-1]) ** np.float32(2.2)


def _hall_light(frame: Picture, box: Box) -> Floats | None:
    """The mean beside the head, on the sides that are at least a quarter of the face wide."""
    wide = 0.25 * box.width
    top, bottom = max(0, int(box.top)), int(box.top + _HALL_HEIGHT * box.height)
    edges = ((0, int(box.left - wide)), (int(box.right + wide), frame.shape[1]))
    pieces = [frame[top:bottom:4, left:right:4] for left, right in edges if right - left >= wide]
    if not pieces:
        return None
    light: Floats = np.mean([_linear(piece).mean(axis=(0, 1)) for piece in pieces], axis=0).astype(np.float32)
    return light
