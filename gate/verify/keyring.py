"""The keys of a log, one after the other, and which of them answers for how many entries.

The auditor holds one key or more. From a key that is trusted the log's own notes lead to the next: a handover, signed by both, says how many
entries the old one answered for (docs/protocols/audit-log.md, "Handovers"). A checkpoint counts only with the signature of the key in
force at its size. A key that handed over twice has been in two hands, and nothing of it can be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature

from gate.verify.findings import Signer, StructureError, UnreadableError
from gate.verify.signed import LogKey, objections, read_head, read_vkey, signed_text

HANDOVERS_MAX = 64
_TEXT = re.compile(r"portcullis key handover\n([^\s+]{1,512})\n(0|[1-9][0-9]{0,18})\n(\S{1,1024})\n(\S{1,1024})\n")


@dataclass(frozen=True, slots=True)
class Handover:
    """One key's word for the next."""

    since: int
    old: LogKey
    new: LogKey


class KeyRing:
    """The keys that the auditor holds, in the order of their use, of one log."""

    def __init__(self, keys: tuple[LogKey, ...]) -> None:
        if len({one.name for one in keys}) != 1:
            raise UnreadableError("the keys must be of one log")
        self.name = keys[0].name
        self._given = keys
        self._words: list[Handover] = []

    def take(self, notes: Iterable[bytes]) -> Iterator[str]:
        """Follow the handovers that lie with the log; yields what is wrong with them."""
        for number, raw in enumerate(notes):
            if number >= HANDOVERS_MAX:
                yield f"more than {HANDOVERS_MAX} handovers are here"
                return
            try:
                word = read_handover(raw)
            except (StructureError, UnreadableError) as error:
                yield f"handover {number}: {error}"
                continue
            trusted = [*self._given, *(one.new for one in self._words)]
            if word.old not in trusted and word.new not in trusted:
                continue  # from before the first key that the auditor holds
            if word.old.name != self.name:
                yield f"handover {number} is of {word.old.name}, not of {self.name}"
            elif word in self._words:
                continue  # another copy of the log has told it
            elif any(one.old == word.old for one in self._words):
                yield f"handover {number}: its key has handed over before, to another"
            elif self._words and (word.old != self._words[-1].new or word.since < self._words[-1].since):
                yield f"handover {number} does not continue the one before"
            else:
                self._words.append(word)

    def objections(self, note: bytes) -> list[str]:
        """Why a checkpoint is not the log's: nothing for a good one."""
        try:
            size = read_head(note).size
        except StructureError as error:
            return [str(error)]
        keys = self._in_force(size)
        found = [objections(note, key) for key in keys]
        return min(found, key=len) if found else ["no key answers for a log of this size"]

    def signers(self) -> tuple[Signer, ...]:
        """The keys and the entries that they answer for, as far as that is told."""
        if not self._words:
            return tuple(Signer(key.vkey, 0, None) for key in self._given)
        ends = [one.since for one in self._words]
        keys = [self._words[0].old, *(one.new for one in self._words)]
        return tuple(
            Signer(key.vkey, since, until) for key, since, until in zip(keys, [0, *ends], [*ends, None], strict=True)
        )

    def _in_force(self, size: int) -> tuple[LogKey, ...]:
        if not self._words:
            return self._given
        return (next((one.old for one in self._words if size <= one.since), self._words[-1].new),)


def read_keys(text: str) -> tuple[LogKey, ...]:
    """Read keys, one a line. Raises UnreadableError."""
    return tuple(map(read_vkey, text.split())) or (read_vkey(text),)


def read_handover(note: bytes) -> Handover:
    """Read a handover and check both signatures. Raises StructureError and UnreadableError."""
    text, signatures = signed_text(note)
    match = _TEXT.fullmatch(text)
    if match is None:
        raise StructureError("not a handover of keys")
    old, new = read_vkey(match[3]), read_vkey(match[4])
    if not old.name == new.name == match[1] or old == new:
        raise StructureError("a key hands over to another one of its own name")
    for key in (old, new):
        mine = [raw[4:] for name, raw in signatures if (name, raw[:4]) == (key.name, key.key_id)]
        try:
            for raw in mine:
                key.public.verify(raw, text.encode())
        except InvalidSignature:
            mine = []
        if not mine:
            raise StructureError("one of the two keys has not signed it")
    return Handover(int(match[2]), old, new)
