"""The central server as the package ships it, under a real systemd: set up as docs/guides/central.md says. A gate of this machine enrols and syncs.

Both are on the booted machine's loopback: the units let nobody else in.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from central_fakes.process import KEPT
from fakes.boot.machine import Machine
from fakes.sync_gate import GATE_ID, SyncGate

pytestmark = [pytest.mark.long, pytest.mark.e2e]

FOLDER, USER = "/var/lib/portcullis-central", "portcullis-central"
UNITS = ("portcullis-central.service", "portcullis-central-pages.service")
DEADLINE_S = 30.0


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


def test_installing_starts_nothing_and_makes_a_user_and_a_folder(server: Machine) -> None:
    for unit in UNITS:
        shown = server.show(unit)
        assert (shown["UnitFileState"], shown["ActiveState"], shown["User"]) == ("disabled", "inactive", USER)
    assert server.run("stat", "-c", "%U %G %a", FOLDER).stdout == f"{USER} {USER} 700\n"


def test_a_gate_enrols_its_log_arrives_and_a_person_sees_it_on_the_page(server: Machine, short_path: Path) -> None:
    command(server, "init", "--name", "127.0.0.1", *KEPT)
    server.systemctl("enable", "--now", *UNITS)
    until(lambda: curl(server, "https://127.0.0.1:8443/").returncode == 0, "the server answers")
    ours = SyncGate.make(short_path / "gate")
    ours.grow(20)
    ca = short_path / "ca.pem"
    ca.write_text(server.run("cat", f"{FOLDER}/ca.pem").stdout)
    token = command(server, "token", GATE_ID)["token"]
    enrol = ("provision", "enrol", "--central", "127.0.0.1:8443", "--ca", str(ca), "--config", str(ours.config))
    subprocess.run([*beside(server), *enrol], input=token, text=True, check=True)
    sync = subprocess.Popen([*beside(server), "run", "sync", "--config", str(ours.config)], stdin=subprocess.DEVNULL)
    try:
        until(lambda: standing(server) == (100, 100), "the log arrives")
        server.systemctl("kill", "--signal=SIGKILL", UNITS[0])
        ours.grow(1)
        until(lambda: standing(server) == (105, 105), "a server that was killed is back and has the rest")
    finally:
        sync.kill()
        sync.wait()

    pages = "https://127.0.0.1:8444/"
    assert curl(server, pages).stdout == "", "nobody looks without a certificate"
    making = ("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    server.run(*making, "-keyout", "/root/anna.key", "-subj", "/CN=anna", "-out", f"{FOLDER}/anna.csr")
    server.run("chmod", "644", f"{FOLDER}/anna.csr")
    given = ("--csr", f"{FOLDER}/anna.csr", "--out", f"{FOLDER}/anna.pem")
    command(server, "person", "add", "anna", "--role", "auditor", *given)
    shown = curl(server, "--cert", f"{FOLDER}/anna.pem", "--key", "/root/anna.key", pages)
    assert (shown.returncode, GATE_ID in shown.stdout) == (0, True), shown


def test_the_services_run_confined_and_as_their_user(server: Machine) -> None:
    for unit in UNITS:
        shown = server.show(unit)
        assert (shown["SubState"], shown["User"], shown["NoNewPrivileges"]) == ("running", USER, "yes")
        assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}
        assert set(shown["IPAddressAllow"].split()) == {"127.0.0.0/8", "::1/128"}
        assert "/var/lib/portcullis-authority" in shown["InaccessiblePaths"]


def test_a_mistake_in_its_settings_stays_down_and_says_why(server: Machine) -> None:
    settings = server.root / FOLDER.lstrip("/") / "central.toml"
    before = settings.read_text()
    settings.write_text("colour = 1\n")
    try:
        for unit in UNITS:
            server.systemctl("restart", unit, check=False)
            until(lambda unit=unit: server.show(unit)["ActiveState"] == "failed", "it stays down")  # type: ignore[misc]
            assert server.show(unit)["ExecMainStatus"] == "78"
            assert "colour" in server.journal("-u", unit, "-n", "20")
    finally:
        settings.write_text(before)


def test_purging_leaves_the_logs(server: Machine) -> None:
    server.run("dpkg", "--purge", "portcullis-central")
    left = {path.name for path in (server.root / FOLDER.lstrip("/")).iterdir()}
    assert {"ca.key", "ca.pem", "central.sqlite"} <= left
    for unit in UNITS:
        assert server.show(unit)["LoadState"] == "not-found"
