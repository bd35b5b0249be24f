"""Judges the recipients of records: headers name them, each lane start names the approved ones, each age file shows their number.

This finds a log program with another configuration than the lane's, and an unapproved set. Records that the log program writes
before the lane starts are sealed for the recipients that the lane's next start names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gate_verify.audit_record import AuditRecord, words

_LOGS_OWN: Final = frozenset(
    {"clock_stepped", "entries_dropped", "keys_erased", "keys_erased_at_mirror", "keys_expired", "log_key_changed"}
)
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class _Others:
    """Consecutive records that are sealed for another set than the preceding start named."""

    first: int
    last: int
    recipients: str
    only_own: bool


class NamedRecipients:
    """Judges records in order."""

    def __init__(self) -> None:
        self._named: str | None = None
        self._sets: dict[str, frozenset[str]] = {}  # as starts named them
        self._files: dict[str, tuple[int, str, int, frozenset[str]]] = {}  # by the key, of its first entry
        self._others: _Others | None = None
        self._wrong: list[str] = []

    def take(self, told: AuditRecord) -> None:
        """Compare the next record with the preceding start. One that does not open may be a start."""
        recipients, kind = told.recipients, told.kind
        if told.readers is not None:  # of its age file
            self._files.setdefault(told.key, (told.index, recipients, *told.readers))
        if kind == "started" and told.body is not None:
            named = told.body.get("recipients")
            if recipients and not named:
                self._wrong.append(
                    f"entry {told.index}, a start of the lane, is sealed for a named set and names nobody"
                )
            self._start(recipients, named)
        elif kind is None and told.about == "device" and recipients != self._named:
            self._named = None
        if self._named is None or recipients == self._named:
            self._close()
            return
        if self._others is None or self._others.recipients != recipients:
            self._close()
            self._others = _Others(told.index, told.index, recipients, only_own=True)
        self._others.last = told.index
        self._others.only_own = self._others.only_own and kind in _LOGS_OWN

    def contradictions(self) -> tuple[str, ...]:
        """Return the contradictions; call after the last record."""
        self._close()
        return (*self._wrong, *self._unlike())

    def unnamed(self) -> Iterator[str]:
        """Yield the sets that keys are sealed for and no readable start names; nothing if no start names any."""
        unnamed = Counter(one[1] for one in self._files.values() if self._sets and one[1] not in self._sets)
        for recipients, keys in sorted(unnamed.items()):
            named = f"the set {recipients}" if recipients else "a set that their records do not name"
            yield f"who can read {keys} keys: they are for {named}, and no start of the lane that opens names its recipients"

    def _unlike(self) -> Iterator[str]:
        """Yield problems of age files whose set a start named. Files of a set that no start named must have equal numbers and open alike."""
        wrong: defaultdict[str, list[int]] = defaultdict(list)
        alike: dict[str, tuple[int, frozenset[str]]] = {}
        for index, recipients, readers, shut in self._files.values():
            named = self._sets.get(recipients, frozenset())
            if named and readers != len(named):
                wrong[f"are for {readers} readers, and the start of the lane names {len(named)}"].append(index)
            if recipients and not named and alike.setdefault(recipients, (readers, shut)) != (readers, shut):
                wrong["are for other readers than an earlier key of the same set"].append(index)
            for mine in sorted(named & shut):
                wrong[f"do not open for {mine}, whom the start of the lane names"].append(index)
        for why, entries in wrong.items():
            yield f"{len(entries)} keys, the first of entry {min(entries)}, {why}"

    def _start(self, recipients: str, named: object) -> None:
        before, found = self._others, words(named)
        is_set = isinstance(named, list) and len(found) == len(named) and all(map(_HASH.fullmatch, found))
        # None for a start of an older version, or one that names none; a digest of no set for what is no list of hashes.
        self._named = None if named is None or named == [] else _digest(found) if is_set else ""
        if self._named:
            self._sets[self._named] = frozenset(found)
        if before is not None and before.only_own and before.recipients == recipients == self._named:
            self._others = None
        self._close()

    def _close(self) -> None:
        if (found := self._others) is not None:
            is_one = found.first == found.last
            which = f"entry {found.first} is" if is_one else f"entries {found.first} to {found.last} are"
            self._wrong.append(f"{which} sealed for others than the start of the lane before named")
        self._others = None


def _digest(hashes: Iterable[str]) -> str:
    return sha256("\n".join(sorted(set(hashes))).encode()).hexdigest()
