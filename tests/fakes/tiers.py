"""One parameter in both tiers: a few of its values with every test, the others with the long ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def quick_or_long(values: Iterable[Any], *, quick: Collection[Any]) -> list[Any]:
    """The values in their order; all but `quick` carry the mark `long`. Each of those must be among the values."""
    values = list(values)
    assert all(value in values for value in quick), "what runs quickly is among the values"
    return [value if value in quick else pytest.param(value, marks=pytest.mark.long) for value in values]
