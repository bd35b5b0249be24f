"""A gate's word for the keys that it has forgotten after their time: a note of its log's key, so that a server with copies of them forgets them, too.

The text can be no checkpoint, for no origin has a space.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Self

import msgspec

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note, Signer, Verifier


class Expired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of each class that lie `before` its day are gone, but for the days of `held`, both included."""

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
