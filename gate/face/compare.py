"""Similarity of templates, fusion of several frames' templates, and swaps: a face that came recently with another document, or the reverse.

For swaps, one lane's referrals within a stated time are compared pair by pair; there is no gallery. A document is recognised by its portrait:
the same picture from the same chip gives the same template.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from gate.face.values import Template
from gate_core.evidence.crossing import Swap
from models.cohort import Cohort

SAME_PORTRAIT_MIN: Final = 0.9999  # a picture read twice gives 1.0000; the same photograph mirrored, cropped, made smaller or encoded anew 0.9997 at most of 108


def alike(one: Template, other: Template) -> float:
    """Return the similarity of two templates, -1 to 1: the cosine of their angle, relative to the site's cohort if they have one.

    Raises ValueError for templates of different models, which are not comparable.
    """
    plain = cosine(one, other)
    if one.cohort is None:
        return plain
    standings = [one.cohort.standing(template.vector[None]) for template in (one, other)]
    return float(one.cohort.seen(np.array([[plain]], np.float32), *standings)[0, 0])


def cosine(one: Template, other: Template) -> float:
    """Return the cosine of the angle between two templates, without a cohort: 1 for the same picture. Raises as `alike` does."""
    if one.model != other.model:
        raise ValueError(f"templates of {one.model} and {other.model} do not compare")
    return max(-1.0, min(1.0, float(one.vector @ other.vector)))


def fused(templates: Sequence[Template], weights: Sequence[float]) -> Template:
    """Return the direction of the weighted mean of the templates of one person's frames.

    On degraded sequences (docs/biometrics.md) it misses half as many travellers as the median of the cosines at the
    same FMR, and the FMR at the threshold for single pairs is unchanged. With the best cosine it would not be, and the
    portrait would choose the frame. Raises ValueError without templates, for several models, for a weight that is not
    above zero, and for templates that point in opposite directions.
    """
    if len({template.model for template in templates}) != 1 or not all(weight > 0.0 for weight in weights):
        raise ValueError("templates of one model and positive weights are fused")
    mean = np.sum(
        [template.vector * np.float32(weight) for template, weight in zip(templates, weights, strict=True)], axis=0
    )
    length = float(np.linalg.norm(mean))
    if not length > 1e-3 * sum(weights):
        raise ValueError("the templates point apart")
    return Template((mean / np.float32(length)).astype(np.float32), templates[0].model, templates[0].cohort)


def swapped(
    face: Template, portrait: Template, earlier: Iterable[tuple[Template, Template]], *, same_face_min: float
) -> Swap:
    """Compare a face and a chip's portrait with earlier pairs. A document that others presented is the more serious of the two."""
    found = Swap.NONE
    for other_face, other_portrait in earlier:
        is_face = alike(face, other_face) >= same_face_min
        is_document = cosine(portrait, other_portrait) >= SAME_PORTRAIT_MIN
        if is_document and not is_face:
            return Swap.OTHER_FACE
        if is_face and not is_document:
            found = Swap.OTHER_DOCUMENT
    return found


def spelt(face: Template, portrait: Template) -> bytes:
    """Return a pair as it is remembered: float32, the face first. It stays in the memory of one machine, for minutes."""
    return face.vector.astype("<f4").tobytes() + portrait.vector.astype("<f4").tobytes()


def pair_of(content: bytes, model: str, cohort: Cohort | None = None) -> tuple[Template, Template]:
    """Return the pair from `spelt`, of this model and cohort. Raises ValueError for anything else."""
    both = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if not np.all(np.abs(both) <= 1.0 + 1e-6):  # nor is what is no number
        raise ValueError("a template is of unit length")
    face, portrait = np.split(both, 2)
    return Template(face.copy(), model, cohort), Template(portrait.copy(), model, cohort)
