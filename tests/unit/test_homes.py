"""The clock and the environment have one reader each: everything else takes time, and settings, as arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from fakes.roots import PACKAGES

PLACES = [
    place for name, place in PACKAGES.items() if name != "hardware_sim"
]  # the simulated world has a clock of its own
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
# Where each is read. Of the environment also where a library's own name is set, before that library reads it: none is read for us there.
HOMES = (
    ("the clock", CLOCK, {"gate_core/programs/clock.py"}),
    (
        "the environment",
        ENVIRONMENT,
        {
            "gate_core/settings/environment.py",
            "drivers/reader/pcsc.py",  # PC/SC's socket
            "drivers/camera/v4l2.py",  # OpenCV's deadline for a picture
            "models/runtime.py",  # ONNX Runtime's telemetry, off
        },
    ),
)


def names_in(source: str) -> Iterator[str]:
    """What a module reaches for, as it is written: `os.environ`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("what", "names", "homes"), HOMES, ids=[what for what, _, _ in HOMES])
def test_nothing_but_its_home_reads(what: str, names: set[str], homes: set[str]) -> None:
    files = {str(path.relative_to(place.parent)): path for place in PLACES for path in place.rglob("*.py")}
    assert {name for name, path in files.items() if names & set(names_in(path.read_text()))} == homes, what


def test_a_reader_would_be_found() -> None:
    assert set(names_in("import os\nfrom time import time\nos.environ['A']")) == {"os.environ", "time.time"}
