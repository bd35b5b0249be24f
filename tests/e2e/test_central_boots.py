"""The central server as the package ships it, under a real systemd: set up as docs/guides/central.md says. A gate of this machine enrols and syncs.

Both are on the booted machine's loopback: the units let nobody else in.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.boot.machine import Machine, booted
from fakes.sync_gate import GATE_ID, SyncGate

pytestmark = [pytest.mark.long, pytest.mark.e2e]

PACKAGE = "/opt/portcullis-central.deb"
FOLDER, USER = "/var/lib/portcullis-central", "portcullis-central"
UNITS = ("portcullis-central.service", "portcullis-central-pages.service")
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def central(package: Path) -> Iterator[Machine]:
    """The machine, with the package installed."""
    folder = Path(tempfile.mkdtemp(prefix="central-"))
    (deb,) = package.parent.glob("portcullis-central_*.deb")
    (folder / "tree").mkdir()
    try:
        with booted(folder, folder / "tree", {deb: PACKAGE}) as machine:
            machine.run("dpkg", "--install", PACKAGE)
            yield machine
    finally:
        shutil.rmtree(folder)


def command(machine: Machine, *words: str) -> dict[str, Any]:
    """`gate central … --json` as the server's user."""
    done = machine.run("runuser", "-u", USER, "--", "gate", "central", *words, "--dir", FOLDER, "--json", check=False)
    assert done.returncode in {0, 1}, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def beside(machine: Machine) -> list[str]:
    """The beginning of `gate …` of this checkout, on the machine's loopback."""
    return ["nsenter", f"--net=/proc/{machine.pid}/ns/net", sys.executable, "-m", "gate.cli"]


def until(question: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not question():
        assert time.monotonic() < ends, what
        time.sleep(0.2)


def standing(machine: Machine) -> tuple[int, int]:
    (only,) = command(machine, "fleet", "--quick")["gates"]
    return only["entries"], only["bodies"]


def curl(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    return machine.run("curl", "-s", "--cacert", f"{FOLDER}/ca.pem", *words, check=False)


def test_installing_starts_nothing_and_makes_a_user_and_a_folder(central: Machine) -> None:
    for unit in UNITS:
        shown = central.show(unit)
        assert (shown["UnitFileState"], shown["ActiveState"], shown["User"]) == ("disabled", "inactive", USER)
    assert central.run("stat", "-c", "%U %G %a", FOLDER).stdout == f"{USER} {USER} 700\n"


def test_a_gate_enrols_its_log_arrives_and_a_person_sees_it_on_the_page(central: Machine, short_path: Path) -> None:
    command(central, "init", "--name", "127.0.0.1")
    central.systemctl("enable", "--now", *UNITS)
    until(lambda: curl(central, "https://127.0.0.1:8443/").returncode == 0, "the server answers")
    ours = SyncGate.make(short_path / "gate")
    ours.grow(20)
    ca = short_path / "ca.pem"
    ca.write_text(central.run("cat", f"{FOLDER}/ca.pem").stdout)
    token = command(central, "token", GATE_ID)["token"]
    enrol = ("provision", "enrol", "--central", "127.0.0.1:8443", "--ca", str(ca), "--config", str(ours.config))
    subprocess.run([*beside(central), *enrol], input=token, text=True, check=True)
    sync = subprocess.Popen([*beside(central), "run", "sync", "--config", str(ours.config)], stdin=subprocess.DEVNULL)
    try:
        until(lambda: standing(central) == (100, 100), "the log arrives")
        central.systemctl("kill", "--signal=SIGKILL", UNITS[0])
        ours.grow(1)
        until(lambda: standing(central) == (105, 105), "a server that was killed is back and has the rest")
    finally:
        sync.kill()
        sync.wait()

    pages = "https://127.0.0.1:8444/"
    assert curl(central, pages).stdout == "", "nobody looks without a certificate"
    command(central, "person", "add", "anna", "--role", "auditor", "--out", f"{FOLDER}/anna.pem")
    shown = curl(central, "--cert", f"{FOLDER}/anna.pem", pages)
    assert (shown.returncode, GATE_ID in shown.stdout) == (0, True), shown


def test_the_services_run_confined_and_as_their_user(central: Machine) -> None:
    for unit in UNITS:
        shown = central.show(unit)
        assert (shown["SubState"], shown["User"], shown["NoNewPrivileges"]) == ("running", USER, "yes")
        assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}
        assert set(shown["IPAddressAllow"].split()) == {"127.0.0.0/8", "::1/128"}
        assert "/var/lib/portcullis-authority" in shown["InaccessiblePaths"]


def test_a_mistake_in_its_settings_stays_down_and_says_why(central: Machine) -> None:
    settings = central.root / FOLDER.lstrip("/") / "central.toml"
    settings.write_text("colour = 1\n")
    try:
        for unit in UNITS:
            central.systemctl("restart", unit, check=False)
            until(lambda unit=unit: central.show(unit)["ActiveState"] == "failed", "it stays down")  # type: ignore[misc]
            assert central.show(unit)["ExecMainStatus"] == "78"
            assert "colour" in central.journal("-u", unit, "-n", "20")
    finally:
        settings.unlink()


def test_purging_leaves_the_logs(central: Machine) -> None:
    central.run("dpkg", "--purge", "portcullis-central")
    left = {path.name for path in (central.root / FOLDER.lstrip("/")).iterdir()}
    assert {"ca.key", "ca.pem", "central.sqlite"} <= left
    for unit in UNITS:
        assert central.show(unit)["LoadState"] == "not-found"
