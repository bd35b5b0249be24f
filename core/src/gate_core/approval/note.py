"""An approval: a C2SP signed note with a gate's origin, a serial and the digest of the canonical text.

    portcullis approval/1
    border.example/north-7          the origin of the gate's log
    12                              the serial: each approval of a gate has a higher one than those before
    6b86b273…                       SHA-256 of the canonical text, in hexadecimal

It needs the signatures of two approvers. If the list of approvers changed, two of the previous approvers, or their
authority, must also sign. The caller stores the previous serial.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, Self

from gate_core.approval.approvers import SIGNERS_MIN, Approvers
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.audit_format.record import check_origin

FIRST_LINE: Final = "portcullis approval/1"
NOTE_BYTES_MAX: Final = 16 * 1024
SERIAL_MAX: Final = 2**53 - 1  # so that every JSON reader sees the same number
_SERIAL: Final = re.compile(r"[1-9][0-9]{0,15}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Approval:
    """The approved digest of a gate, with its serial. Raises ApprovalError if invalid."""

    origin: str
    serial: int
    sha256: str

    def __post_init__(self) -> None:
        try:
            check_origin(self.origin)
        except BadFormatError as error:
            raise ApprovalError(f"{self.origin!r} is no gate's origin") from error
        if not 1 <= self.serial <= SERIAL_MAX:
            raise ApprovalError(f"a serial is from 1 to {SERIAL_MAX}, not {self.serial}")
        if _DIGEST.fullmatch(self.sha256) is None:
            raise ApprovalError("a digest is SHA-256 in hexadecimal, 64 small letters and digits")

    @property
    def text(self) -> str:
        """The signed text."""
        return f"{FIRST_LINE}\n{self.origin}\n{self.serial}\n{self.sha256}\n"

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Read the text of a note. Raises ApprovalError."""
        lines = text.split("\n")
        if len(lines) != 5 or lines[0] != FIRST_LINE or lines[4] or _SERIAL.fullmatch(lines[2]) is None:
            raise ApprovalError(f"is no approval: {FIRST_LINE!r}, and lines with gate, serial and digest")
        return cls(lines[1], int(lines[2]), lines[3])


@dataclass(frozen=True)
class SignedNote:
    """A note in canonical encoding, whose signatures are not verified yet; `kind` is its name in messages."""

    kind: ClassVar[str]
    note: Note

    def __post_init__(self) -> None:
        """Raise ApprovalError for a text of another kind."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a note. Raises ApprovalError."""
        if len(raw) > NOTE_BYTES_MAX:
            raise ApprovalError(f"is no {cls.kind}: longer than {NOTE_BYTES_MAX} bytes")
        try:
            note = Note.parse(raw)
        except BadFormatError as error:
            raise ApprovalError(f"is no whole {cls.kind}: {error}") from error
        if note.to_bytes() != raw:
            raise ApprovalError(f"is no {cls.kind}: it has another spelling")
        return cls(note)

    def signed_by(self, signer: Signer) -> Self:
        """Return a copy with one more signature."""
        return type(self)(self.note.with_signatures([signer.sign(self.note.text)]))


@dataclass(frozen=True, slots=True)
class Before:
    """The approval that was in force at the gate's last start."""

    serial: int
    sha256: str
    approvers: Approvers


class SignedApproval(SignedNote):
    """An approval with its signatures."""

    kind = "approval"

    def __post_init__(self) -> None:
        _ = self.approval

    @cached_property
    def approval(self) -> Approval:
        """The parsed approval. The constructor raises ApprovalError if it is invalid."""
        return Approval.parse(self.note.text)

    @classmethod
    def new(cls, approval: Approval) -> SignedApproval:
        """Return an unsigned approval."""
        return cls(Note(approval.text, ()))

    def require(self, *, origin: str, sha256: str, approvers: Approvers, before: Before | None) -> tuple[str, ...]:
        """Return the two or more approvers who signed. Raises ApprovalError if it does not fit all the arguments."""
        mine = self.approval
        if mine.origin != origin:
            raise ApprovalError(f"is for another gate, {mine.origin}")
        if mine.sha256 != sha256:
            raise ApprovalError(f"is over another digest, {mine.sha256}: something was changed")
        signers = two_of(self.note, approvers)
        if before is not None:
            self._require_after(before, approvers)
        return signers

    def _require_after(self, before: Before, approvers: Approvers) -> None:
        mine = self.approval
        if mine.serial < before.serial:
            raise ApprovalError(
                f"is older than what the gate began with before: serial {mine.serial}, after {before.serial}"
            )
        if mine.serial == before.serial and mine.sha256 != before.sha256:
            raise ApprovalError(
                f"has the serial {mine.serial}, under which the gate began with another digest, {before.sha256}"
            )
        if approvers.are(before.approvers):
            return
        authority = before.approvers.authority
        if len(signers_of(self.note, before.approvers.keys)) < SIGNERS_MIN and not (
            authority and _has_signed(self.note, authority)
        ):
            raise ApprovalError(
                "names other approvers than before, and neither two of those before nor their authority have signed it"
            )


def two_of(note: Note, approvers: Approvers) -> tuple[str, ...]:
    """Return the approvers who signed. Raises ApprovalError for fewer than two."""
    signers = signers_of(note, approvers.keys)
    if len(signers) < SIGNERS_MIN:
        raise ApprovalError(f"is signed by {' and '.join(signers) or 'nobody'} of the approvers alone")
    return signers


def signers_of(note: Note, keys: tuple[Verifier, ...]) -> tuple[str, ...]:
    """Return the names of those keys that signed a note. Raises ApprovalError if one of the signatures is invalid."""
    return tuple(key.name for key in keys if _has_signed(note, key))


def _has_signed(note: Note, key: Verifier) -> bool:
    """True if the key signed the note. Raises ApprovalError if its signature is invalid."""
    if (key.name, key.key_id) not in {(one.name, one.key_id) for one in note.signatures}:
        return False
    try:
        note.verify(key)
    except BadSignatureError as error:
        raise ApprovalError(str(error)) from error
    return True
