"""The wheel carries what a gate runs, with its data, and not what makes and measures models."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def carried() -> set[str]:
    return {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}


def test_what_makes_and_measures_models_stays_out(carried: set[str]) -> None:
    assert not {path for path in carried if path.startswith(("models/train/", "models/evaluate/", "tests/"))}


def test_what_the_programs_and_commands_read_beside_their_code_is_carried(carried: set[str]) -> None:
    beside = {
        str(path.relative_to(ROOT))
        for room in ("gate", "drivers")
        for ending in ("html", "css", "js", "toml", "png", "ftl", "svg")
        for path in (ROOT / room).rglob(f"*.{ending}")
    }
    assert {"gate/performance/pages/face_report.html", "gate/cli/pages/trust_report.html"} <= beside
    assert beside | {"models/manifest.toml", "models/fetch.py", "gate/demo/play.py"} <= carried
