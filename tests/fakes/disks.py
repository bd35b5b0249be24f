"""Small disks of a test's own, and how to fill them."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(*command: str, at: Path) -> Iterator[Path]:
    """A file system of our own, or a skip that says why not."""
    at.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    result = subprocess.run(["mount", *command, str(at)], capture_output=True, text=True, check=False, timeout=20)
    if result.returncode != 0:
        pytest.skip(f"mounting is not possible here: {result.stderr.strip()}")
    try:
        yield at
    finally:
        # A file system still mounted would be mounted a second time over itself, and show an older state.
        subprocess.run(["umount", str(at)], capture_output=True, check=True, timeout=20)


def fill(path: Path) -> None:
    """Write until there is no room for a page more."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        with contextlib.suppress(OSError):
            while os.write(descriptor, b"x" * 4096):
                pass
    finally:
        os.close(descriptor)
