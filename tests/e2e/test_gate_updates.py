"""Updates on a booted gate: the real package, systemd, users and sandboxes; one that is kept, one that takes itself back, and back by hand.

The software that comes is the package's own under another number: what is proven is the way, and that the gate serves a traveller after it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fakes.boot.gate import NO_RECORD, Gate, approval, approve, installed
from lab_fakes.updates import Operator

from gate.updates.layout import Here, Kind

pytestmark = [pytest.mark.long, pytest.mark.e2e]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "packaging/update"
BEFORE = "7ce22610"  # the last commit whose appliance was one wheel
STICK = "/srv/stick"
TABLE = '\n[updates]\nroot = "/etc/portcullis/updates-root.json"\n'
# The package's own Python, whatever runs the tests.
HERE = Here("north-7", Here.this_machine("").machine, "3.13")


class Updates:
    """A gate that believes an operator, whose repository lies on a stick."""

    def __init__(self, gate: Gate, operator: Operator) -> None:
        self.gate = gate
        self.operator = operator

    def bring(self, archive: Path, name: str) -> None:
        """Publish software, and carry it to the gate."""
        self.operator.publish_archive(Kind.SOFTWARE, archive, name=name, here=HERE)
        place = self.gate.machine.root / STICK.lstrip("/")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.operator.repo, place)
        self.gate.machine.run("chmod", "-R", "a+rX", STICK)
        assert self.said("fetch", STICK)["fetched"]["software"]["name"] == name

    def publish_approved(self, toml: str, text: str, *, serial: int) -> None:
        """Publish a configuration with an approval of the canonical text that it comes to by the software that is published next."""
        note = approval(self.gate, text, serial=serial)
        files = {"gate.toml": toml.encode(), "approval.note": note.read_bytes()}
        self.operator.publish(Kind.CONFIGURATION, files, name=f"approval {serial}", here=HERE)

    def said(self, *words: str) -> dict[str, Any]:
        done = self.gate.command("update", *words, "--json", check=False)
        assert "Traceback" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"stderr": done.stderr}
        return told | {"exit": done.returncode}

    def version(self) -> str:
        return self.gate.machine.run("readlink", "/usr/lib/portcullis/current").stdout.strip()

    def runs(self, version: str) -> bool:
        """True when every program of the gate is of this version."""
        pids = [self.gate.pid(program) for program in ("log", "vision", "lane", "screens", "sync")]
        lines = [(self.gate.machine.root / f"proc/{pid}/cmdline").read_bytes() for pid in pids]
        return all(f"/usr/lib/portcullis/{version}/bin/python3".encode() in line for line in lines)

    def serves(self) -> bool:
        """Open the lane, and let a genuine traveller pass."""
        self.gate.officer("open", "--reason", "the update is over")
        self.gate.until(self.gate.is_in_service, "the gate is in service")
        self.gate.officer("present")
        passed = self.gate.world.travel("genuine", "t1").passed == 1
        self.gate.until(lambda: self.gate.status()["lane"] == "idle", "the leaf has closed behind them")
        return passed


def ran(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def archives(package: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The software's archive of the package, and one of a version whose lane cannot start."""
    folder = tmp_path_factory.mktemp("archives")
    good, bad = folder / "good.zip", folder / "bad.zip"
    ran(BUILD, package, good)
    gone = ("gate/programs/lane/program.py", "gate/programs/lane/__pycache__/program.cpython-313.pyc")
    with zipfile.ZipFile(good) as whole, zipfile.ZipFile(bad, "w", zipfile.ZIP_STORED) as broken:
        for entry in whole.infolist():
            if not entry.filename.endswith(gone):
                broken.writestr(zipfile.ZipInfo(entry.filename), whole.read(entry))
    return good, bad


