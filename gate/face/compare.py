"""How alike two templates are, and how the templates of several frames become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gate.face.values import Template


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
