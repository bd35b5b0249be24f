"""The threat model names tests and files: each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs/threat-model.md").read_text()
SECTION: Final = PAGE.partition("\n## Eight threats")[2].partition("\n## ")[0]
ROWS: Final = re.findall(r"^\| \*\*(.*?)\*\*(.*)\|$", SECTION, re.MULTILINE)


def defined_in(path: str) -> set[str]:
    """The names of a file's tests."""
    found = ast.walk(ast.parse((ROOT / path).read_text()))
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_and_file_that_the_page_names_is_there() -> None:
    named = re.findall(
        r"(?:\b[a-z-]+/)?tests/[\w/]+\.py|(?<=`)(?:gate|drivers|packaging|systemd|requirements)/[\w/.-]+", PAGE
    )
    assert [one for one in named if not (ROOT / one).exists()] == []
    tests = re.findall(r"((?:\b[a-z-]+/)?tests/[\w/]+\.py)::(\w+)", PAGE)
    assert [f"{path}::{name}" for path, name in tests if name not in defined_in(path)] == []


def test_each_of_the_eight_threats_says_what_is_done_what_is_not_and_which_test_shows_it() -> None:
    assert len(ROWS) == 8
    for name, row in ROWS:
        _, done, open_, shown = row.split(" | ")
        assert re.search(r"`[\w/]+\.[a-z]+`|guides/", done), name
        assert len(open_) > 40, name
        assert "::test_" in shown, name
