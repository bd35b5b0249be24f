"""Whom records are sealed for: the headers say it in clear, each start of the lane whom two approvers agreed to, and each age file for how many readers it is.

A log program that was started with another configuration than the lane shows here, and so does a set that nobody approved. What a log writes of its own
before the lane begins is sealed for those whom the lane's next start names.
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
    """Records one after the other that are sealed for another set than the start before them named."""

    first: int
    last: int
    recipients: str
    only_own: bool


class NamedRecipients:
    """Takes records in order."""

    def __init__(self) -> None:
        self._named: str | None = None
        self._sets: dict[str, frozenset[str]] = {}  # whom starts named
        self._files: dict[str, tuple[int, str, int, frozenset[str]]] = {}  # by the key, of its first entry
        self._others: _Others | None = None
        self._wrong: list[str] = []

    def take(
        self, index: int, kind: str | None, *, about: str, recipients: str, body: Mapping[str, object] | None
    ) -> None:
        """Hold the next record against the start before it; `kind` is None of one that does not open, which may be a start."""
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
        """What was found; after the last record."""
        self._close()
        return (*self._wrong, *self._unlike())

    def unnamed(self) -> Iterator[str]:
        """The sets that keys are for and that no start of the lane names, as far as starts open; none if no start names any."""
        unnamed = Counter(one[1] for one in self._files.values() if self._sets and one[1] not in self._sets)
        for recipients, keys in sorted(unnamed.items()):
            named = f"the set {recipients}" if recipients else "a set that their records do not name"
            yield f"who can read {keys} keys: they are for {named}, and no start of the lane that opens names its recipients"

    def file(self, key: str, index: int, recipients: str, readers: tuple[int, frozenset[str]]) -> None:
        """Note for how many readers a record's age file is, and which of the auditor's own identities do not open it, by the hashes of their recipients."""
        self._files.setdefault(key, (index, recipients, *readers))

    def _unlike(self) -> Iterator[str]:
        """What is wrong with age files, whenever a start named their set; those of a set that no start named are all for as many, and open alike."""
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
    """The digest of the set that a start names; None of one from before starts named any, or of one that names nobody."""
    if named is None or named == []:
        return None
    if not isinstance(named, list) or not all(isinstance(one, str) and _HASH.fullmatch(one) for one in named):
        return ""
    return sha256("\n".join(sorted(set(named))).encode()).hexdigest()
