"""`gate --version`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version


def test_the_version_is_told() -> None:
    command = [sys.executable, "-m", "gate.cli", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == f"gate {version('portcullis')}\n"
