"""The shared test data beside the checkout: where it lies, and test cases made of its files.

Tests that need it carry the marker `conformance`; where it is not, `conftest.py` skips them. Data that is there and lacks what a
test looks for fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NO_SHARED_DATA = "the shared test data is not beside the checkout"


def cases(found: Iterable[Path]) -> list[Any]:
    """One case a path. No path although the data is there is no case at all, which pytest takes for a mistake."""
    if not SHARED_DATA.is_dir():
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=NO_SHARED_DATA))]
    return [pytest.param(path, id=path.name) for path in sorted(found)]
