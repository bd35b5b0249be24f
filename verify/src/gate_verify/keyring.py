"""The keys of a log in order, and the number of entries for which each signs.

The auditor holds one or more keys, oldest first. A handover states the number of entries for which the old key signs. A
checkpoint counts only with the signature of the key in force at its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from gate_verify.findings import Signer, StructureError, UnreadableError
from gate_verify.handover import Row, follow
from gate_verify.signed_note import LogKey, objections, read_head, read_vkey


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
