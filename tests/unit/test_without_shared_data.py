"""A stranger's clone has no shared test data beside it: its tests are green there, and an empty set of cases never is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.roots import search_path
from shared_data import NO_SHARED_DATA

ROOT = Path(__file__).resolve().parents[2]
EMPTY = "import pytest\n\n\n@pytest.mark.parametrize('one', [])\ndef test_one(one):\n    assert one\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The tests alone, in a folder where nothing else lies."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, folder)
    return folder


def run(clone: Path, *what: str) -> tuple[int, str]:
    """The tests as pytest judges them: its exit status and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *what],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": search_path()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_conformance_tests_are_skipped_with_leave(clone: Path) -> None:
    status, said = run(clone, "tests/conformance")
    assert status == 0, said
    last = said.strip().splitlines()[-1]
    assert "skipped" in last
    assert "passed" not in last
    assert all(NO_SHARED_DATA in line for line in said.splitlines() if line.startswith("SKIPPED"))


def test_data_that_is_there_and_lacks_the_cases_fails(clone: Path) -> None:
    (clone.parent / "shared/data").mkdir(parents=True)
    status, said = run(clone, "tests/conformance/test_emrtd_data.py")
    assert status != 0
    assert "Empty parameter set" in said


def test_an_empty_set_of_cases_fails_wherever_it_is(clone: Path) -> None:
    empty = clone / "tests/unit/test_with_no_case.py"
    empty.write_text(EMPTY)
    status, said = run(clone, str(empty))
    assert status != 0
    assert "Empty parameter set" in said


def test_a_skip_that_nobody_allowed_fails(clone: Path) -> None:
    hiding = clone / "tests/unit/test_that_hides.py"
    hiding.write_text("import pytest\n\n\ndef test_one():\n    pytest.skip('not today')\n")
    status, said = run(clone, str(hiding))
    assert status != 0
    assert "SKIPPED WITHOUT LEAVE" in said
