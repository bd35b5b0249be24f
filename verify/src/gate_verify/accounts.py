"""Accounts for the keys of sealed records: missing keys that should be deleted, and present keys that should be.

Three kinds of record concern keys. `keys_erased`: keys that two people ordered erased, with their signatures. `keys_expired`: the number of
keys of a class and day that were deleted after their time. `keys_erased_at_mirror`: the central server has carried out an order. A key is
stored under the day of its first record; under a later day if the gate's clock was unconfirmed, and under an earlier one if a fast clock was
set back. An order applies to every copy that holds its record, an expiry only to the gate's copy: other copies have their own settings.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Final

from gate_verify.audit_record import COUNT_MAX, AuditRecord, words
from gate_verify.findings import Erasure, Findings, Held, Ledger, StructureError, UnreadableError, harmless
from gate_verify.signed_note import signers_of

KEPT_DAYS_MIN: Final = {"crossing": 1, "device": 183, "administration": 183}  # no configuration allows less
SIGNERS_MIN: Final = 2


@dataclass(slots=True)
class Accounts:
    """Accounts for a log's keys, from its records in order. `origin`: the log's origin, which orders must name."""

    origin: str
    # Of each key: the class and the day that it lies with, its first entry, the latest hour of its records.
    _first: dict[str, tuple[str, str, int, str]] = field(default_factory=dict)
    _turns: list[tuple[int, str]] = field(default_factory=list)  # from which entry on no record is of an earlier day
    _approvers: Mapping[str, object] = field(default_factory=dict)  # as the latest start named them; empty if unknown
    _orders: dict[tuple[str, tuple[str, ...]], tuple[int, tuple[str, ...], bool]] = field(default_factory=dict)
    _at_mirror: set[str] = field(default_factory=set)
    _expired: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _wrong: Findings = field(default_factory=Findings)

    def take(self, told: AuditRecord) -> None:
        """Note the next record."""
        start, day = told.index, told.hour[:10]
        if told.key:
            _, _, first, latest = self._first.get(told.key, ("", "", start, ""))
            if told.hour > latest:  # one of 0.1.0 may seal records of several classes and days, and lies with the last
                self._first[told.key] = told.about, day, first, told.hour
            while self._turns and self._turns[-1][1] >= day:
                start = self._turns.pop()[0]
            self._turns.append((start, day))
        match told.about, told.kind, told.body:
            case "device", None, None:
                self._approvers = {}  # it may be a start
            case "device", "started", {"approval": {"keys": dict(keys)}} if keys:
                self._approvers = keys
            case "administration", _, {"gate": _}:
                pass  # the central server's own log names gates: it is about other logs' keys
            case "administration", "keys_erased", {"keys": list(erased), "note": str(note), **rest}:
                order, names = (harmless(note), words(erased)), tuple(map(harmless, words(rest.get("by"))))
                is_signed = self._is_signed(told.index, order, rest.get("signatures"))
                self._orders.setdefault(order, (told.index, names, is_signed))
            case "administration", "keys_erased_at_mirror", {"note": str(note)}:
                self._at_mirror.add(harmless(note))
            case "administration", "keys_expired", {"class": str(about), "day": str(of), "keys": int(count)}:
                index, before = self._expired.get((about, of), (told.index, 0))
                if 0 <= count <= COUNT_MAX and _was_over(about, of, day):
                    self._expired[about, of] = index, max(count, before)
                else:
                    why = "before their time, by the shortest that a configuration can say"
                    self._wrong.add(f"entry {told.index}: {count} keys of class {about} and {of} forgotten {why}")
            case _:
                pass

    def _is_signed(self, index: int, order: tuple[str, tuple[str, ...]], signatures: object) -> bool:
        """True if two approvers in force signed it; None if the record has no signatures, or no start was read yet."""
        if not isinstance(signatures, list):
            return False
        text = "".join(f"{line}\n" for line in ("portcullis erasure/1", self.origin, *order[1]))
        note = "\n".join((text, *words(signatures), "")).encode(errors="replace")
        try:
            found = signers_of(note, self._approvers.values())
        except (StructureError, UnreadableError):
            found = set()
        if sha256(note).hexdigest() != order[0] or (self._approvers and len(found) < SIGNERS_MIN):
            self._wrong.add(
                f"entry {index}: two of the approvers whom the latest start names have not signed this order to erase keys"
            )
        return len(found) >= SIGNERS_MIN

    def erasures(self, ledger: Ledger) -> tuple[Erasure, ...]:
        """Return the orders, oldest first."""
        here = frozenset().union(*(copy.keys for copy in ledger.copies))
        return tuple(
            Erasure(index, by, note, len(keys), len(here.intersection(keys)), note in self._at_mirror, is_signed)
            for (note, keys), (index, by, is_signed) in self._orders.items()
        )

    def gone(self, copy: Held) -> frozenset[str]:
        """Return the keys that a copy lacks and that were due: ordered erased, or of an expired day, at most as many as
        the log reports deleted. If a key of that day is still in the copy, no key of another day counts in its place.
        """
        lacking = copy.named - copy.keys
        found = self._ordered() & lacking
        waiting = sorted(((*self._earliest(key), key) for key in self._first.keys() & lacking - found), reverse=True)
        here = {self._first[key][:2] for key in copy.keys & self._first.keys()}
        over: list[tuple[str, str, str]] = []  # those of this day or an earlier one, the latest last
        for of, (index, count) in sorted(self._expired.items()):
            while waiting and waiting[-1][:2] <= of:
                over.append(waiting.pop())
            left, since = count, of if index < copy.size and of in here else (of[0], "")
            while left and over and over[-1][:2] >= since:
                found.add(over.pop()[2])
                left -= 1
        return frozenset(found)

    def _ordered(self) -> set[str]:
        return {key for _, keys in self._orders for key in keys}

    def _earliest(self, key: str) -> tuple[str, str]:
        """Return a key's class and the earliest day under which it can be stored."""
        about, _, index, _ = self._first[key]
        return about, self._turns[bisect_right(self._turns, (index, "~")) - 1][1]

    def _uncounted(self) -> set[str]:
        """Return the keys that an order names and that no expiry before that order can have counted."""
        found = set()
        for (_, keys), (at, *_) in self._orders.items():
            last = {about: day for (about, day), (index, _) in sorted(self._expired.items()) if index < at}
            of = {key: self._earliest(key) for key in self._first.keys() & set(keys)}
            found |= {key for key, (about, day) in of.items() if day > last.get(about, "")}
        return found

    def unsigned(self, ledger: Ledger) -> Iterator[str]:
        """Yield the keys that are missing by an order for which there is only the gate's statement."""
        for (note, keys), (index, _, is_signed) in self._orders.items():
            if not is_signed and (gone := ledger.missing.intersection(keys)):
                yield f"whether two persons ordered {len(gone)} keys erased, entry {index}: that is the gate's word alone; the order is a note with the SHA-256 {note}"

    def contradictions(self, ledger: Ledger) -> Iterator[str]:
        """Yield keys that were due and are in a copy that knows so, and orders and expiries that are impossible."""
        yield from self._wrong.all()
        uncounted = self._uncounted()
        for copy in ledger.copies:
            for (_, keys), (index, *_) in self._orders.items():
                if index < copy.size and (here := copy.keys.intersection(keys)):
                    yield f"{copy.name}: {len(here)} of the {len(keys)} keys that were ordered erased, entry {index}, are still here: {min(here)}"
            # By number, because a wrong clock may have given a wrong day. An order may name keys that an earlier expiry has counted.
            missing = Counter(self._first.get(key, ("",))[0] for key in ledger.uses.keys() - copy.keys - uncounted)
            said: Counter[str] = Counter()
            if ledger.is_whole and copy.keys and copy.is_gates:  # of what was before, some may be of the day
                for (about, _), (index, count) in self._expired.items():
                    said[about] += count if index < copy.size else 0
            for about in sorted(said - missing):
                yield f"{copy.name}: {said[about]} keys of class {about} were said to be forgotten, and {missing[about]} are missing: the others are still here"

    def kept_longer(self, ledger: Ledger) -> Iterator[str]:
        """Yield the keys that a copy has of a day whose keys the gate has deleted, or of an earlier day."""
        for copy in ledger.copies:
            until = {about: day for (about, day), (index, _) in sorted(self._expired.items()) if index < copy.size}
            days = sorted(self._first[key][:2] for key in copy.keys & self._first.keys() - self._ordered())
            for about, last in until.items():
                if kept := [day for of, day in days if of == about and day <= last]:
                    yield f"why {copy.name} has {len(kept)} keys of class {about} of {kept[0]} to {kept[-1]}, when the gate has forgotten those of {last}: held, kept longer elsewhere, or put back"


def _was_over(about: str, day: str, today: str) -> bool:
    """True if the keys of that day can have been due; unknown classes, and days in another format, have no end."""
    try:
        of, now = date.fromisoformat(day), date.fromisoformat(today)
    except ValueError:
        return False
    return str(of) == day and about in KEPT_DAYS_MIN and (now - of).days > KEPT_DAYS_MIN[about]
