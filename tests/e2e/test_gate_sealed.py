"""Keys sealed on a booted machine with a TPM of software: systemd opens each for its own unit, without the TPM for none, and what is sealed lies
nowhere in clear. One boot, which ends with the gate's end.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import tpm
from fakes.boot.gate import CENTRAL, CENTRAL_COMMAND, Gate, installed

from gate.channel.row import PROGRAMS

pytestmark = [pytest.mark.long, pytest.mark.e2e]

LINE = "/run/tpm.sock"
SEALED = ("/etc/portcullis/keys/log.key.cred", "/etc/portcullis/keys/device.passphrase.cred")
DROP_INS = tuple(f"/etc/systemd/system/gate-{name}.service.d/50-sealed.conf" for name in ("log", "sync"))


def lay(tree: Path) -> None:
    """A systemd that knows TPMs and is told where this one is."""
    if (known := tpm.debians_systemd()) is not None:
        shutil.copytree(known, tree, symlinks=True, dirs_exist_ok=True)
    settings = tree / "etc/systemd/system.conf.d/tpm.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[Manager]\nManagerEnvironment=SYSTEMD_TPM2_DEVICE=swtpm:path={LINE}\n")


@pytest.fixture(scope="module")
def sealed_gate(package: Path) -> Iterator[Gate]:
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    try:
        with installed(folder, package, lay=lay) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def gate(sealed_gate: Gate) -> Gate:
    sealed_gate.until(sealed_gate.is_in_service, "the gate is in service")
    return sealed_gate


def provision(gate: Gate, *words: str, code: int = 0, stdin: str | None = None) -> dict[str, Any]:
    """A `gate provision` command as root, told where the TPM is, as no machine with a TPM of its own needs to be."""
    environment = ("env", f"SYSTEMD_TPM2_DEVICE=swtpm:path={LINE}")
    done = gate.machine.run(*environment, "gate", "provision", *words, "--json", check=False, stdin=stdin)
    assert done.returncode == code, (done.stdout, done.stderr)
    return {"said": done.stderr, **json.loads(done.stdout or "{}")}


def states(done: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in done["steps"]}


def plug(gate: Gate) -> None:
    """The TPM is there, with the state that it had."""
    gate.machine.run("mkdir", "-p", "/var/lib/tpm")
    words = ("socket", "--tpm2", "--tpmstate", "dir=/var/lib/tpm", "--flags", "not-need-init,startup-clear")
    ends = ("--server", f"type=unixio,path={LINE}", "--ctrl", f"type=unixio,path={LINE}.ctrl")
    gate.machine.run("systemd-run", "--unit=tpm", "--collect", "--property=StandardError=null", "swtpm", *words, *ends)
    gate.until((gate.machine.root / LINE.lstrip("/")).exists, "the TPM is there")


def device_files(gate: Gate) -> list[Path]:
    return sorted((gate.machine.root / "var/lib/portcullis/identity").glob("*/device.pem"))


def holders(gate: Gate, secret: bytes) -> list[str]:
    """The gate's files that hold it."""
    roots = ("/etc/portcullis", "/var/lib/portcullis")
    return gate.machine.run("grep", "-rlsF", "--", secret.decode(), *roots, check=False).stdout.split()


def mirrored(gate: Gate) -> int:
    return int(gate.status()["detail"]["log"]["mirrored"])


def test_a_gate_that_gets_its_tpm_later_has_its_keys_sealed_and_goes_on(gate: Gate) -> None:
    assert "no TPM" in provision(gate, "seal", code=1)["said"]
    plug(gate)
    log_key = (gate.machine.root / "etc/portcullis/keys/log.key").read_bytes().split()[0]
    device_key = device_files(gate)[0].read_bytes().splitlines()[1]
    assert (len(holders(gate, log_key)), len(holders(gate, device_key))) == (1, 1)

    waits = provision(gate, "seal", code=75)
    assert (waits["steps"][-1]["id"], "stop gate-sync" in waits["steps"][-1]["detail"]) == ("device_key", True)
    gate.machine.systemctl("stop", "gate-sync.service")
    assert states(provision(gate, "seal"))["device_key"] == "done"
    gate.machine.systemctl("restart", "--no-block", "gate-log.service", "gate-sync.service")
    assert (holders(gate, log_key), holders(gate, device_key)) == ([], [])

    gate.until(gate.is_in_service, "the gate is in service with its sealed keys")
    before = mirrored(gate)
    gate.officer("present")
    assert gate.world.travel("genuine", "t1").passed == 1
    gate.until(lambda: mirrored(gate) > before, "what the sealed key signed is at the central server")


