"""Each distribution is installed alone, in an environment that nobody else's code is in, and passes its own tests there.

A stranger has the wheel, what it depends on, the tools of its tests, and its folder `tests`; where these have a peer, its source.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from fakes.distributions import build, described, project, with_needed
from fakes.roots import ROOT
from packaging.requirements import Requirement

pytestmark = [pytest.mark.long, pytest.mark.e2e]

NOT_THERE = ("gate", "drivers", "models", "cv2", "onnxruntime")
NO_REGISTRY = "no package registry is reached"
LOOK = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))"


@dataclass(frozen=True)
class Alone:
    """A distribution. `tests_min`: so many of its tests pass. `peers`: source of ours that its tests find by their `pythonpath`. `not_there`: what
    it must do without; a test that takes the first of these is seen.
    """

    folder: str
    tests_min: int
    peers: tuple[str, ...] = ()
    not_there: tuple[str, ...] = NOT_THERE


SIMULATOR_PEERS = (
    *("core/tests/core_fakes", "documents/tests/document_fakes", "documents/tests/vectors"),
    *("tests/fakes", "tests/renderer", "docs/protocols"),
)
DISTRIBUTIONS = (
    Alone("documents", 1_600, ("hardware-sim/src/hardware_sim/passport", "hardware-sim/src/hardware_sim/chip")),
    Alone("verify", 390, ("core/tests/core_fakes", "docs/protocols"), (*NOT_THERE, "numpy")),
    Alone("officers", 160, ("core/tests/core_fakes",), (*NOT_THERE, "numpy")),
    Alone("core", 730, ("verify/src/gate_verify", "contract/src/gate_contract"), (*NOT_THERE, "numpy")),
    Alone(
        "central",
        425,
        ("core/tests/core_fakes", "verify/src/gate_verify", "contract/src/gate_contract"),
        (*NOT_THERE, "numpy"),
    ),
    Alone("lab", 330, ("tests/fakes", "core/tests/core_fakes"), ("gate_central", "gate_officers", "hardware_sim")),
    Alone("hardware-sim", 1_700, SIMULATOR_PEERS, ("gate_lab",)),
)


def locked(wanted: Iterable[str], lock: Path) -> str:
    """The part of a lock that these requirements come to, here: they and what they need in turn."""
    blocks: dict[str, str] = {}  # a library may be locked once for each version of Python
    for block in re.split(r"\n(?=[a-z0-9])", lock.read_text().strip()):
        name = block.partition("==")[0]
        blocks[name] = f"{blocks[name]}\n{block}" if name in blocks else block
    found: dict[str, str] = {}
    left = [(Requirement(text), "") for text in wanted]  # each with the extra of its parent that may ask for it
    while left:
        one, extra = left.pop()
        name = re.sub(r"[-_.]+", "-", one.name).lower()
        if (name in found and not one.extras) or (one.marker is not None and not one.marker.evaluate({"extra": extra})):
            continue
        found[name] = blocks[name]
        needed = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
        left += [(each, asked) for asked in ("", *one.extras) for each in needed]
    return "\n".join(found.values()) + "\n"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "VIRTUAL_ENV"))}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=1500)


def installed(one: Alone, place: Path) -> Path:
    """Make an environment with the wheels, what they declare and the tools of the tests; return its interpreter."""
    ours = with_needed(one.folder)
    wheels = [build(folder, place / "wheels") for folder in ours]
    names = {project(folder)["name"] for folder in ours}
    declared = [
        text for folder in ours for text in project(folder)["dependencies"] if Requirement(text).name not in names
    ]
    requirements = place / "requirements.txt"
    requirements.write_text(
        locked([*declared, *described(one.folder)["dependency-groups"]["test"]], ROOT / "requirements/dev.txt")
    )
    made = run(sys.executable, "-m", "venv", place / "environment", cwd=place)
    assert made.returncode == 0, made.stderr
    python = place / "environment/bin/python"
    pip = (python, "-m", "pip", "--quiet", "install", "--no-deps")
    libraries = run(*pip, "--require-hashes", "--only-binary=:all:", "-r", requirements, cwd=place)
    if "Failed to establish a new connection" in libraries.stderr or "Temporary failure in name" in libraries.stderr:
        pytest.skip(NO_REGISTRY)
    for done in (libraries, run(*pip, "--no-index", *wheels, cwd=place), run(python, "-m", "pip", "check", cwd=place)):
        assert done.returncode == 0, done.stdout + done.stderr
    return python


def laid_out(one: Alone, place: Path) -> Path:
    """Copy what a stranger takes: the tests with what configures them, and their peers; return the distribution's folder."""
    unwanted = shutil.ignore_patterns("__pycache__")
    folder = place / one.folder
    shutil.copytree(ROOT / one.folder / "tests", folder / "tests", ignore=unwanted)
    shutil.copy(ROOT / one.folder / "pyproject.toml", folder)
    for peer in one.peers:
        shutil.copytree(ROOT / peer, place / peer, ignore=unwanted)
    return folder


def judged(python: Path, folder: Path, *words: str) -> tuple[dict[str, int], str]:
    """Run the tests that lie in this folder; what their report counts, and what was said."""
    report = folder / "report.xml"
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *words, cwd=folder)
    (suite,) = ET.parse(report).getroot()
    return {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}, done.stdout[-5000:]


@pytest.mark.parametrize("one", DISTRIBUTIONS, ids=lambda one: one.folder)
def test_a_distribution_passes_its_own_tests_where_nothing_else_of_ours_is(tmp_path: Path, one: Alone) -> None:
    python = installed(one, tmp_path)
    folder = laid_out(one, tmp_path)
    places = described(one.folder)["tool"]["pytest"]["ini_options"]["pythonpath"]
    seen = run(python, "-c", f"import sys; sys.path[:0] = {places}; {LOOK}", *one.not_there, "pytest", cwd=folder)
    assert seen.stdout.split() == ["pytest"], seen
    counts, said = judged(python, folder)
    assert (counts["failures"], counts["errors"], counts["skipped"]) == (0, 0, 0), said
    assert counts["tests"] >= one.tests_min, said
    # A test that takes something of the appliance, or of another machine, is seen.
    (folder / "tests/test_that_takes_more.py").write_text(f"import {one.not_there[0]}\n")
    counts, said = judged(python, folder, "tests/test_that_takes_more.py")
    assert counts["errors"] == 1, said
    assert f"No module named '{one.not_there[0]}'" in said
