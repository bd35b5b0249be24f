"""What a log and its mirror state beside checkpoints, in signed notes: which bodies the mirror holds, and which keys the log has forgotten.

The mirror's receipts are for entries alone (C2SP tlog-mirror), and a body that is nowhere cannot be opened by anybody. Neither text can be a checkpoint, for
no origin has a space.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import msgspec

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import SIZE_MAX
from gate_core.audit_format.note import Note, Signer, Verifier

_HELD: Final = re.compile(r"portcullis held\n([^\n ]{1,512})\n(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class Held:
    """The mirror's word, by its cosigning key: the entries before `entries`, and their bodies, are held of the log `origin`."""

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
        match = _HELD.fullmatch(note.text)
        if match is None or int(match[2]) > SIZE_MAX:
            raise BadFormatError("not the mirror's word for what it holds")
        signed_s = note.verify(mirror)
        if signed_s is None:
            raise BadFormatError("it says no time")
        return cls(match[1], int(match[2])), signed_s


class Expired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log's word, for servers with copies: the keys of each class that lie `before` its day are gone, but for the days of `held`, both included."""

    before: Mapping[str, date]
    held: tuple[tuple[date, date], ...] = ()

    def sign(self, log: Signer) -> bytes:
        """Write the note."""
        text = f"{_head(log.verifier)}{msgspec.json.encode(self, order='sorted').decode()}\n"
        return Note(text, (log.sign(text),)).to_bytes()

    @classmethod
    def read(cls, raw: bytes, log: Verifier) -> Self:
        """Read a note of this key. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        note.verify(log)
        try:
            return msgspec.json.decode(note.text.removeprefix(_head(log)), type=cls)
        except msgspec.DecodeError as error:
            raise BadFormatError(f"not this log's word for what it has forgotten: {error}") from error


def _head(log: Verifier) -> str:
    return f"portcullis expired/1\n{log.name}\n"
