"""What a log and its mirror state in signed notes beside checkpoints: bodies held, keys forgotten, a key that follows another.

A receipt is for entries alone (C2SP tlog-mirror). No text here can be a checkpoint: no origin has a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import msgspec

from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import SIZE_MAX
from gate_core.audit_format.note import Algorithm, Note, Signature, Signer, Verifier

_HELD: Final = re.compile(r"portcullis held\n([^\n ]{1,512})\n(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class Held:
    """The mirror's statement that it holds the first `entries` entries of the log `origin`, with their bodies."""

    origin: str
    entries: int

    @property
    def text(self) -> str:
        """The note's text."""
        return f"portcullis held\n{self.origin}\n{self.entries}\n"

    def sign(self, signer: Signer, at_s: int) -> bytes:
        """Return the signed note; `at_s`: the time in seconds since 1970."""
        return Note(self.text, (signer.cosign(self.text, at_s),)).to_bytes()

    @classmethod
    def read(cls, raw: bytes, mirror: Verifier) -> tuple[Self, int]:
        """Read a note signed by `mirror`, and its time. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        match = _HELD.fullmatch(note.text)
        if match is None or int(match[2]) > SIZE_MAX:
            raise BadFormatError("not the mirror's word for what it holds")
        signed_s = note.verify(mirror)
        if signed_s is None:
            raise BadFormatError("it says no time")
        return cls(match[1], int(match[2])), signed_s


class Expired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log's statement, for central, that it deleted each class's keys `before` a day, except the `held` days."""

    before: Mapping[str, date]
    held: tuple[tuple[date, date], ...] = ()

    def sign(self, log: Signer) -> bytes:
        """Return the signed note."""
        text = f"{_head(log.verifier)}{msgspec.json.encode(self, order='sorted').decode()}\n"
        return Note(text, (log.sign(text),)).to_bytes()

    @classmethod
    def read(cls, raw: bytes, log: Verifier) -> Self:
        """Read a note signed by `log`. Raises BadFormatError and BadSignatureError."""
        note = Note.parse(raw)
        note.verify(log)
        try:
            return msgspec.json.decode(note.text.removeprefix(_head(log)), type=cls)
        except msgspec.DecodeError as error:
            raise BadFormatError(f"not this log's word for what it has forgotten: {error}") from error


def _head(log: Verifier) -> str:
    return f"portcullis expired/1\n{log.name}\n"


HANDOVERS_MAX = 64  # in one chain: enough for a new key each year
_HEAD = "portcullis key handover"


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover from a key to the next of its name. `since`: entries signed by a log's old key; 0 for a mirror."""

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
    """Return the handover note, signed by both keys. `at_s`: time of a mirror's cosignature, seconds since 1970."""
    text = Handover(old.verifier, new.verifier, since).text
    return Note(text, tuple(_signed(key, text, at_s) for key in (old, new))).to_bytes()


def follow(anchor: Verifier, notes: Iterable[bytes]) -> tuple[Handover, ...]:
    """Return the chain of handovers from `anchor`. Notes that do not continue the chain are skipped."""
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
    """Return the key that signs a checkpoint of this size: a handover's old key signs up to `since` entries."""
    return next((one.old for one in chain if size <= one.since), newest)


def _signed(key: Signer, text: str, at_s: int) -> Signature:
    return key.cosign(text, at_s) if key.verifier.algorithm is Algorithm.COSIGNATURE_V1 else key.sign(text)
