"""A key's handover to its successor, and the chain of such handovers (docs/protocols/audit-log.md, "Handovers").

The auditor gives one or more keys of a name, oldest first. Handovers lead from a trusted key to the next. A key that
handed over twice was held by two parties, and only its first handover counts. If no handovers join the given keys, only
the last key counts: any former holder of an earlier key may have signed with it since.
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
    """A key's handover to the next. `since`: the number of entries that the old log key signs for. `at_s`: the end of
    the old cosigner key's time, by its own clock, in seconds since 1970; 0 for a log's key.
    """

    since: int
    old: LogKey
    new: LogKey
    at_s: int = 0


class Row:
    """The keys of one name in order of use; `given`: the auditor's, oldest first."""

    def __init__(self, given: Sequence[LogKey]) -> None:
        self.given = tuple(key for at, key in enumerate(given) if key not in given[:at])
        self.words: list[Handover] = []

    @property
    def name(self) -> str:
        """The name of the keys."""
        return self.given[-1].name

    @property
    def keys(self) -> tuple[LogKey, ...]:
        """The keys joined by handovers, oldest first; only the newest given key if none join, or if they lead elsewhere."""
        row = (self.words[0].old, *(one.new for one in self.words)) if self.words else ()
        return row if self.given[-1] in row else self.given[-1:]

    @property
    def joined(self) -> tuple[Handover, ...]:
        """The handovers between `keys`."""
        return tuple(self.words) if len(self.keys) > 1 else ()

    def knows(self, word: Handover) -> bool:
        """True if a handover is from or to a trusted key."""
        trusted = (*self.given, *(one.new for one in self.words), *(one.old for one in self.words))
        return word.old in trusted or word.new in trusted

    def take(self, word: Handover) -> str | None:
        """Add a handover that is known; return what is wrong with it, or None."""
        if word.old.name != self.name:
            return f"is of {word.old.name}, not of {self.name}"
        if word in self.words:
            return None  # another copy contained it
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
        """Yield neighbouring given keys that no handover joins."""
        for one, other in zip(self.given, self.given[1:], strict=False):
            if not {one.vkey, other.vkey} <= {key.vkey for key in self.keys}:
                yield one, other


def follow(rows: Sequence[Row], notes: Iterable[bytes]) -> Iterator[str]:
    """Apply the handovers that come with a log; yield their problems. Handovers of other keys are ignored."""
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
    """True if a note has the text of a handover."""
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
    """Return when a cosigner's key signed a handover, by its own clock, in seconds since 1970; 0 for a log's key."""
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
