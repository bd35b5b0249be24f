"""Tests hand in what they need otherwise; to change a module or a class under it is the exception: less than one in 1,000 lines."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("tests", *(str(place.relative_to(ROOT)) for place in ROOT.glob("*/tests")))
LINES_A_PATCH = 1_000
PATCH = re.compile(r"\.(?:setattr|setitem|delattr|delitem)\(|\bmock\.patch\b|\bpatch\(")


def test_patches_are_fewer_than_one_in_a_thousand_lines_of_tests() -> None:
    sources = {path: path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    lines = sum(source.count("\n") for source in sources.values())
    found = {str(path.relative_to(ROOT)): len(PATCH.findall(source)) for path, source in sources.items()}
    most = sorted(((count, name) for name, count in found.items()), reverse=True)[:5]
    assert sum(found.values()) * LINES_A_PATCH < lines, most


def test_one_would_be_found() -> None:
    for name in ("setattr", "delitem"):
        assert PATCH.search(f"with pytest.MonkeyPatch.context() as other:\n    other.{name}(clock, 'now')")
    assert not PATCH.search("setattr(fake, 'plugged', False); monkeypatch.setenv('PATH', '')")
