"""An order to erase: one spelling, for one log, by two approvers."""

from __future__ import annotations

import pytest
from core_fakes.approvals import approvers, signer

from gate_core.approval.erasure import FIRST_LINE, KEYS_MAX, Erasure, SignedErasure
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import NOTE_BYTES_MAX

ORIGIN = "border.example/north-7"
A, B = "aa" * 32, "bb" * 32


def order(*persons: str) -> SignedErasure:
    made = SignedErasure.new(Erasure(ORIGIN, (A, B)))
    for name in persons:
        made = made.signed_by(signer(name))
    return made


def test_what_two_approvers_signed_says_so_after_a_journey() -> None:
    raw = order("anna", "ben").note.to_bytes()
    assert raw.startswith(f"{FIRST_LINE}\n{ORIGIN}\n{A}\n{B}\n".encode())
    found = SignedErasure.parse(raw)
    assert found.erasure == Erasure(ORIGIN, (A, B))
    assert found.require(origin=ORIGIN, approvers=approvers()) == ("anna.example", "ben.example")


@pytest.mark.parametrize("persons", [(), ("anna",), ("anna", "anna"), ("anna", "mallory"), ("mallory", "eve")])
def test_fewer_than_two_approvers_erase_nothing(persons: tuple[str, ...]) -> None:
    with pytest.raises(ApprovalError, match="alone"):
        order(*persons).require(origin=ORIGIN, approvers=approvers())


def test_another_gates_order_erases_nothing_here() -> None:
    with pytest.raises(ApprovalError, match="another gate"):
        order("anna", "ben").require(origin="border.example/north-8", approvers=approvers())


def test_a_name_over_another_order_is_no_signature() -> None:
    note = order("anna", "ben").note.to_bytes().replace(A.encode(), ("ab" * 32).encode())
    with pytest.raises(ApprovalError):
        SignedErasure.parse(note).require(origin=ORIGIN, approvers=approvers())


@pytest.mark.parametrize(
    "keys", [(), (B, A), (A, A), ("AA" * 32,), ("aa" * 31,), tuple(f"{n:064x}" for n in range(KEYS_MAX + 1))]
)
def test_keys_have_one_spelling_and_are_so_many_at_most(keys: tuple[str, ...]) -> None:
    with pytest.raises(ApprovalError):
        Erasure(ORIGIN, keys)
    Erasure(ORIGIN, tuple(f"{n:064x}" for n in range(KEYS_MAX)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x" * (NOTE_BYTES_MAX + 1),
        b"portcullis approval/1\nborder.example/north-7\n1\n" + A.encode() + b"\n\n\xe2\x80\x94 a b\n",
        order("anna").note.to_bytes() + b"\n",
        order("anna").note.to_bytes().replace(ORIGIN.encode(), b"no origin"),
    ],
    ids=["empty", "long", "an approval", "more", "no origin"],
)
def test_what_is_no_order_is_none(raw: bytes) -> None:
    with pytest.raises(ApprovalError):
        SignedErasure.parse(raw)


def test_an_approval_is_no_erasure_whoever_signed_it() -> None:
    from gate_core.approval.note import Approval, SignedApproval

    note = SignedApproval.new(Approval(ORIGIN, 1, A)).signed_by(signer("anna")).signed_by(signer("ben")).note
    with pytest.raises(ApprovalError, match="is no erasure"):
        SignedErasure.parse(note.to_bytes())
