"""The log's key under systemd's seal. Tried with the host's key: there is no TPM where tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from fakes.audit_logs import ORIGIN
from fakes.killing import killed_at

from gate.audit import keys
from gate.audit.errors import KeyFileError
from gate.provision.sealing import DROP_IN, SEALED, run, seal_steps
from gate.provision.steps import Report, StepError, StepState, carry_out

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="systemd-creds, as root"),
]
DONE, KEPT = StepState.DONE, StepState.KEPT


class Machine:
    """A folder of keys, and a host's key of its own."""

    def __init__(self, place: Path) -> None:
        self.keys, self.units, self.reloads = place / "keys", place / "units", 0
        self.keys.mkdir()
        self.secret = place / "host.secret"
        verifier = keys.generate(self.keys / "log.key", ORIGIN)
        keys.publish(self.keys / "log.vkey", verifier)
        self.vkey = verifier.vkey

    def command(self, words: list[str], told: bytes) -> bytes:
        if words[0] == "systemctl":
            self.reloads += 1
            return b""
        environment = {**os.environ, "SYSTEMD_CREDENTIAL_SECRET": str(self.secret)}
        return subprocess.run(words, check=True, capture_output=True, input=told, env=environment).stdout

    def seal(self) -> list[Report]:
        return list(carry_out(seal_steps(self.keys, self.units, with_key="host", command=self.command)))

    def opened(self) -> str:
        raw = self.command(["systemd-creds", "decrypt", "--name=log.key", str(self.keys / SEALED), "-"], b"")
        (self.keys / "opened").write_bytes(raw)
        return keys.load(self.keys / "opened", ORIGIN, sealed=True).verifier.vkey


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_sealed_key_is_the_same_and_the_plain_one_is_gone(machine: Machine) -> None:
    assert [one.state for one in machine.seal()] == [DONE, DONE, DONE]
    assert machine.opened() == machine.vkey
    assert not (machine.keys / "log.key").exists()
    line = f"LoadCredentialEncrypted=log.key:{machine.keys / SEALED}"
    assert line in (machine.units / DROP_IN).read_text().splitlines()
    assert keys.load_public(machine.keys / "log.key", ORIGIN).vkey == machine.vkey
    assert [one.state for one in machine.seal()] == [KEPT, KEPT, KEPT]
    with pytest.raises(KeyFileError, match="not of"):
        keys.load_public(machine.keys / "log.key", "border.example/other")


def test_a_plain_key_is_not_wiped_for_a_seal_that_holds_another(machine: Machine) -> None:
    other = machine.command(["systemd-creds", "encrypt", "--name=log.key", "--with-key=host", "-", "-"], b"other")
    (machine.keys / SEALED).write_bytes(other)
    *_, last = machine.seal()
    assert (last.state, "another key" in last.detail) == (StepState.FAILED, True)
    assert keys.load(machine.keys / "log.key", ORIGIN).verifier.vkey == machine.vkey


@pytest.mark.long
def test_a_kill_at_any_step_leaves_the_key_in_one_form_at_least_and_is_gone_on_from(tmp_path: Path) -> None:
    for step in range(1, 200):
        (tmp_path / str(step)).mkdir()
        machine = Machine(tmp_path / str(step))
        killed = killed_at(step, partial(machine.seal))
        plain = machine.keys / "log.key"
        if not plain.exists() or not plain.read_bytes().strip(b"\0"):
            assert machine.opened() == machine.vkey
            assert (machine.units / DROP_IN).exists()
        else:
            assert keys.load(plain, ORIGIN).verifier.vkey == machine.vkey
        machine.seal()
        assert machine.opened() == machine.vkey
        assert not (machine.keys / "log.key").exists()
        if not killed:
            break
    assert not killed


def test_a_tool_that_fails_is_one_line() -> None:
    with pytest.raises(StepError, match="systemd-creds: "):
        run(["systemd-creds", "decrypt", "/nowhere", "-"], b"")
    with pytest.raises(StepError, match="cannot be run"):
        run(["/nowhere/systemd-creds"], b"")
