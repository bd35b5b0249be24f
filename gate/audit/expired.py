"""A gate's word for the keys that it has forgotten after their time: a note of its log's key, so that a server with copies of them forgets them, too.

It names no key: for each class the day before which all keys are gone, and the days that are held. The text can be no checkpoint, for no origin has a space.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from gate.audit.errors import BadFormatError
from gate.audit.note import Note, Signer, Verifier

CLASSES: Final = ("crossing", "device", "administration")
_TEXT: Final = re.compile(
    rf"portcullis expired/1\n([^\n ]{{1,512}})\n((?:(?:{'|'.join(CLASSES)}) [0-9-]{{10}}\n)*)((?:held [0-9-]{{10}} [0-9-]{{10}}\n)*)"
)


@dataclass(frozen=True, slots=True)
class Expired:
    """The keys of each class are gone `before` its day, but for the days of `held`, both included."""

    before: Mapping[str, date]
    held: Sequence[tuple[date, date]] = ()

    def sign(self, log: Signer) -> bytes:
        """Write the note."""
        lines = ["portcullis expired/1", log.verifier.name, *(f"{about} {day}" for about, day in self.before.items())]
        text = "".join(f"{line}\n" for line in (*lines, *(f"held {first} {last}" for first, last in self.held)))
        return Note(text, (log.sign(text),)).to_bytes()

    @classmethod
    def read(cls, raw: bytes, log: Verifier) -> Self:
        """Read a note of this key. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        note.verify(log)
        match = _TEXT.fullmatch(note.text)
        if match is None or match[1] != log.name:
            raise BadFormatError("not this log's word for what it has forgotten")
        try:
            before = {about: date.fromisoformat(day) for about, day in map(str.split, match[2].splitlines())}
            held = [
                (date.fromisoformat(since), date.fromisoformat(until))
                for _, since, until in map(str.split, match[3].splitlines())
            ]
        except ValueError as error:
            raise BadFormatError("it names a day that there is not") from error
        return cls(before, held)