def believing(gate: Gate, folder: Path) -> Updates:
    """The gate with an operator whose updates it takes."""
    operator = Operator(folder)
    file = gate.machine.root / "etc/portcullis/gate.toml"
    if TABLE not in file.read_text():  # it stays: a lane that began with the newer approval takes no older one
        file.write_text(file.read_text() + TABLE)
        approve(gate, serial=2)
    (gate.machine.root / "etc/portcullis/updates-root.json").write_bytes(operator.first_root)
    return Updates(gate, operator)


@pytest.fixture
def updates(gate: Gate, tmp_path: Path) -> Updates:
    return believing(gate, tmp_path / "operator")


@pytest.fixture(scope="module")
def package_before() -> Path:
    """The package of BEFORE, built from the history of this repository, once."""
    place = Path.home() / ".cache/portcullis/before" / BEFORE
    if not place.exists():
        ran("git", "clone", "--quiet", "--no-checkout", ROOT, place)
    ran("git", "-C", place, "checkout", "--quiet", BEFORE)
    return Path(ran(place / "packaging/build").splitlines()[-1])


def test_updates_are_kept_taken_back_and_gone_back_from(updates: Updates, archives: tuple[Path, Path]) -> None:
    good, bad = archives
    updates.bring(good, "good")
    assert updates.said("apply")["exit"] == 75  # the lane is open
    assert updates.version() == "versions/0"

    updates.gate.officer("close", "--reason", "update")
    kept = updates.said("apply")
    assert kept["exit"] == 0, (kept, updates.gate.machine.journal("-n", "200"))
    assert updates.version() == "versions/1"
    assert updates.runs("versions/1")
    assert updates.serves()

    updates.bring(bad, "bad")
    updates.gate.officer("close", "--reason", "update")
    refused = updates.said("apply")
    assert refused["exit"] == 1, refused
    assert "dry_crossing" in refused["words"]
    assert updates.version() == "versions/1"
    assert updates.said("status")["refused"][0]["name"] == "bad"
    assert updates.runs("versions/1")
    assert updates.serves()

    updates.gate.officer("close", "--reason", "update")
    gone_back = updates.said("back")
    assert gone_back["exit"] == 0, gone_back
    assert updates.version() == "versions/0"
    assert updates.runs("versions/0")
    assert updates.serves()


def test_a_gate_of_before_the_distributions_gets_the_package_and_goes_back_under_its_units(
    package_before: Path, package: Path, tmp_path: Path
) -> None:
    """The new units start the old version's programs and commands by the paths at which they were.

    The two versions have other settings and models, so each has an approval of what it decides by (docs/protocols/updates.md).
    """
    archive = tmp_path / "before.zip"
    ran(package_before.parents[1] / "packaging/update", package_before, archive)
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    try:
        with installed(folder, package_before, rules="") as gate:  # it knows no rule of entry records yet
            gate.until(gate.is_in_service, "its programs have begun with the first approval")
            updates = believing(gate, tmp_path / "operator")
            gate.officer("close", "--reason", "the gate of before")
            assert updates.serves()
            settings = gate.machine.root / "etc/portcullis/gate.toml"
            toml, text = settings.read_text(), gate.command("config", "show", "--canonical").stdout

            gate.officer("close", "--reason", "the package of today")
            gate.machine.systemctl("stop", "portcullis.target")
            shutil.copy(package, gate.machine.root / "root/portcullis.deb")
            gate.machine.run("dpkg", "--install", "/root/portcullis.deb")
            settings.write_text(toml + NO_RECORD)
            approve(gate, serial=3)
            gate.machine.systemctl("start", "--no-block", "portcullis.target")
            gate.settle()
            assert updates.serves()
            assert updates.runs("versions/0")
            assert updates.version() == "versions/0"

            updates.publish_approved(toml, text, serial=4)
            updates.bring(archive, "before")
            gate.officer("close", "--reason", "back to the version of before")
            gone_back = updates.said("apply")
            assert gone_back["exit"] == 0, gone_back["words"]
            assert updates.runs("versions/1")
            assert updates.serves()
    finally:
        shutil.rmtree(folder)
