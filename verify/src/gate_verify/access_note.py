"""The access note: who opened which log for what purpose, in which case (docs/protocols/audit-log.md, "Access"), signed with a key
derived from the auditor's identity. It is no lock: other tools open records with an identity too, and then no note is written.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Self

from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Note, Signer, Verifier

WORDS_MAX = 500  # of each answer
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HEAD = "portcullis access note"


@dataclass(frozen=True, slots=True)
class Access:
    """An auditor's statement. `by`: the recipient whose identity opened the log; `entries` and `root`: the size and root hash in its
    checkpoint. For a hand-over also the recipient `to`, the `file`'s name and SHA-256, and its number of records; else these are empty.
    """

    at: str
    by: str
    log: str
    entries: str
    root: str
    purpose: str
    case: str
    to: str = ""
    file: str = ""
    sha256: str = ""
    records: str = ""

    def __post_init__(self) -> None:
        if _TIME.fullmatch(self.at) is None:
            raise BadFormatError("an access note has a moment, RFC 3339 in UTC")
        for name, value in asdict(self).items():
            if len(value) > WORDS_MAX:
                raise BadFormatError(f"{name} is longer than {WORDS_MAX} characters")
        if not (self.purpose.strip() and self.case.strip()):
            raise BadFormatError("an access has a purpose and a case number")

    @property
    def text(self) -> str:
        """The note's text, one field per line. Values are JSON strings, so that a value never spans lines."""
        return "".join([f"{_HEAD}\n", *(f"{name} {json.dumps(value)}\n" for name, value in asdict(self).items())])

    def sign(self, signer: Signer) -> bytes:
        """Return the signed note."""
        return Note(self.text, (signer.sign(self.text),)).to_bytes()

    @classmethod
    def parse(cls, raw: bytes, verifier: Verifier) -> Self:
        """Read a note that this key signed. Raises BadFormatError and BadSignatureError."""
        signed = Note.parse(raw)
        signed.verify(verifier)
        head, *lines = signed.text.split("\n")[:-1]
        names = [one.name for one in fields(cls)]
        if head != _HEAD or len(lines) != len(names):
            raise BadFormatError("not an access note")
        try:
            values = [str(json.loads(line.removeprefix(f"{name} "))) for name, line in zip(names, lines, strict=True)]
            found = cls(*values)
        except ValueError as error:
            raise BadFormatError("not an access note") from error
        if found.text != signed.text:
            raise BadFormatError("an access note is not written as it must be")
        if found.by != verifier.name:
            raise BadSignatureError(f"the note is of {found.by}, not of {verifier.name}")
        return found
