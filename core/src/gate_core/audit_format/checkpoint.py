"""Checkpoints (C2SP tlog-checkpoint): origin, size and root as the text of a signed note. Extension lines are refused."""

from __future__ import annotations

from dataclasses import dataclass

from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import HASH_BYTES, SIZE_MAX
from gate_core.audit_format.note import Note, Signer, Verifier, check_name, decode_base64, encode_base64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's origin, its number of entries, its root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if not 0 <= self.size <= SIZE_MAX or len(self.root) != HASH_BYTES:
            raise BadFormatError("a checkpoint has a size and a root of 32 bytes")

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text. Raises BadFormatError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise BadFormatError("a checkpoint has three lines: origin, size, root")
        origin, size, root = lines[:3]
        if not (size.isascii() and size.isdigit()) or len(size) > 19 or str(int(size)) != size:
            raise BadFormatError("a checkpoint's size is a decimal number")
        return cls(origin, int(size), decode_base64(root))

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    def sign(self, signer: Signer) -> Note:
        """Return the checkpoint signed by the log's key. Publish it only after the entries are durable."""
        return Note(self.text, (signer.sign(self.text),))


def read_checkpoint(raw: bytes, *verifiers: Verifier) -> Checkpoint:
    """Read a checkpoint signed by each of `verifiers`; the first is the log's own key.

    Raises BadFormatError and BadSignatureError.
    """
    note = Note.parse(raw)
    for verifier in verifiers:
        note.verify(verifier)
    checkpoint = Checkpoint.parse(note.text)
    if verifiers and checkpoint.origin != verifiers[0].name:
        raise BadSignatureError(f"the checkpoint is of {checkpoint.origin}, not of {verifiers[0].name}")
    return checkpoint
