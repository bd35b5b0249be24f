"""Tests hand in what they need otherwise; to change a module or a class under it is the exception, and it is not to become more."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("tests", *(str(place.relative_to(ROOT)) for place in ROOT.glob("*/tests")))
PATCHES_MAX = 160
PATCH = re.compile(r"\.(?:setattr|setitem|delattr|delitem)\(|\bmock\.patch\b|\bpatch\(")


def test_patches_do_not_become_more() -> None:
    sources = {path: path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    found = {str(path.relative_to(ROOT)): len(PATCH.findall(source)) for path, source in sources.items()}
    most = sorted(((count, name) for name, count in found.items()), reverse=True)[:5]
    assert sum(found.values()) <= PATCHES_MAX, most


def test_one_would_be_found() -> None:
    for name in ("setattr", "delitem"):
        assert PATCH.search(f"with pytest.MonkeyPatch.context() as other:\n    other.{name}(clock, 'now')")
    assert not PATCH.search("setattr(fake, 'plugged', False); monkeypatch.setenv('PATH', '')")
