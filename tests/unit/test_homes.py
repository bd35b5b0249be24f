"""The clock and the environment have one reader each: everything else takes time, and settings, as arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from fakes.roots import PACKAGES

PLACES = [place for name, place in PACKAGES.items() if name.startswith("gate")]
CLOCK = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
HOMES = (
    ("the clock", CLOCK, "programs/clock.py"),
    ("the environment", ENVIRONMENT, "settings/environment.py"),
)


def names_in(source: str) -> Iterator[str]:
    """What a module reaches for, as it is written: `os.environ`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("what", "names", "home"), HOMES, ids=[what for what, _, _ in HOMES])
def test_nothing_but_its_home_reads(what: str, names: set[str], home: str) -> None:
    readers = {path for place in PLACES for path in place.rglob("*.py") if names & set(names_in(path.read_text()))}
    assert readers == {PACKAGES["gate_core"] / home}, what


def test_a_reader_would_be_found() -> None:
    assert set(names_in("import os\nfrom time import time\nos.environ['A']")) == {"os.environ", "time.time"}
