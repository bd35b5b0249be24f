"""Closes what tests opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from central_fakes.server import close_databases


@pytest.fixture(autouse=True)
def _databases_are_closed() -> Iterator[None]:
    """Close the servers' databases that a test opened in memory."""
    yield
    close_databases()
