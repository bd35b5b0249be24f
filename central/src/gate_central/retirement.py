"""An order to refuse a gate permanently: a C2SP signed note that names the gate's log.

    portcullis retirement/1
    border.example/north-7          the origin of the gate's log

It needs the signatures of two approvers. Repeating it has no further effect.
"""

from __future__ import annotations

from typing import Final

from gate_core.approval.approvers import Approvers
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import SignedNote, two_of
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note
from gate_core.audit_format.record import check_origin

FIRST_LINE: Final = "portcullis retirement/1"


class SignedRetirement(SignedNote):
    """A retirement order with its signatures. Raises ApprovalError if the text is invalid."""

    kind = "retirement"

    def __post_init__(self) -> None:
        first, *rest = self.note.text.split("\n")
        try:
            check_origin(self.origin)
        except BadFormatError as error:
            raise ApprovalError(f"is no retirement: {FIRST_LINE!r}, and a line with the gate") from error
        if first != FIRST_LINE or rest[1:] != [""]:
            raise ApprovalError(f"is no retirement: {FIRST_LINE!r}, and a line with the gate")

    @property
    def origin(self) -> str:
        """The origin of the gate's log."""
        return "".join(self.note.text.split("\n")[1:2])

    @classmethod
    def new(cls, origin: str) -> SignedRetirement:
        """Return an unsigned order. Raises ApprovalError."""
        return cls(Note(f"{FIRST_LINE}\n{origin}\n", ()))

    def require(self, *, origin: str, approvers: Approvers) -> tuple[str, ...]:
        """Return the approvers who signed, at least two. Raises ApprovalError, also if it is for another gate."""
        if self.origin != origin:
            raise ApprovalError(f"is for another gate, {self.origin}")
        return two_of(self.note, approvers)
