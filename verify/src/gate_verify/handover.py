"""The keys of a log in order: each key's handover to its successor (docs/protocols/audit-log.md, "Handovers").

The auditor gives one or more keys of a name, oldest first. Handovers lead from a trusted key to the next. A key that
handed over twice was held by two parties, and only its first handover counts. If no handovers join the given keys, only
the last key counts: any former holder of an earlier key may have signed with it since. A handover states the number of
entries for which the old key signs. A checkpoint counts only with the signature of the key in force at its size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from cryptography.exceptions import InvalidSignature

from gate_verify.findings import Signer, StructureError, UnreadableError
from gate_verify.signed_note import (
    COSIGNER,
    LogKey,
    cosigned_s,
    objections,
    read_head,
    read_key,
    read_vkey,
    signed_text,
)

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


class KeyRing:
    """The auditor's keys of one log, in the order of their use."""

    def __init__(self, keys: tuple[LogKey, ...]) -> None:
        if len({one.name for one in keys}) != 1:
            raise UnreadableError("the keys must be of one log")
        self._row = Row(keys)

    @property
    def name(self) -> str:
        """The log's name."""
        return self._row.name

    def take(self, notes: Iterable[bytes]) -> Iterator[str]:
        """Apply the handovers that come with the log; yield their problems."""
        return follow((self._row,), notes)

    def objections(self, note: bytes) -> list[str]:
        """Return why a checkpoint is not the log's; empty for a valid one."""
        try:
            size = read_head(note).size
        except StructureError as error:
            return [str(error)]
        words, keys = self._row.joined, self._row.keys
        found = objections(note, next((one.old for one in words if size <= one.since), keys[-1]))
        if not found:
            return []
        others = (why for key in (*self._row.given, *keys) if not objections(note, key) for why in self._whose(key))
        return [*found, *islice(others, 1)]

    def signers(self) -> tuple[Signer, ...]:
        """Return the keys with the entries that they sign for, as far as known."""
        ends = [one.since for one in self._row.joined]
        return tuple(
            Signer(key.vkey, since, until)
            for key, since, until in zip(self._row.keys, [0, *ends], [*ends, None], strict=True)
        )

    def apart(self) -> Iterator[str]:
        """Yield what cannot be determined about the given keys: whether one followed the other."""
        for one, other in self._row.apart():
            yield f"whether the log's key {one.short} handed over to {other.short}: no handover between the two is here"

    def _whose(self, key: LogKey) -> Iterator[str]:
        """Yield why a checkpoint signed by this key does not count."""
        word = next((one for one in self._row.joined if one.old == key), None)
        if word is not None:
            yield f"it is signed with {key.short}, which has handed over after {word.since} entries"
        elif key in self._row.keys:
            yield f"it is signed with {key.short}, which came after it"
        else:
            yield (
                f"it is signed with {key.short}, and no handover to {self._row.given[-1].short} is here: "
                "whoever has had the earlier key may have signed it since"
            )


def read_keys(text: str) -> tuple[LogKey, ...]:
    """Read keys, one a line, the oldest first. Raises UnreadableError."""
    return tuple(map(read_vkey, text.split())) or (read_vkey(text),)


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
