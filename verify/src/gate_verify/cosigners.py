"""Judges cosignatures on a log, such as the central mirror's, by the cosigners' keys that were in force.

A cosigner's key that handed over counts for earlier cosignatures, by their own time. A thief of the key can write an earlier time, though not
one before the entries (`gate_verify.consistency`). So cosignatures show a log's minimum length; only the log's key shows that it is the gate's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature

from gate_verify.findings import Cosignature, StructureError
from gate_verify.handover import Row, follow
from gate_verify.signed_note import TIME_S_MAX, LogKey, cosigned_s, read_head, signed_text


class Cosigners:
    """The cosigners' keys that the auditor holds, oldest first for each name."""

    def __init__(self, keys: tuple[LogKey, ...] = ()) -> None:
        self.names = tuple(dict.fromkeys(one.name for one in keys))
        self._rows = {name: Row([one for one in keys if one.name == name]) for name in self.names}
        self._late: dict[str, None] = {}

    def take(self, notes: Iterable[bytes]) -> Iterator[str]:
        """Apply the handovers that come with a log; yield their problems."""
        return follow(tuple(self._rows.values()), notes)

    def judge(self, note: bytes) -> tuple[list[Cosignature], list[str]]:
        """Return the cosignatures on a checkpoint, and their problems. Raises StructureError if it is no checkpoint."""
        text, signatures = signed_text(note)
        head = read_head(note)
        found: list[Cosignature] = []
        problems: list[str] = []
        for name, raw in signatures:
            key = self._key(name, raw[:4])
            if key is None and name == head.origin:
                continue
            try:
                time_s = None if key is None else self._counted_s(key, text, raw[4:])
            except StructureError as error:
                problems.append(str(error))
                continue
            time = None if time_s is None else _time(time_s)
            found.append(Cosignature(name, raw[:4].hex(), head.size, time, checked=time is not None))
        return found, problems

    def unknown(self, marks: Sequence[Cosignature]) -> Iterator[str]:
        """Yield what cannot be determined about cosigners, after everything was judged; `marks`: the cosignatures found."""
        strangers = [mark.by for mark in marks if self._key(mark.by, bytes.fromhex(mark.key_id)) is None]
        for name in dict.fromkeys(strangers):
            yield f"whether {name} signed what bears its name: --mirror-vkey gives its key"
        for row in self._rows.values():
            for one, other in row.apart():
                yield (
                    f"whether {one.short} handed over to {other.short}: no handover between the two is here, "
                    "and what the earlier one signed does not count"
                )
        yield from self._late
        for name in self.names:
            if not any(mark.by == name and mark.checked for mark in marks):
                yield f"whether {name} has ever seen this log: nothing here bears its cosignature"

    def _key(self, name: str, key_id: bytes) -> LogKey | None:
        row = self._rows.get(name)
        return None if row is None else next((one for one in (*row.given, *row.keys) if one.key_id == key_id), None)

    def _counted_s(self, key: LogKey, text: str, signature: bytes) -> int | None:
        """Return the time in a cosignature, in seconds since 1970; None if its key was not in force then. Raises StructureError if it is invalid."""
        try:
            time_s = cosigned_s(key, text, signature)
        except (struct.error, InvalidSignature) as error:
            raise StructureError(f"the cosignature of {key.name} is not valid") from error
        if time_s > TIME_S_MAX:
            raise StructureError(f"the cosignature of {key.name} has a time that no calendar has")
        row = self._rows[key.name]
        word = next((one for one in row.joined if one.old == key), None)
        if word is not None and time_s > word.at_s:
            # Not a problem: a running server uses the old key until it restarts.
            self._late[
                f"whether {key.name} cosigned this at {_time(time_s)}: the key {key.short} had handed over at {_time(word.at_s)}"
            ] = None
            return None
        return time_s if key in row.keys else None


def _time(time_s: int) -> str:
    return f"{datetime.fromtimestamp(min(time_s, TIME_S_MAX), UTC):%Y-%m-%dT%H:%M:%SZ}"
