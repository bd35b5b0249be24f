"""The whole gate with another document reader than the usual one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", "demo", "--headless", "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.long
def test_a_traveller_is_admitted_whose_document_was_typed_by_a_keyboard_wedge() -> None:
    done = demo("--travellers", "1", "--scenario", "genuine", "--reader", "keyboard")
    document = json.loads(done.stdout)
    assert done.returncode == 0, document["differences"]
    assert (document["admitted"], document["wrong_openings"]) == (1, 0)


def test_a_reader_that_nobody_makes_is_a_wrong_usage() -> None:
    done = demo("--reader", "crystal-ball")
    assert done.returncode == 2
    assert "rte-native" in done.stderr
