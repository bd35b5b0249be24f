"""From five points to a template, in the position and the pixels that the embedder's manifest entry asks for.

fr_feature wants BGR: fed RGB it makes twice the errors (docs/biometrics.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gate.face.align import ALIGNMENTS, align
from gate.face.values import Floats, NoFaceError, Points, Template
from gate.picture import Picture
from models.cohort import Cohort
from models.manifest import Model, Pixels
from models.runtime import Session

_HASH = 8
_NAME_MAX = 54  # both together are a name again


def standard_position(session: Session, picture: Picture, five: Points) -> Picture:
    """The face as the embedder wants it, BGR."""
    return align(picture, five, ALIGNMENTS[_pixels(session).alignment])


def embed_portrait(session: Session, aligned: Picture, cohort: Cohort | None = None) -> Template:
    """Embed an aligned face together with its mirror image, as `embed` does.

    A portrait is one picture that a whole crossing rests on, so it may cost twice; a frame is one of several. On the LFW subset
    this lowers FNMR at FMR 1e-4 (1.8e-4 among people of the same sex) from 2.0 to 1.8 % and leaves the thresholds where they were. Raises NoFaceError.
    """
    return embed(session, [aligned, np.ascontiguousarray(aligned[:, ::-1])], cohort)


def embed(session: Session, crops: Sequence[Picture], cohort: Cohort | None = None) -> Template:
    """Embed aligned crops of one face to the direction between their templates, to be compared against the site's cohort if there is one.

    Raises NoFaceError for a face that leaves the model without an answer.
    """
    vector = np.sum([_direction(session, crop) for crop in crops], axis=0)
    return Template(_unit(vector), space_of(session.model, cohort), cohort)


def space_of(model: Model, cohort: Cohort | None) -> str:
    """What a template's numbers mean: the model's name, and with a cohort some of that one's hash. Only templates of one space compare."""
    return model.name if cohort is None else f"{model.name[:_NAME_MAX]}_{cohort.sha256[:_HASH]}"


def _direction(session: Session, aligned: Picture) -> Floats:
    pixels = _pixels(session)
    mean = (pixels.mean,) * 3
    tensor = cv2.dnn.blobFromImage(aligned, 1 / pixels.divisor, mean=mean, swapRB=pixels.order == "RGB")
    (output,) = session.run(tensor.astype(np.float32, copy=False))
    return _unit(output[0])


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        raise NoFaceError("the embedder gave no direction")
    return (vector / np.float32(length)).astype(np.float32, copy=False)


def _pixels(session: Session) -> Pixels:
    pixels = session.model.pixels
    assert pixels is not None, "the manifest gives an embedder its pixels"
    return pixels
