"""The PC/SC reader on a real pcscd: cards that come, go and are swapped, and a service that dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.roots import search_path

pytestmark = pytest.mark.pcsc

ROOT = Path(__file__).resolve().parents[2]


def test_cards_come_and_go_and_the_service_dies_and_returns(tmp_path: Path) -> None:
    paths = search_path()
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "fakes.pcsc_reader_story", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    measured = json.loads(told.stdout)
    if "absent" in measured:
        pytest.skip(f"no PC/SC here: {measured['absent']}")
    # Generous bounds: they tell "at once" from "when a time limit ran out", nothing more.
    assert measured["card_ms"] < 2000
    assert measured["command_ms"] < 20
    assert measured["removal_ms"] < 2000
