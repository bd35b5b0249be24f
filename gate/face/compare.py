"""How alike two templates are, how those of several frames become one, and swaps: whether a face came lately with another document, or the reverse.

For swaps the referrals of one lane and of stated minutes are held against one another, pair by pair: there is no gallery. A document is known again by
its portrait: the same picture from the same chip gives the same template.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from gate.face.values import Template
from gate_core.evidence.crossing import Swap
from models.cohort import Cohort

SAME_PORTRAIT_MIN: Final = 0.9999  # a picture read twice gives 1.0000; the same photograph mirrored, cropped, made smaller or encoded anew 0.9997 at most of 108


def alike(one: Template, other: Template) -> float:
    """How alike two templates are, -1 to 1: the cosine of the angle between them, seen against the site's cohort if they have one.

    Raises ValueError for templates of different models: their numbers mean nothing to each other.
    """
    plain = cosine(one, other)
    if one.cohort is None:
        return plain
    standings = [one.cohort.standing(template.vector[None]) for template in (one, other)]
    return float(one.cohort.seen(np.array([[plain]], np.float32), *standings)[0, 0])


def cosine(one: Template, other: Template) -> float:
    """The cosine of the angle between two templates, whatever is usual among people: 1 for the same picture. Raises as `alike` does."""
    if one.model != other.model:
        raise ValueError(f"templates of {one.model} and {other.model} do not compare")
    return max(-1.0, min(1.0, float(one.vector @ other.vector)))


def fused(templates: Sequence[Template], weights: Sequence[float]) -> Template:
    """The direction of the weighted mean of the templates of one person's frames.

    On worsened sequences (docs/biometrics.md) it misses half as many travellers as the median of the cosines at the same FMR, and the
    FMR at the threshold for single pairs stays what it was; the best cosine's does not, and it would choose the frame by the
    portrait. Raises ValueError without templates, for several models, for a weight that is not above zero, and for
    templates that point apart.
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
    """What a face and a chip's portrait are to earlier pairs. A document that others came with is the graver of the two."""
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
    """A pair as it is remembered: float32, the face first. It lies in the memory of one machine, for minutes."""
    return face.vector.astype("<f4").tobytes() + portrait.vector.astype("<f4").tobytes()


def pair_of(content: bytes, model: str, cohort: Cohort | None = None) -> tuple[Template, Template]:
    """What `spelt` spelt, of this model and cohort. Raises ValueError for anything else."""
    both = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if not np.all(np.abs(both) <= 1.0 + 1e-6):  # nor is what is no number
        raise ValueError("a template is of unit length")
    face, portrait = np.split(both, 2)
    return Template(face.copy(), model, cohort), Template(portrait.copy(), model, cohort)
