"""Accounts for the keys to sealed records: which of those that are missing were to go, and which are here that were to go.

What the log says of its keys, in records of its own: `keys_erased` names keys that two persons ordered erased, `keys_expired` how many keys of a class and
a day were forgotten after their time, `keys_erased_at_mirror` that the central server has carried an order out. A key lies with the day of its first record, or with
a later one where the gate's clock was nobody's word. An order binds every copy that holds its record. An older copy is its owner's to erase.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate.verify.findings import Erasure, Held, Ledger

if TYPE_CHECKING:
    from gate.verify.story import Told


@dataclass(slots=True)
class Accounts:
    """Takes the records in order."""

    _first: dict[str, tuple[str, str]] = field(default_factory=dict)  # the class and the day of each key's first record
    _orders: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)  # by their note
    _at_mirror: set[str] = field(default_factory=set)
    _expired: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def take(self, told: Told) -> None:
        """Note the next record."""
        if told.key:
            self._first.setdefault(told.key, (told.about, told.hour[:10]))
        if told.body is None or told.about != "administration" or "gate" in told.body:
            return  # those of the central server's own log name a gate: they are about another log's keys
        match told.kind, told.body:
            case "keys_erased", {"keys": list(keys), "note": str(note), **rest}:
                by = rest.get("by")
                order = (told.index, tuple(map(str, keys)), tuple(map(str, by)) if isinstance(by, list) else ())
                self._orders.setdefault(note, order)
            case "keys_erased_at_mirror", {"note": str(note)}:
                self._at_mirror.add(note)
            case "keys_expired", {"class": str(about), "day": str(day), "keys": int(count)}:
                index, before = self._expired.get((about, day), (told.index, 0))
                self._expired[about, day] = index, max(count, before)
            case _:
                pass

    def erasures(self, ledger: Ledger) -> tuple[Erasure, ...]:
        """Each order, the oldest first."""
        return tuple(
            Erasure(
                index,
                by,
                note,
                len(keys),
                sum(any(key in copy.keys for copy in ledger.copies) for key in keys),
                note in self._at_mirror,
            )
            for note, (index, keys, by) in self._orders.items()
        )

    def gone(self, ledger: Ledger) -> frozenset[str]:
        """The keys that were to go: ordered, or of a day whose time was over, as many as were said to be forgotten."""
        found = self._ordered()
        waiting: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for key in ledger.missing - found:
            about, day = self._first.get(key, ("", ""))
            waiting[about].append((day, key))
        for keys in waiting.values():
            keys.sort(reverse=True)
        over: defaultdict[str, list[str]] = defaultdict(list)  # those of this day or an earlier one, the latest last
        for (about, day), (_, count) in sorted(self._expired.items()):
            while waiting[about] and waiting[about][-1][0] <= day:
                over[about].append(waiting[about].pop()[1])
            found.update(over[about].pop() for _ in range(min(count, len(over[about]))))
        return frozenset(found)

    def _ordered(self) -> set[str]:
        return {key for _, keys, _ in self._orders.values() for key in keys}

    def contradictions(self, ledger: Ledger) -> Iterator[str]:
        """What was to go and is here, in a copy that knows so."""
        for copy in ledger.copies:
            for index, keys, _ in self._orders.values():
                if index < copy.size and (here := copy.keys.intersection(keys)):
                    yield f"{copy.name}: {len(here)} of the {len(keys)} keys that were ordered erased, entry {index}, are still here: {min(here)}"
            if ledger.is_whole and copy.keys:  # of what was before, some may be of the day
                yield from self._still_here(copy, ledger)

    def _still_here(self, copy: Held, ledger: Ledger) -> Iterator[str]:
        """By their number, since a day may be the wrong one where the clock was."""
        missing = Counter(self._first.get(key, ("", ""))[0] for key in ledger.uses.keys() - copy.keys - self._ordered())
        said: Counter[str] = Counter()
        for (about, _), (index, count) in self._expired.items():
            said[about] += count if index < copy.size else 0
        for about, count in sorted(said.items()):
            if count > missing[about]:
                yield f"{copy.name}: {count} keys of class {about} were said to be forgotten, and {missing[about]} are missing: the others are still here"
