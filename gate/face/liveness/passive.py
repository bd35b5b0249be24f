"""How likely the face is a person before the camera and not a picture of one.

A weak signal (models/cards/fr_liveness.md): it may refer a traveller and may never admit one.
"""

from __future__ import annotations

import cv2
import numpy as np

from gate.face.errors import NoFaceError
from gate.face.values import Box
from gate.picture import Picture
from models.runtime import Session

CROP_SCALE = 2.7


def live_probability(session: Session, picture: Picture, box: Box) -> float:
    """Score the face in `box`, 0 (a picture) to 1 (a person). Raises NoFaceError for a box outside the picture."""
    left, top, right, bottom = context_crop(box, width=picture.shape[1], height=picture.shape[0])
    _, _, height, width = session.model.input.shape
    crop = cv2.resize(picture[top:bottom, left:right], (width, height))
    tensor = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], dtype=np.float32)  # BGR, 0 to 255
    (logits,) = session.run(tensor)
    weights = np.exp(logits[0].astype(np.float64) - float(logits[0].max()))
    return float(weights[0] / weights.sum())


def context_crop(box: Box, *, width: int, height: int) -> tuple[int, int, int, int]:
    """The box made 2.7 times larger, less where the picture is too small, and shifted inside it: left, top, right, bottom."""
    if box.width < 1 or box.height < 1 or box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise NoFaceError("the face lies outside the picture")
    scale = min(CROP_SCALE, width / box.width, height / box.height)
    crop_width, crop_height = min(width, round(box.width * scale)), min(height, round(box.height * scale))
    x, y = box.centre
    left = min(max(0, round(x - crop_width / 2)), width - crop_width)
    top = min(max(0, round(y - crop_height / 2)), height - crop_height)
    return left, top, left + crop_width, top + crop_height
