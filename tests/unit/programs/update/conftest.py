"""Folders in memory: repositories are written durably, file by file, and each of these tests makes some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_fakes.updates import folder_in_memory


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with folder_in_memory() as folder:
        yield folder
