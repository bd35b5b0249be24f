"""Signed notes, cosignatures, checkpoints and key files: what is accepted, and every way to be refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_core.audit_format import keys
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import AuditError, BadFormatError, BadSignatureError, KeyFileError
from gate_core.audit_format.note import NOTE_BYTES_MAX, Algorithm, Note, Signature, Signer, Verifier, decode_base64
from gate_verify.findings import StructureError, UnreadableError
from gate_verify.signed_note import objections, read_head, read_vkey

SEED = bytes(range(32))
LOG = Signer("border.example/gate-0001", SEED)
MIRROR = Signer("mirror.example/m1", SEED[::-1], Algorithm.COSIGNATURE_V1)
CHECKPOINT = Checkpoint("border.example/gate-0001", 3, bytes(32))


def test_a_key_comes_back_from_its_text() -> None:
    for signer in (LOG, MIRROR):
        assert Verifier.parse(signer.verifier.vkey) == signer.verifier
        assert Signer.parse(signer.secret_text()).verifier == signer.verifier


def test_a_private_key_does_not_show_itself() -> None:
    assert repr(LOG) == "Signer('border.example/gate-0001')"


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        LOG.verifier.vkey.replace("+", "+0", 1),
        LOG.verifier.vkey[:-1],
        "other" + LOG.verifier.vkey,
        "a b+" + LOG.verifier.vkey.split("+", 1)[1],
        "n" * 2000,
        "name+12345678+Ag==",
        "name+12345678+",
    ],
)
def test_a_mistyped_public_key_is_refused_by_writer_and_verifier(vkey: str) -> None:
    with pytest.raises(BadFormatError):
        Verifier.parse(vkey)
    with pytest.raises(UnreadableError):
        read_vkey(vkey)


def test_the_verifier_takes_only_a_logs_own_kind_of_key() -> None:
    assert read_vkey(LOG.verifier.vkey).key_id == LOG.verifier.key_id
    with pytest.raises(UnreadableError):
        read_vkey(MIRROR.verifier.vkey)
    with pytest.raises(UnreadableError):
        read_vkey("name+00000000+" + "=" * 44)


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+x+12345678+AQ=="])
def test_a_broken_private_key_is_refused(text: str) -> None:
    with pytest.raises(BadFormatError):
        Signer.parse(text)


def test_a_private_key_with_another_id_is_refused() -> None:
    with pytest.raises(BadFormatError):
        Signer.parse(LOG.secret_text().replace("gate-0001", "gate-0002"))


def test_each_key_signs_in_its_own_way_only() -> None:
    with pytest.raises(ValueError, match="cosign"):
        MIRROR.sign("text\n")
    with pytest.raises(ValueError, match="sign"):
        LOG.cosign("text\n", 1)


def test_a_receipt_carries_both_signatures_and_the_mirrors_time() -> None:
    note = CHECKPOINT.sign(LOG).with_signatures([MIRROR.cosign(CHECKPOINT.text, 1_764_000_000)])
    raw = note.to_bytes()
    assert Note.parse(raw).verify(MIRROR.verifier) == 1_764_000_000
    assert Note.parse(raw).verify(LOG.verifier) is None
    assert read_checkpoint(raw, LOG.verifier, MIRROR.verifier) == CHECKPOINT
    assert objections(raw, read_vkey(LOG.verifier.vkey)) == []


def test_signatures_are_kept_once() -> None:
    note = CHECKPOINT.sign(LOG)
    assert note.with_signatures(note.signatures) == note


def test_the_cosigned_time_is_part_of_what_is_signed() -> None:
    signature = MIRROR.cosign(CHECKPOINT.text, 1)
    later = Signature(signature.name, signature.key_id, (2).to_bytes(8) + signature.raw[8:])
    with pytest.raises(BadSignatureError):
        Note(CHECKPOINT.text, (later,)).verify(MIRROR.verifier)


@pytest.mark.parametrize("raw", [b"short", bytes(71), bytes(73), (2**63).to_bytes(8) + bytes(64), bytes(72)])
def test_a_malformed_cosignature_is_refused(raw: bytes) -> None:
    note = Note(CHECKPOINT.text, (Signature(MIRROR.verifier.name, MIRROR.verifier.key_id, raw),))
    with pytest.raises(BadSignatureError):
        note.verify(MIRROR.verifier)


def test_a_note_without_the_expected_signature_is_refused() -> None:
    raw = CHECKPOINT.sign(LOG).to_bytes()
    with pytest.raises(BadSignatureError, match="no signature"):
        read_checkpoint(raw, LOG.verifier, MIRROR.verifier)


def test_two_signatures_of_one_key_must_both_be_valid() -> None:
    good = LOG.sign(CHECKPOINT.text)
    bad = Signature(good.name, good.key_id, bytes(64))
    for signatures in ((good, bad), (bad, good)):
        with pytest.raises(BadSignatureError):
            Note(CHECKPOINT.text, signatures).verify(LOG.verifier)
        assert objections(Note(CHECKPOINT.text, signatures).to_bytes(), read_vkey(LOG.verifier.vkey))


def test_a_checkpoint_of_another_log_is_refused_even_with_our_signature() -> None:
    raw = Checkpoint("border.example/gate-0002", 3, bytes(32)).sign(LOG).to_bytes()
    with pytest.raises(BadSignatureError, match="gate-0002"):
        read_checkpoint(raw, LOG.verifier)
    assert any("gate-0002" in one for one in objections(raw, read_vkey(LOG.verifier.vkey)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAA=",
        b"text\n\n- name AAAAAAA=\n",
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"te\x00xt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"te\rxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"\xff\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"text\n\n" + b"\xe2\x80\x94 name AAAAAAA=\n" * 65,
        b"x" * (NOTE_BYTES_MAX + 1),
    ],
)
def test_what_is_no_note_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFormatError):
        Note.parse(raw)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n3\n",
        "origin\n03\n" + "A" * 43 + "=\n",
        "origin\n-3\n" + "A" * 43 + "=\n",
        "origin\n\u0663\n" + "A" * 43 + "=\n",
        "origin\n9223372036854775808\n" + "A" * 43 + "=\n",
        "origin\n3\n" + "A" * 40 + "\n",
        "origin\n3\n" + "A" * 42 + "B=\n",
        "origin\n3\n" + "A" * 43 + "=\nextension\n",
        "ori gin\n3\n" + "A" * 43 + "=\n",
        "\n3\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_by_writer_and_verifier(text: str) -> None:
    with pytest.raises(BadFormatError):
        Checkpoint.parse(text)
    raw = f"{text}\n\u2014 name AAAAAAA=\n".encode()
    assert objections(raw, read_vkey(LOG.verifier.vkey))


@pytest.mark.parametrize("raw", [b"x" * (NOTE_BYTES_MAX + 1), b"\xff", b"text", b"text\n\nno newline"])
def test_the_verifier_refuses_what_is_no_note(raw: bytes) -> None:
    assert objections(raw, read_vkey(LOG.verifier.vkey))
    with pytest.raises(StructureError):
        read_head(raw)


@given(raw=st.binary(max_size=300))
def test_noise_is_refused_with_one_clear_error(raw: bytes) -> None:
    with pytest.raises(AuditError):
        read_checkpoint(raw, LOG.verifier)
    assert objections(raw, read_vkey(LOG.verifier.vkey))


@given(raw=st.binary(max_size=100))
def test_base64_has_one_spelling(raw: bytes) -> None:
    import base64

    text = base64.b64encode(raw).decode()
    assert decode_base64(text) == raw
    for other in (text + "=", text.replace("=", ""), text + "\n"):
        if other != text:
            with pytest.raises(BadFormatError):
                decode_base64(other)


# ── key files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_generated_key_is_for_us_alone_and_loads(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    verifier = keys.generate(path, LOG.verifier.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load(path, LOG.verifier.name).verifier == verifier


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    keys.generate(path, "a.example/g")
    with pytest.raises(KeyFileError, match="another log"):
        keys.generate(path, "a.example/g")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    keys.generate(path, "a.example/g")
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(KeyFileError, match="0600"):
            keys.load(path, "a.example/g")


def test_a_key_of_another_log_or_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    keys.generate(path, "a.example/g")
    with pytest.raises(KeyFileError, match=r"not of b\.example"):
        keys.load(path, "b.example/g")
    with pytest.raises(KeyFileError):
        keys.load(path, "a.example/g", Algorithm.COSIGNATURE_V1)


def test_a_missing_linked_or_broken_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    with pytest.raises(KeyFileError, match="provision"):
        keys.load(path, "a.example/g")
    path.write_bytes(b"\xff nonsense")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="no note key"):
        keys.load(path, "a.example/g")
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(KeyFileError):
        keys.load(tmp_path / "link", "a.example/g")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyFileError):
        keys.generate(tmp_path / "missing" / "log.key", "a.example/g")


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        keys.load(tmp_path, "a.example/g")
