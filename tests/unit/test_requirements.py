"""The locked requirements: what two of the files name is the same version with the same files, whatever each is for."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "requirements"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\\n]+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    return {name.lower(): version for name, version in _PIN.findall(path.read_text())}


FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize(("one", "other"), list(combinations(FILES, 2)), ids=lambda path: path.stem)
def test_two_lists_never_want_different_versions(one: Path, other: Path) -> None:
    first, second = pins(one), pins(other)
    assert first
    assert {
        name: (first[name], second[name]) for name in first.keys() & second.keys() if first[name] != second[name]
    } == {}
