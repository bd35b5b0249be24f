"""An erasure order: a C2SP signed note with a log's origin and the ids of the keys to erase.

    portcullis erasure/1
    border.example/north-7          the origin of the gate's log
    1f3a…                           a key's id, SHA-256 of its age file in hexadecimal; 64 at most, in order, none twice

It needs the signatures of two approvers. It contains nothing about travellers. Repeating it has no further effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gate_core.approval.approvers import Approvers
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import SignedNote, two_of
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note
from gate_core.audit_format.record import check_origin

FIRST_LINE: Final = "portcullis erasure/1"
KEYS_MAX: Final = 64
_KEY: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Erasure:
    """The keys of a log to erase. Raises ApprovalError if invalid."""

    origin: str
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        try:
            check_origin(self.origin)
        except BadFormatError as error:
            raise ApprovalError(f"{self.origin!r} is no gate's origin") from error
        if not 1 <= len(self.keys) <= KEYS_MAX or list(self.keys) != sorted(set(self.keys)):
            raise ApprovalError(f"an erasure names 1 to {KEYS_MAX} keys, in order, none twice")
        if any(_KEY.fullmatch(one) is None for one in self.keys):
            raise ApprovalError("a key's id is SHA-256 in hexadecimal, 64 small letters and digits")

    @property
    def text(self) -> str:
        """The signed text."""
        return "".join(f"{line}\n" for line in (FIRST_LINE, self.origin, *self.keys))

    @classmethod
    def parse(cls, text: str) -> Erasure:
        """Read the text of a note. Raises ApprovalError."""
        first, *rest = text.split("\n")
        if first != FIRST_LINE or len(rest) < 2 or rest[-1]:
            raise ApprovalError(f"is no erasure: {FIRST_LINE!r}, and lines with gate and keys")
        return cls(rest[0], tuple(rest[1:-1]))


class SignedErasure(SignedNote):
    """An erasure order with its signatures."""

    kind = "erasure"

    def __post_init__(self) -> None:
        _ = self.erasure

    @cached_property
    def erasure(self) -> Erasure:
        """The parsed order. The constructor raises ApprovalError if it is invalid."""
        return Erasure.parse(self.note.text)

    @classmethod
    def new(cls, erasure: Erasure) -> SignedErasure:
        """Return an unsigned order."""
        return cls(Note(erasure.text, ()))

    def require(self, *, origin: str, approvers: Approvers) -> tuple[str, ...]:
        """Return the approvers who signed, at least two. Raises ApprovalError, also if it is for another log."""
        if self.erasure.origin != origin:
            raise ApprovalError(f"is for another gate, {self.erasure.origin}")
        return two_of(self.note, approvers)
