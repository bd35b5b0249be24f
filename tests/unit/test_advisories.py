"""Whoever could ask about no library does not say that all is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/advisories.py"
SOUND = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
SILENT = {"name": "c", "skip_reason": "no answer"}


def asked(folder: Path, libraries: list[dict[str, Any]] | None, *words: str) -> tuple[int, str]:
    """The exit code and what was said, where `pip-audit` finds this."""
    found = folder / "pip-audit"
    said = "" if libraries is None else json.dumps({"dependencies": libraries})
    found.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    found.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words, "some.txt"],
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("libraries", "code", "offline"),
    [
        ([SOUND], 0, 0),
        ([SOUND, SILENT], 0, 0),
        ([SOUND, WEAK], 1, 1),
        ([SILENT, SILENT], 75, 0),
        ([], 75, 0),
        (None, 75, 0),
    ],
    ids=["sound", "one silent", "one weak", "all silent", "none", "no answer"],
)
def test_nothing_known_is_red_unless_somebody_says_that_nothing_can_be_known_here(
    tmp_path: Path, libraries: list[dict[str, Any]] | None, code: int, offline: int
) -> None:
    assert asked(tmp_path, libraries)[0] == code
    assert asked(tmp_path, libraries, "--offline")[0] == offline


def test_a_weakness_is_named_with_what_mends_it(tmp_path: Path) -> None:
    assert "b 2: X-1, mended in 3" in asked(tmp_path, [WEAK])[1]
