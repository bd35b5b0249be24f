"""The keys of a log, one after the other, and which of them answers for how many entries.

The auditor holds one key or more, the oldest first. A handover says how many entries the old key answered for; a checkpoint counts only with
the signature of the key in force at its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from gate_verify.findings import Signer, StructureError, UnreadableError
from gate_verify.handover import Row, follow
from gate_verify.signed_note import LogKey, objections, read_head, read_vkey


class KeyRing:
    """The keys that the auditor holds, of one log, in the order of their use."""

    def __init__(self, keys: tuple[LogKey, ...]) -> None:
        if len({one.name for one in keys}) != 1:
            raise UnreadableError("the keys must be of one log")
        self._row = Row(keys)

    @property
    def name(self) -> str:
        """The log's."""
        return self._row.name

    def take(self, notes: Iterable[bytes]) -> Iterator[str]:
        """Follow the handovers that lie with the log; yields what is wrong with them."""
        return follow((self._row,), notes)

    def objections(self, note: bytes) -> list[str]:
        """Why a checkpoint is not the log's: nothing for a good one."""
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
        """The keys and the entries that they answer for, as far as that is told."""
        ends = [one.since for one in self._row.joined]
        return tuple(
            Signer(key.vkey, since, until)
            for key, since, until in zip(self._row.keys, [0, *ends], [*ends, None], strict=True)
        )

    def apart(self) -> Iterator[str]:
        """What cannot be seen of the keys that were given: whether one followed on the other."""
        for one, other in self._row.apart():
            yield f"whether the log's key {one.short} handed over to {other.short}: no handover between the two is here"

    def _whose(self, key: LogKey) -> Iterator[str]:
        """Why a checkpoint does not count that this key has signed."""
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
