"""Where the sources of the distributions lie, as pyproject.toml says it to pytest."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES: tuple[str, ...] = tuple(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["pythonpath"]
)
SOURCES = tuple(place for place in PLACES if Path(place).name != "tests")
PACKAGES = {name: ROOT / name for name in ("gate", "drivers", "models")} | {
    package.parent.name: package.parent
    for place in SOURCES
    if place != "."
    for package in (ROOT / place).glob("*/__init__.py")
}


def search_path(tree: Path = ROOT) -> str:
    """What PYTHONPATH is for a program of this tree, and of its tests."""
    return os.pathsep.join(str(tree / place) for place in PLACES)
