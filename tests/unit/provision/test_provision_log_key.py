"""The log's key is used where it lies, in a file or sealed. Tried with the host's key: there is no TPM where tests run."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from fakes.audit_logs import ORIGIN

from gate.device_certificate import credentials
from gate.provision import tpm_seal
from gate.provision.log_key import make_key, publish, signer_of, vkey_of
from gate.provision.steps import StepError, StepState, carry_out

TEXT = "what is signed\n"


def reloaded(words: list[str], told: bytes) -> bytes:
    """systemd, without one that runs."""
    return b"" if words[0] == "systemctl" else credentials.run(words, told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of keys with the log's."""
    make_key(tmp_path / "log.key", ORIGIN)
    publish(tmp_path / "log.key", ORIGIN)
    return tmp_path


def test_a_key_in_a_file_signs_and_one_of_another_log_does_not(folder: Path) -> None:
    assert signer_of(folder, ORIGIN).verifier.vkey == vkey_of(folder / "log.key", ORIGIN)
    for read in (partial(signer_of, folder), partial(vkey_of, folder / "log.key")):
        with pytest.raises(StepError, match="not of border"):
            read("border.example/other")
    with pytest.raises(StepError, match="exists"):
        make_key(folder / "log.key", ORIGIN)


def test_without_any_key_it_is_told_how_to_make_one(tmp_path: Path) -> None:
    for read in (
        partial(signer_of, tmp_path),
        partial(vkey_of, tmp_path / "log.key"),
        partial(publish, tmp_path / "x"),
    ):
        with pytest.raises(StepError, match="run gate provision init"):
            read(ORIGIN)


@pytest.mark.skipif(shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="systemd-creds, as root")
def test_a_sealed_key_is_opened_to_sign_and_its_public_half_lies_beside_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "host.secret"))
    before = signer_of(folder, ORIGIN)
    units, identities = tmp_path / "units", tmp_path / "identity"
    done = carry_out(
        tpm_seal.seal_steps(folder, units, identities, sync_runs=lambda: False, with_key="host", command=reloaded)
    )
    assert StepState.FAILED not in {one.state for one in done}
    assert vkey_of(folder / "log.key", ORIGIN) == before.verifier.vkey
    after = signer_of(folder, ORIGIN)
    assert after.verifier == before.verifier
    assert after.sign(TEXT) == before.sign(TEXT)
    with pytest.raises(StepError, match="not of border"):
        signer_of(folder, "border.example/other")


def test_a_seal_that_cannot_be_opened_says_who_can(folder: Path) -> None:
    (folder / "log.key").rename(credentials.LOG_KEY.sealed(folder))
    with pytest.raises(
        StepError, match=r"log.key.cred cannot be opened to sign .*: do it as root, on the machine that sealed it"
    ):
        signer_of(folder, ORIGIN)
