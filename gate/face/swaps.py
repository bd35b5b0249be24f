"""Swaps: whether a face came lately with another document, or a document with another face.

What is held against one another are the referrals of one lane and of stated minutes, pair by pair: nobody is searched for, and there is no gallery. A document is known
again by its portrait: the same picture from the same chip gives the same template, whatever else two documents of one person have in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from gate.face.compare import alike, cosine
from gate.face.values import Template
from models.cohort import Cohort

SAME_PORTRAIT_MIN: Final = 0.9999  # a picture read twice gives 1.0000; the same photograph mirrored, cropped, made smaller or encoded anew 0.9997 at most of 108
OTHER_DOCUMENT: Final = "other_document"
OTHER_FACE: Final = "other_face"
NONE: Final = "none"


def swapped(
    face: Template, portrait: Template, earlier: Iterable[tuple[Template, Template]], *, same_face_min: float
) -> str:
    """What a face and a chip's portrait are to earlier pairs. A document that others came with is the graver of the two."""
    found = NONE
    for other_face, other_portrait in earlier:
        is_face = alike(face, other_face) >= same_face_min
        is_document = cosine(portrait, other_portrait) >= SAME_PORTRAIT_MIN
        if is_document and not is_face:
            return OTHER_FACE
        if is_face and not is_document:
            found = OTHER_DOCUMENT
    return found


def spelt(face: Template, portrait: Template) -> bytes:
    """A pair as it is remembered: float32, the face first. It lies in the memory of one machine, for minutes."""
    return face.vector.astype("<f4").tobytes() + portrait.vector.astype("<f4").tobytes()


def pair_of(content: bytes, model: str, cohort: Cohort | None = None) -> tuple[Template, Template]:
    """What `spelt` spelt, of this model and cohort. Raises ValueError for anything else."""
    both = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if not np.all(np.abs(both) <= 1.0 + 1e-6):  # nor is what is no number
        raise ValueError("a template is of unit length")
    face, portrait = np.split(both, 2)
    return Template(face.copy(), model, cohort), Template(portrait.copy(), model, cohort)
