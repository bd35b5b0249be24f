"""One booted gate serves every test that wants one: it takes ten seconds, and each test leaves it in service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.boot.gate import Gate, installed
from fakes.boot.machine import NoBootError


@pytest.fixture(scope="session")
def booted_gate() -> Iterator[Gate]:
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    try:
        with installed(folder) as made:
            yield made
    except NoBootError as error:
        pytest.skip(f"no machine can be booted here: {error}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def gate(booted_gate: Gate) -> Gate:
    """The booted gate, in service."""
    booted_gate.until(booted_gate.is_in_service, "the gate is in service")
    return booted_gate
