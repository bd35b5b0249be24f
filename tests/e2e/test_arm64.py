"""A gate's libraries and models on arm64, as far as an x86 machine can tell: the locked wheels, and the golden values under qemu-user."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gate.cli.models import default_folder

pytestmark = [pytest.mark.long, pytest.mark.e2e]

ROOT = Path(__file__).parents[2]


def test_the_locked_libraries_give_every_models_golden_values_on_arm64(tmp_path: Path) -> None:
    tree = tmp_path / "arm64"
    first = subprocess.run(
        [ROOT / "packaging/arm64", tree, default_folder()], capture_output=True, text=True, check=False
    )
    assert first.returncode == 0, first.stderr[-2000:]
    models = json.loads(first.stdout.splitlines()[-1])["models"]
    assert len(models) == 7
    assert all(model["ok"] for model in models), models

    shutil.copy("/bin/true", tree / "site" / "planted")
    again = subprocess.run(
        [ROOT / "packaging/arm64", tree, default_folder()], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert again.stderr.splitlines()[-1] == f"arm64: of another machine: {tree}/site/planted"
