"""Judges the recipients of records: headers name them, each lane start names the approved ones, each age file shows their number.

This finds a log program with another configuration than the lane's, and an unapproved set. Records that the log program writes
before the lane starts are sealed for the recipients that the lane's next start names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

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

    def take(
        self, index: int, kind: str | None, *, about: str, recipients: str, body: Mapping[str, object] | None
    ) -> None:
        """Compare the next record with the preceding start. `kind` is None if the record does not open: it may be a start."""
        if kind == "started" and body is not None:
            if recipients and not body.get("recipients"):
                self._wrong.append(f"entry {index}, a start of the lane, is sealed for a named set and names nobody")
            self._start(recipients, body.get("recipients"))
        elif kind is None and about == "device" and recipients != self._named:
            self._named = None
        if self._named is None or recipients == self._named:
            self._close()
            return
        if self._others is None or self._others.recipients != recipients:
            self._close()
            self._others = _Others(index, index, recipients, only_own=True)
        self._others.last = index
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

    def file(self, key: str, index: int, recipients: str, readers: tuple[int, frozenset[str]]) -> None:
        """Note the number of recipients of a record's age file, and the hashes of the auditor's own recipients that do not open it."""
        self._files.setdefault(key, (index, recipients, *readers))

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
        before, self._named = self._others, _digest(named)
        if self._named and isinstance(named, list):
            self._sets[self._named] = frozenset(named)
        if before is not None and before.only_own and before.recipients == recipients == self._named:
            self._others = None
        self._close()

    def _close(self) -> None:
        if (found := self._others) is not None:
            which = (
                f"entry {found.first} is" if found.first == found.last else f"entries {found.first} to {found.last} are"
            )
            self._wrong.append(f"{which} sealed for others than the start of the lane before named")
        self._others = None


def _digest(named: object) -> str | None:
    """Return the digest of the set that a start names; None for a start of an older version, or one that names none."""
    if named is None or named == []:
        return None
    if not isinstance(named, list) or not all(isinstance(one, str) and _HASH.fullmatch(one) for one in named):
        return ""
    return sha256("\n".join(sorted(set(named))).encode()).hexdigest()
