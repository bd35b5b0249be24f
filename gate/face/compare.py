"""How alike two templates are, and how many live ones make one score."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gate.face.values import Template


def alike(one: Template, other: Template) -> float:
    """The cosine of the angle between two templates, -1 (opposite) to 1 (the same).

    Raises ValueError for templates of different models: their numbers mean nothing to each other.
    """
    if one.model != other.model:
        raise ValueError(f"templates of {one.model} and {other.model} do not compare")
    return max(-1.0, min(1.0, float(one.vector @ other.vector)))


def alike_over_frames(portrait: Template, live: Iterable[Template]) -> float:
    """The median over the live templates.

    The threshold was measured on single pairs; the median keeps their meaning, where the best of n frames would raise
    the false match rate and one blurred frame would sink a mean. Raises ValueError without any live template.
    """
    return statistics.median(alike(portrait, template) for template in live)
