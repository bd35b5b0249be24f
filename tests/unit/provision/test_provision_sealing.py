"""The log's key and the device's passphrase under systemd's seal: quickly with the host's key, and (long) with a TPM of software."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from central_fakes.server import GATE_ID, NOW
from core_fakes.killing import killed_at
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from fakes import tpm
from fakes.audit_logs import ORIGIN

from gate.device_certificate.credentials import (
    DEVICE_PASSPHRASE,
    LOG_KEY,
    Credential,
    CredentialError,
    of_registers,
    opened,
    run,
)
from gate.device_certificate.device import ASIDE, AUTHORITIES, DEVICE, Wanted, write_authorities
from gate.provision.steps import StepReport, StepState, carry_out
from gate.provision.tpm_seal import has_tpm, seal_steps
from gate_central import authority
from gate_core.audit_format import keys
from gate_core.audit_format.errors import KeyFileError
from gate_core.command_line.output import Exit
from gate_core.mirror_client.https import tls

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="systemd-creds, as root"),
]
DONE, KEPT = StepState.DONE, StepState.KEPT
IDENTITIES = ("1", "2")  # one in force, and one that something came in between


class Machine:
    """A folder of keys, identities, and a host's key of its own; with `chip`, a TPM."""

    def __init__(self, place: Path, chip: tpm.Tpm | None = None) -> None:
        self.place, self.keys, self.units, self.identities = place, place / "keys", place / "units", place / "identity"
        self.reloads, self.sync_runs = 0, False
        self.registers: tuple[str, ...] = ()
        self.keys.mkdir()
        self.with_key = "host" if chip is None else "host+tpm2"
        self.told = {"SYSTEMD_CREDENTIAL_SECRET": str(place / "host.secret")}
        if chip is not None:
            self.told = chip.environment(place / "host.secret")
        verifier = keys.generate(self.keys / "log.key", ORIGIN)
        keys.publish(self.keys / "log.vkey", verifier)
        self.vkey = verifier.vkey
        self.plain = [self.add_identity(name) for name in IDENTITIES]

    def add_identity(self, name: str) -> bytes:
        """An identity with its key in clear; the file."""
        root, folder = authority.found("central.example", NOW), self.identities / name
        folder.mkdir(parents=True)
        wanted = Wanted.new(GATE_ID)
        certificate = authority.issue_device(root, GATE_ID, wanted.key.public_key(), NOW)
        body = base64.b64encode(pkcs7.serialize_certificates([certificate], Encoding.DER))
        write_authorities(folder / AUTHORITIES, (root.certificate,))
        raw = wanted.accept(body, (root.certificate,), NOW)
        (folder / DEVICE).write_bytes(raw)
        (folder / DEVICE).chmod(0o600)
        os.chown(folder / DEVICE, 4711, 4712)  # the sync program's
        return raw

    def command(self, words: list[str], told: bytes) -> bytes:
        if words[0] == "systemctl":
            self.reloads += 1
            return b""
        return subprocess.run(
            words, check=True, capture_output=True, input=told, env={**os.environ, **self.told}
        ).stdout

    def seal(self) -> list[StepReport]:
        steps = seal_steps(
            self.keys,
            self.units,
            self.identities,
            sync_runs=lambda: self.sync_runs,
            registers=self.registers,
            with_key=self.with_key,
            command=self.command,
        )
        return list(carry_out(steps))

    def log_key(self) -> str:
        raw = opened(LOG_KEY, self.keys, command=self.command)
        return keys.parsed(raw, self.keys, ORIGIN).verifier.vkey

    def passphrase(self) -> bytes:
        return opened(DEVICE_PASSPHRASE, self.keys, command=self.command)

    def can_speak(self, name: str, passphrase: bytes | None) -> None:
        """Raises ssl.SSLError unless the sync program could use this identity."""
        folder = self.identities / name
        tls(ca=str(folder / AUTHORITIES), certificate=str(folder / DEVICE), passphrase=passphrase)

    def in_clear(self) -> list[Path]:
        """The files that hold the log's key or a device's as it was before."""
        lines = [line for raw in self.plain for line in raw.split(b"-----")[2].split()[1:2]]
        found = [one for one in self.place.rglob("*") if one.is_file() and not one.is_symlink()]
        return [one for one in found if b"PRIVATE+KEY+" in (raw := one.read_bytes()) or any(k in raw for k in lines)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def chip(short_path: Path) -> Iterator[tpm.Tpm]:
    with tpm.running(short_path) as one:
        yield one


def line_of(credential: Credential, machine: Machine) -> str:
    return f"LoadCredentialEncrypted={credential.name}:{credential.sealed(machine.keys)}"


def check_sealed(machine: Machine) -> None:
    """Both are sealed, their units load them, and neither lies in clear."""
    assert machine.log_key() == machine.vkey
    for credential in (LOG_KEY, DEVICE_PASSPHRASE):
        assert line_of(credential, machine) in (machine.units / credential.drop_in).read_text().splitlines()
    for name in IDENTITIES:
        machine.can_speak(name, machine.passphrase())
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in (machine.identities / name / DEVICE).read_bytes()
        assert not (machine.identities / name / ASIDE).exists()
    assert machine.in_clear() == []


def test_what_is_sealed_is_the_same_and_nothing_lies_in_clear(machine: Machine) -> None:
    assert len(machine.in_clear()) == 3
    assert [one.state for one in machine.seal()] == [DONE] * 6
    check_sealed(machine)
    device = (machine.identities / "1" / DEVICE).stat()
    assert (device.st_mode & 0o777, device.st_uid, device.st_gid) == (0o600, 4711, 4712)
    assert len(bytes.fromhex(machine.passphrase().decode())) == 32
    assert keys.load_public(machine.keys / "log.key", ORIGIN).vkey == machine.vkey
    assert [one.state for one in machine.seal()] == [KEPT] * 6
    with pytest.raises(KeyFileError, match="not of"):
        keys.load_public(machine.keys / "log.key", "border.example/other")


def test_the_keys_and_certificates_for_registers_are_sealed_for_their_program_as_they_are_handed_over(
    machine: Machine,
) -> None:
    machine.registers = ("police-numbers", "ees.pem")
    (machine.keys / "police-numbers").write_bytes(b"5a" * 32 + b"\n")
    reports = {one.id: one for one in machine.seal()}
    assert reports["registers_sealed"].state is DONE
    again = {one.id: one for one in machine.seal()}
    assert (again["registers_sealed"].state, again["registers_sealed"].detail) == (KEPT, "not there yet: ees.pem")
    (machine.keys / "ees.pem").write_bytes(b"-----BEGIN EC PRIVATE KEY-----\n")
    assert {one.id: one.state for one in machine.seal()}["registers_plain"] is DONE
    for name, secret in (("police-numbers", b"5a" * 32 + b"\n"), ("ees.pem", b"-----BEGIN EC PRIVATE KEY-----\n")):
        credential = of_registers(name)
        assert opened(credential, machine.keys, command=machine.command) == secret
        assert line_of(credential, machine) in (machine.units / credential.drop_in).read_text().splitlines()
        assert not (machine.keys / name).exists()
    assert len({of_registers(name).drop_in for name in machine.registers}) == 2
    (machine.keys / "ees.pem").write_bytes(b"a renewed one")
    failed = machine.seal()[-1]
    assert (failed.state, "holds another key" in failed.detail) == (StepState.FAILED, True)


def test_a_plain_key_is_not_wiped_for_a_seal_that_holds_another(machine: Machine) -> None:
    other = machine.command(["systemd-creds", "encrypt", "--name=log.key", "--with-key=host", "-", "-"], b"other")
    LOG_KEY.sealed(machine.keys).write_bytes(other)
    last = next(one for one in machine.seal() if one.state is StepState.FAILED)
    assert (last.id, "another key" in last.detail) == ("plain_key", True)
    assert keys.load(machine.keys / "log.key", ORIGIN).verifier.vkey == machine.vkey


def test_the_device_key_is_not_replaced_below_a_program_that_may_renew_it(machine: Machine) -> None:
    machine.sync_runs = True
    *_, last = machine.seal()
    assert (last.id, last.failure, "stop gate-sync" in last.detail) == ("device_key", Exit.TRY_LATER, True)
    assert (machine.identities / "1" / DEVICE).read_bytes() == machine.plain[0]
    machine.sync_runs = False
    assert [one.state for one in machine.seal()] == [*[KEPT] * 5, DONE]
    check_sealed(machine)


def test_an_identity_under_another_passphrase_says_what_to_do(machine: Machine) -> None:
    machine.seal()
    DEVICE_PASSPHRASE.sealed(machine.keys).unlink()
    machine.plain.append(machine.add_identity("3"))
    *_, last = machine.seal()
    assert (last.id, last.state, "enrol --again" in last.detail) == ("device_key", StepState.FAILED, True)


def check_killed_at_any_step(places: Path, chip: tpm.Tpm | None) -> None:
    for step in range(1, 400):
        (places / str(step)).mkdir()
        machine = Machine(places / str(step), chip)
        killed = killed_at(step, machine.seal)
        plain = machine.keys / "log.key"
        if not plain.exists() or not plain.read_bytes().strip(b"\0"):
            assert machine.log_key() == machine.vkey
            assert LOG_KEY.is_loaded(machine.keys, machine.units)
        else:
            assert keys.load(plain, ORIGIN).verifier.vkey == machine.vkey
        # What the unit would be given, once it is started.
        given = machine.passphrase() if DEVICE_PASSPHRASE.is_loaded(machine.keys, machine.units) else None
        for name in IDENTITIES:
            machine.can_speak(name, given)
        machine.seal()
        check_sealed(machine)
        if not killed:
            break
    assert not killed
    assert step > 60  # it was killed in the device's steps, too


@pytest.mark.long
def test_a_kill_at_any_step_leaves_keys_that_can_be_used_and_is_gone_on_from(tmp_path: Path) -> None:
    check_killed_at_any_step(tmp_path, None)


@pytest.mark.long
def test_a_kill_at_any_step_with_a_tpm(tmp_path: Path, chip: tpm.Tpm) -> None:
    check_killed_at_any_step(tmp_path, chip)


@pytest.mark.long
def test_a_tpm_opens_what_it_sealed_through_a_change_of_firmware_and_no_other_tpm_does(
    tmp_path: Path, short_path: Path
) -> None:
    with tpm.running(short_path) as chip:
        machine = Machine(tmp_path, chip)
        assert has_tpm(command=machine.command)
        chip.measure(7, b"\1" * 32)
        assert [one.state for one in machine.seal()] == [DONE] * 6
        check_sealed(machine)
        chip.measure(7, b"\2" * 32)  # as after an update of the firmware's list of revoked loaders
        check_sealed(machine)
    with tpm.running(short_path):
        check_sealed(machine)  # after a power cut
    (short_path / "other").mkdir()
    host_alone = run_with_host_alone(machine)
    assert host_alone.returncode != 0
    with tpm.running(short_path / "other") as other:
        machine.told |= {"SYSTEMD_TPM2_DEVICE": other.device}
        with pytest.raises(subprocess.CalledProcessError):
            machine.log_key()
        with pytest.raises(subprocess.CalledProcessError):
            machine.passphrase()


def run_with_host_alone(machine: Machine) -> subprocess.CompletedProcess[bytes]:
    """What a thief of the disk has: every file, the host's key too, and no TPM."""
    words = ["systemd-creds", "decrypt", "--name=log.key", str(LOG_KEY.sealed(machine.keys)), "-"]
    return subprocess.run(words, check=False, capture_output=True, env={**os.environ, **machine.told})


def test_without_a_tpm_there_is_none() -> None:
    def refuses(_words: list[str], _told: bytes) -> bytes:
        raise CredentialError("systemd-creds: no TPM2")

    assert not has_tpm(command=refuses)
    assert has_tpm(command=lambda words, told: b"trial" if "decrypt" in words else told)


def test_a_tool_that_fails_is_one_line() -> None:
    with pytest.raises(CredentialError, match="systemd-creds: "):
        run(["systemd-creds", "decrypt", "/nowhere", "-"], b"")
    with pytest.raises(CredentialError, match="cannot be run"):
        run(["/nowhere/systemd-creds"], b"")


def test_the_plain_file_is_readable_by_anybody_who_has_it(machine: Machine) -> None:
    """The control of `in_clear` and of the passphrase: before sealing, neither is needed."""
    load_pem_private_key(machine.plain[0], None)
    machine.can_speak("1", None)