def test_no_other_program_sees_what_was_opened(gate: Gate) -> None:
    def can_read(program: str, path: str) -> bool:
        return gate.inside(program, "-c", f"import os; print(os.access('{path}', os.R_OK))").strip() == "True"

    assert can_read("sync", "/run/credentials/attempts.service/device.passphrase")
    assert can_read("log", "/run/credentials/attempts.service/log.key")
    for program in PROGRAMS:
        for other in {"log", "sync"} - {program}:
            name = {"log": "log.key", "sync": "device.passphrase"}[other]
            assert not can_read(program, f"/run/credentials/gate-{other}.service/{name}")
    assert not can_read("sync", SEALED[1])


def test_enrolled_anew_the_key_lies_under_the_same_passphrase(gate: Gate) -> None:
    before = device_files(gate)
    token = json.loads(gate.machine.run(*CENTRAL_COMMAND, "token", "north-7", "--dir", CENTRAL, "--json").stdout)
    central = ("--central", f"localhost:{gate.central.port}", "--ca", f"{CENTRAL}/ca.pem")
    provision(gate, "enrol", *central, "--again", stdin=token["token"])
    (device,) = device_files(gate)
    assert device not in before
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in device.read_bytes()
    gate.machine.systemctl("restart", "--no-block", "gate-sync.service")
    gate.until(gate.is_in_service, "the gate is in service with its new certificate")
    assert states(provision(gate, "seal"))["device_key"] == "kept"


def test_without_its_tpm_neither_starts_and_with_it_again_both_do(gate: Gate) -> None:
    gate.machine.systemctl("stop", "tpm.service")
    for program in ("log", "sync"):
        gate.machine.systemctl("stop", f"gate-{program}.service")
        gate.machine.systemctl("start", "--no-block", f"gate-{program}.service")
        gate.until(
            lambda program=program: "status=243/CREDENTIALS" in gate.machine.journal("-u", f"gate-{program}"),  # type: ignore[misc]
            "systemd cannot open the seal",
        )
    plug(gate)
    gate.machine.systemctl("reset-failed", "gate-log.service", "gate-sync.service", check=False)
    gate.machine.systemctl("restart", "--no-block", "gate-log.service", "gate-sync.service")
    gate.until(gate.is_in_service, "the gate is in service again")


def test_its_end_takes_the_seals_along_and_a_new_gate_is_sealed_from_the_start(gate: Gate) -> None:
    gate.machine.systemctl("stop", "portcullis.target")
    gate.until(lambda: {gate.pid(program) for program in PROGRAMS} == {0}, "the programs have ended")
    done = provision(gate, "decommission", "--yes", "north-7")
    assert {"log_key", "device_key", "console_key", "units", "proof"} <= states(done).keys()
    left = [path for path in (*SEALED, *DROP_INS) if (gate.machine.root / path.lstrip("/")).exists()]
    assert left == []
    answers = ("--operator", "border.example", "--gate-id", "north-7", "--purpose", "trial")
    devices = ("--barrier", "/dev/portcullis-barrier", "--swipe", "/dev/portcullis-swipe")
    camera, auditors = gate.world.ready["camera"], [gate.auditor(number) for number in (1, 2)]
    made = states(
        provision(
            gate,
            *("init", *answers, *devices, "--camera", camera),
            *(word for auditor in auditors for word in ("--auditor", auditor)),
        )
    )
    assert [made[step] for step in ("log_key", "sealed", "unit", "plain_key", "device_sealed", "device_unit")] == [
        "done"
    ] * 6
    left = [path for path in (*SEALED, *DROP_INS) if not (gate.machine.root / path.lstrip("/")).exists()]
    assert left == []
    assert holders(gate, b"PRIVATE") == []
