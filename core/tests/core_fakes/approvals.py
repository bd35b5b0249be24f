"""Approvers of a gate in tests: three persons and an authority with known keys, their list, and approvals that they sign."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import tomli_w

from gate_core.approval.approvers import Approvers
from gate_core.approval.note import Approval, SignedApproval
from gate_core.audit_format.note import Signer

PERSONS = ("anna", "ben", "carla")
AUTHORITY = "authority"


def signer(name: str) -> Signer:
    """The key of a person, always the same."""
    return Signer(f"{name}.example", sha256(name.encode()).digest())


def approvers(persons: Sequence[str] = PERSONS, authority: str = AUTHORITY) -> Approvers:
    """A list of them."""
    return Approvers(
        tuple(signer(name).verifier for name in persons), signer(authority).verifier if authority else None
    )


def write_approvers(path: Path, persons: Sequence[str] = PERSONS, authority: str = AUTHORITY) -> Path:
    """The same as a file."""
    named = approvers(persons, authority)
    table = {"schema": 1, "approvers": [key.vkey for key in named.keys]}
    path.write_text(tomli_w.dumps({**table, **({"authority": named.authority.vkey} if named.authority else {})}))
    return path


def signed(approval: Approval, persons: Sequence[str] = ("anna", "ben")) -> SignedApproval:
    """An approval that they have signed."""
    note = SignedApproval.new(approval)
    for name in persons:
        note = note.signed_by(signer(name))
    return note
