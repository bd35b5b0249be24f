"""One booted gate serves every test that wants one: it takes half a minute, and each test leaves it in service. Machines with the package of the
central server are a file's own: each sets up another of its services.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.boot.gate import Gate, installed
from fakes.boot.machine import Machine, NoBootError, booted

CENTRAL = "/opt/portcullis-central.deb"
BUILD = Path(__file__).resolve().parents[2] / "packaging/build"


@pytest.fixture(scope="session")
def package() -> Path:
    """The gate's Debian package, built of this tree; in a minute or two, or at once when nothing of it changed."""
    done = subprocess.run([BUILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def booted_gate(package: Path) -> Iterator[Gate]:
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    try:
        with installed(folder, package) as made:
            yield made
    except NoBootError as error:
        pytest.skip(f"no machine can be booted here: {error}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def gate(booted_gate: Gate) -> Gate:
    """The booted gate, in service."""
    booted_gate.until(booted_gate.is_in_service, "the gate is in service")
    return booted_gate


@pytest.fixture(scope="module")
def server(package: Path) -> Iterator[Machine]:
    """A booted machine with the package `portcullis-central`, of which nothing is set up."""
    folder = Path(tempfile.mkdtemp(prefix="central-"))
    (deb,) = package.parent.glob("portcullis-central_*.deb")
    (folder / "tree").mkdir()
    try:
        with booted(folder, folder / "tree", {deb: CENTRAL}) as machine:
            machine.run("dpkg", "--install", CENTRAL)
            yield machine
    finally:
        shutil.rmtree(folder)
