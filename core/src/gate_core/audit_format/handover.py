"""A key's word for the key that follows it: a signed note with both their signatures (docs/protocols/audit-log.md, "Handovers").

Of a log's key and of a mirror's alike. Its text can be no checkpoint, for no origin has a space. `follow` goes from a key that is trusted to
the newest one; what does not continue it is passed over, so a list of notes may hold anybody's. Whose first key is trusted is left to
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import SIZE_MAX
from gate_core.audit_format.note import Algorithm, Note, Signature, Signer, Verifier

HANDOVERS_MAX = 64  # in a row: a key a year for longer than a gate lasts
_HEAD = "portcullis key handover"


@dataclass(frozen=True, slots=True)
class Handover:
    """From one key to the next of the same name. `since`: how many entries the old key of a log has answered for; 0 of a mirror's."""

    old: Verifier
    new: Verifier
    since: int

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{_HEAD}\n{self.old.name}\n{self.since}\n{self.old.vkey}\n{self.new.vkey}\n"

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a note and check both signatures. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        lines = note.text.split("\n")
        if len(lines) != 6 or not (lines[2].isascii() and lines[2].isdecimal()) or len(lines[2]) > 19:
            raise BadFormatError("a handover has five lines: its kind, name, size, and two keys")
        found = cls(Verifier.parse(lines[3]), Verifier.parse(lines[4]), int(lines[2]))
        if found.text != note.text or found.since > SIZE_MAX:
            raise BadFormatError("a handover is not written as it must be")
        if found.old.name != found.new.name or found.old.algorithm is not found.new.algorithm or found.old == found.new:
            raise BadSignatureError("a key hands over to another one of its own name and kind")
        for key in (found.old, found.new):
            note.verify(key)
        return found


def hand_over(old: Signer, new: Signer, *, since: int = 0, at_s: int = 0) -> bytes:
    """Write the note. `at_s`: of a mirror's cosignature, seconds since 1970."""
    text = Handover(old.verifier, new.verifier, since).text
    return Note(text, tuple(_signed(key, text, at_s) for key in (old, new))).to_bytes()


def follow(anchor: Verifier, notes: Iterable[bytes]) -> tuple[Handover, ...]:
    """The handovers from this key on, in their order. Notes that do not continue the one before are passed over."""
    chain: list[Handover] = []
    for raw in notes:
        try:
            found = Handover.parse(raw)
        except (BadFormatError, BadSignatureError):
            continue
        newest, since = (chain[-1].new, chain[-1].since) if chain else (anchor, 0)
        if found.old == newest and found.since >= since and len(chain) < HANDOVERS_MAX:
            chain.append(found)
    return tuple(chain)


def in_force(chain: Sequence[Handover], newest: Verifier, size: int) -> Verifier:
    """The key that signs a checkpoint of this size: a handover's old key answers for as many entries as it says."""
    return next((one.old for one in chain if size <= one.since), newest)


def _signed(key: Signer, text: str, at_s: int) -> Signature:
    return key.cosign(text, at_s) if key.verifier.algorithm is Algorithm.COSIGNATURE_V1 else key.sign(text)
