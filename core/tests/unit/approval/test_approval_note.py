"""An approval counts for one gate, one digest and one serial, signed by two; nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from core_fakes.approvals import PERSONS, approvers, signed, signer
from hypothesis import given
from hypothesis import strategies as st

from gate_core.approval.approvers import Approvers
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import NOTE_BYTES_MAX, SERIAL_MAX, Approval, Before, SignedApproval
from gate_core.audit_format.note import Note, Signature

ORIGIN, DIGEST, OTHER = "border.example/north-7", "ab" * 32, "cd" * 32
THIS = Approval(ORIGIN, 12, DIGEST)
RAW = signed(THIS).note.to_bytes()


def required(
    note: SignedApproval,
    *,
    origin: str = ORIGIN,
    sha256: str = DIGEST,
    who: Approvers | None = None,
    before: Before | None = None,
) -> tuple[str, ...]:
    return note.require(origin=origin, sha256=sha256, approvers=who or approvers(), before=before)


def test_the_bytes_are_these() -> None:
    text, _, lines = RAW.decode().rpartition("\n\n")
    assert text == f"portcullis approval/1\n{ORIGIN}\n12\n{DIGEST}"
    assert [line.split(" ")[:2] for line in lines.splitlines()] == [
        ["\u2014", "anna.example"],
        ["\u2014", "ben.example"],
    ]
    assert SignedApproval.parse(RAW) == signed(THIS)


@pytest.mark.parametrize("persons", [("anna", "ben"), ("carla", "anna"), PERSONS])
def test_any_two_approve(persons: Sequence[str]) -> None:
    assert set(required(signed(THIS, persons))) == {f"{name}.example" for name in persons}


@pytest.mark.parametrize(
    "persons", [(), ("anna",), ("anna", "anna"), ("anna", "dora"), ("anna", "authority"), ("dora", "emil")]
)
def test_one_alone_twice_or_with_a_stranger_does_not(persons: Sequence[str]) -> None:
    with pytest.raises(ApprovalError, match="of the approvers alone"):
        required(signed(THIS, persons))


def test_anothers_signature_under_a_name_of_the_list_is_none() -> None:
    mine, forged = signed(THIS, ("anna",)).note, signed(THIS, ("dora",)).note.signatures[0]
    ben = signer("ben").verifier
    for one in (Signature(ben.name, ben.key_id, forged.raw), Signature(ben.name, ben.key_id, mine.signatures[0].raw)):
        with pytest.raises(ApprovalError, match=r"ben\.example is not valid"):
            required(SignedApproval(mine.with_signatures([one])))
    with pytest.raises(ApprovalError, match=r"anna\.example of the approvers alone"):
        required(SignedApproval(mine.with_signatures([Signature(ben.name, b"abcd", forged.raw)])))


def test_another_gates_and_another_digest_are_refused() -> None:
    for origin in ("border.example/north-8", f"{ORIGIN}/trial", "border.example"):
        with pytest.raises(ApprovalError, match="is for another gate"):
            required(signed(THIS), origin=origin)
    with pytest.raises(ApprovalError, match="something was changed"):
        required(signed(THIS), sha256=OTHER)


def test_a_text_that_was_changed_after_it_was_signed_is_refused() -> None:
    for other in (
        replace(THIS, serial=13),
        replace(THIS, sha256=OTHER),
        replace(THIS, origin="border.example/south-1"),
    ):
        moved = SignedApproval(Note(other.text, signed(THIS).note.signatures))
        with pytest.raises(ApprovalError, match="not valid"):
            required(moved, origin=other.origin, sha256=other.sha256)


def test_an_older_serial_or_the_same_with_another_digest_is_refused() -> None:
    who = approvers()
    for before in (Before(11, OTHER, who), Before(12, DIGEST, who)):
        assert required(signed(THIS), before=before)
    with pytest.raises(ApprovalError, match="is older than what the gate began with before: serial 12, after 13"):
        required(signed(THIS), before=Before(13, DIGEST, who))
    with pytest.raises(ApprovalError, match="began with another digest"):
        required(signed(THIS), before=Before(12, OTHER, who))


OTHERS = ("dora", "emil", "fay")


@pytest.mark.parametrize(
    ("persons", "why"),
    [
        (("dora", "emil"), "names other approvers than before"),
        (("dora", "emil", "anna"), "names other approvers than before"),
        (("dora", "emil", "anna", "ben"), ""),
        (("dora", "emil", "authority"), ""),
        (("anna", "ben"), "of the approvers alone"),
        (("authority", "anna", "ben"), "of the approvers alone"),
    ],
)
def test_other_approvers_are_named_by_two_of_those_before_or_their_authority(persons: Sequence[str], why: str) -> None:
    before = Before(11, OTHER, approvers())
    note = signed(THIS, persons)
    if why:
        with pytest.raises(ApprovalError, match=why):
            required(note, who=approvers(OTHERS), before=before)
    else:
        assert required(note, who=approvers(OTHERS), before=before) == ("dora.example", "emil.example")


def test_an_authority_that_is_new_itself_names_nobody() -> None:
    note = signed(THIS, ("dora", "emil", "authority"))
    with pytest.raises(ApprovalError, match="names other approvers"):
        required(note, who=approvers(OTHERS), before=Before(11, OTHER, approvers(authority="")))
    with pytest.raises(ApprovalError, match="names other approvers"):
        required(
            signed(THIS, ("anna", "carla")),
            who=approvers(authority=""),
            before=Before(11, OTHER, approvers(("anna", "dora", "emil"), "gone")),
        )


@pytest.mark.parametrize("end", range(0, len(RAW), 7))
def test_a_half_written_note_is_refused(end: int) -> None:
    with pytest.raises(ApprovalError):
        required(SignedApproval.parse(RAW[:end]))


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_approves_nothing(at: int, byte: int) -> None:
    changed = bytearray(RAW)
    changed[at] = byte
    if bytes(changed) == RAW:
        return
    with pytest.raises(ApprovalError):
        required(SignedApproval.parse(bytes(changed)))


@given(st.binary(max_size=400))
def test_a_strangers_bytes_approve_nothing(raw: bytes) -> None:
    with pytest.raises(ApprovalError):
        SignedApproval.parse(raw)


@pytest.mark.parametrize(
    "text",
    [
        THIS.text.replace("/1", "/2"),
        THIS.text.replace("\n12\n", "\n012\n"),
        THIS.text.replace("\n12\n", "\n+12\n"),
        THIS.text.replace("\n12\n", "\n0\n"),
        THIS.text.replace("\n12\n", f"\n{SERIAL_MAX + 1}\n"),
        THIS.text.replace("\n12\n", "\n\u0661\u0662\n"),
        THIS.text.replace(DIGEST, DIGEST.upper()),
        THIS.text.replace(DIGEST, DIGEST[:-1]),
        THIS.text + "more\n",
        THIS.text.replace(ORIGIN, "north 7"),
        THIS.text[:-1],
    ],
)
def test_the_text_has_one_spelling(text: str) -> None:
    with pytest.raises(ApprovalError):
        Approval.parse(text)


def test_a_note_beyond_its_size_is_refused() -> None:
    with pytest.raises(ApprovalError, match="longer than"):
        SignedApproval.parse(RAW + b"\n" * NOTE_BYTES_MAX)
