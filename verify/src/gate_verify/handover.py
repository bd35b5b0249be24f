"""A key's word for the one that follows it, and the row that such words make (docs/protocols/audit-log.md, "Handovers").

The auditor gives one key or more of a name, the oldest first. From a key that is trusted words lead on to the next; a key that handed over
twice has been in two hands, and only its first word is taken. Where no words join the keys that were given, the last of them alone counts:
whoever has had an earlier one may have signed with it since.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature

from gate_verify.findings import StructureError, UnreadableError
from gate_verify.signed_note import COSIGNER, LogKey, cosigned_s, read_key, signed_text

HANDOVERS_MAX = 64
_TEXT = re.compile(r"portcullis key handover\n([^\s+]{1,512})\n(0|[1-9][0-9]{0,18})\n(\S{1,1024})\n(\S{1,1024})\n")


@dataclass(frozen=True, slots=True)
class Handover:
    """One key's word for the next. `since`: how many entries the old key of a log answers for. `at_s`: until when the old key of a cosigner
    counts, by its own clock, seconds since 1970; 0 of a log's.
    """

    since: int
    old: LogKey
    new: LogKey
    at_s: int = 0


class Row:
    """The keys of one name, each followed by the next; `given` are the auditor's, the oldest first."""

    def __init__(self, given: Sequence[LogKey]) -> None:
        self.given = tuple(key for at, key in enumerate(given) if key not in given[:at])
        self.words: list[Handover] = []

    @property
    def name(self) -> str:
        """Whose keys they are."""
        return self.given[-1].name

    @property
    def keys(self) -> tuple[LogKey, ...]:
        """The keys that words join, the oldest first; the newest that was given where none do, or where they lead elsewhere."""
        row = (self.words[0].old, *(one.new for one in self.words)) if self.words else ()
        return row if self.given[-1] in row else self.given[-1:]

    @property
    def joined(self) -> tuple[Handover, ...]:
        """The words between `keys`."""
        return tuple(self.words) if len(self.keys) > 1 else ()

    def knows(self, word: Handover) -> bool:
        """Whether a word is of a key that is trusted, or for one."""
        trusted = (*self.given, *(one.new for one in self.words), *(one.old for one in self.words))
        return word.old in trusted or word.new in trusted

    def take(self, word: Handover) -> str | None:
        """Take a word that is known; what is wrong with it."""
        if word.old.name != self.name:
            return f"is of {word.old.name}, not of {self.name}"
        if word in self.words:
            return None  # another copy has told it
        if any(one.old == word.old for one in self.words):
            return "is of a key that has handed over before, to another"
        if not self.words or (word.old == self.words[-1].new and word.since >= self.words[-1].since):
            self.words.append(word)
        elif word.new == self.words[0].old and word.since <= self.words[0].since:
            self.words.insert(0, word)
        else:
            return "does not continue the one before"
        return None

    def apart(self) -> Iterator[tuple[LogKey, LogKey]]:
        """Keys that were given one after the other and that no words join."""
        for one, other in zip(self.given, self.given[1:], strict=False):
            if not {one.vkey, other.vkey} <= {key.vkey for key in self.keys}:
                yield one, other


def follow(rows: Sequence[Row], notes: Iterable[bytes]) -> Iterator[str]:
    """Follow the handovers that lie with a log; yields what is wrong with them. Those of other keys are passed over."""
    for number, raw in enumerate(notes):
        if number >= HANDOVERS_MAX:
            yield f"more than {HANDOVERS_MAX} handovers are here"
            return
        try:
            word = read_handover(raw)
        except (StructureError, UnreadableError) as error:
            yield f"handover {number}: {error}"
            continue
        for row in rows:
            if row.knows(word) and (objection := row.take(word)):
                yield f"handover {number} {objection}"


def is_handover(note: bytes) -> bool:
    """Whether a note says that it is one."""
    try:
        return _TEXT.fullmatch(signed_text(note)[0]) is not None
    except StructureError:
        return False


def read_handover(note: bytes) -> Handover:
    """Read a handover and check both signatures. Raises StructureError and UnreadableError."""
    text, signatures = signed_text(note)
    match = _TEXT.fullmatch(text)
    if match is None:
        raise StructureError("not a handover of keys")
    old, new = read_key(match[3]), read_key(match[4])
    if not old.name == new.name == match[1] or old == new or old.kind != new.kind:
        raise StructureError("a key hands over to another one of its own name")
    times = [_signed_s(key, text, signatures) for key in (old, new)]
    return Handover(int(match[2]), old, new, times[0])


def _signed_s(key: LogKey, text: str, signatures: Sequence[tuple[str, bytes]]) -> int:
    """When a cosigner's key has signed a handover, by its own clock, 0 for a log's."""
    mine = [raw[4:] for name, raw in signatures if (name, raw[:4]) == (key.name, key.key_id)]
    found = 0
    try:
        for raw in mine:
            if key.kind == COSIGNER:
                found = cosigned_s(key, text, raw)
            else:
                key.public.verify(raw, text.encode())
    except (InvalidSignature, struct.error):
        mine = []
    if not mine:
        raise StructureError("one of the two keys has not signed it")
    return found
