"""The distributions of this repository: which folder is which, what each declares, and its wheel as it is built here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fakes.roots import ROOT
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

# Each folder with the packages that its wheel carries.
FOLDERS = {
    ".": {"gate", "drivers", "models"},
    "core": {"gate_core"},
    "documents": {"gate_documents"},
    "verify": {"gate_verify"},
    "central": {"gate_central"},
    "officers": {"gate_officers"},
    "lab": {"gate_lab"},
    "hardware-sim": {"hardware_sim", "gate_demo"},
    "contract": {"gate_contract"},
}


def described(folder: str) -> dict[str, Any]:
    """The whole pyproject.toml of a distribution."""
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())


def project(folder: str) -> dict[str, Any]:
    """What a distribution says of itself to whoever installs it."""
    found: dict[str, Any] = described(folder)["project"]
    return found


def with_needed(folder: str) -> list[str]:
    """This distribution, and ours that it depends on, or that these depend on."""
    by_name = {project(one)["name"]: one for one in FOLDERS}
    found = [folder]
    for one in found:
        names = (Requirement(text).name for text in project(one)["dependencies"])
        found += [by_name[name] for name in names if name in by_name and by_name[name] not in found]
    return found


def build(folder: str, into: Path) -> Path:
    """Build the wheel of a distribution; return its path."""
    (wheel,) = WheelBuilder(str(ROOT / folder)).build(directory=str(into), versions=["standard"])
    return Path(wheel)
