"""The mirror's word for what it holds of a log beside the entries: all sealed bodies before one entry. A note of its cosigning key.

Its receipts are for entries alone (C2SP tlog-mirror), and a body that is nowhere cannot be opened by anybody. The text can be no checkpoint, for no origin
has a space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import SIZE_MAX
from gate_core.audit_format.note import Note, Signer, Verifier

_TEXT: Final = re.compile(r"portcullis held\n([^\n ]{1,512})\n(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class Held:
    """The entries before `entries`, and their bodies, are held of the log `origin`."""

    origin: str
    entries: int

    @property
    def text(self) -> str:
        """The note's text."""
        return f"portcullis held\n{self.origin}\n{self.entries}\n"

    def sign(self, signer: Signer, at_s: int) -> bytes:
        """Write the note; `at_s` is the time, in seconds since 1970."""
        return Note(self.text, (signer.cosign(self.text, at_s),)).to_bytes()

    @classmethod
    def read(cls, raw: bytes, mirror: Verifier) -> tuple[Self, int]:
        """Read a note of this key, and when it was signed. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        match = _TEXT.fullmatch(note.text)
        if match is None or int(match[2]) > SIZE_MAX:
            raise BadFormatError("not the mirror's word for what it holds")
        signed_s = note.verify(mirror)
        if signed_s is None:
            raise BadFormatError("it says no time")
        return cls(match[1], int(match[2])), signed_s
