"""Compares the counters of the barrier's controller with the recorded passages.

Between two records of counters, every counter grows by the number of `passed` records (docs/protocols/audit-log.md,
"Passages"). If it does not, a record is missing or false.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gate_verify.audit_record import AuditRecord, count, text

COUNTS = 2**32  # a counter wraps to 0 after this many
WAYS = ("entry", "exit")
DOORS = ("first", "last")


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference between counter and records, between the entries `after` and `until`. `is_explained`: a record there does not open."""

    door: str
    way: str
    counted: int
    recorded: int
    after: int
    until: int
    is_explained: bool

    def __str__(self) -> str:
        return (
            f"entries {self.after} to {self.until}: the controller of the {self.door} door counted {self.counted} passages "
            f"in direction {self.way}, and the records tell of {self.recorded}"
        )


@dataclass(slots=True)
class _Door:
    """One controller: its counters at `after`, its counters by the latest records, and the passages recorded in between."""

    base: tuple[int, int]
    now: tuple[int, int]
    after: int
    until: int
    told: list[int]


class CounterReconciliation:
    """Takes the records in order."""

    def __init__(self) -> None:
        self._doors: dict[str, _Door] = {}
        self._gaps: list[Gap] = []
        self._skipped = -1
        self.counted: Counter[tuple[str, str]] = Counter()  # by door and direction, as far as it is complete

    def take(self, told: AuditRecord) -> None:
        """Apply the next record, if it is about passages. One that does not open may be about a passage."""
        index, body = told.index, told.body
        if told.kind is None or body is None:
            self._skipped = index
            return
        door, now = text(body, "door", missing="last"), _counters(body.get("counters"))
        if told.kind not in {"passed", "counted"} or door not in DOORS:
            return
        if now is None:
            self._doors.pop(door, None)  # a record from before counters were kept
            return
        if told.kind == "counted":
            self._close(door)
            base = now if _counters(body.get("before")) is None else (0, 0)
            self._doors[door] = _Door(base, now, index, index, [0, 0])
            return
        counters = self._doors.get(door)
        if counters is None:  # the log does not begin here
            self._doors[door] = _Door(now, now, index, index, [0, 0])
            return
        if now != counters.now:
            self._close(door)
            counters = self._doors[door] = _Door(counters.now, now, counters.until, index, [0, 0])
        counters.until = index
        number, way = count(body.get("count")) or 0, text(body, "direction", missing="entry")
        if number < COUNTS and way in WAYS:
            counters.told[WAYS.index(way)] += number

    def gaps(self) -> tuple[Gap, ...]:
        """Return the gaps up to here."""
        for door in list(self._doors):
            self._close(door)
        return tuple(self._gaps)

    def _close(self, door: str) -> None:
        counters = self._doors.pop(door, None)
        if counters is None:
            return
        for way, base, now, told in zip(WAYS, counters.base, counters.now, counters.told, strict=True):
            counted = (now - base) % COUNTS
            self.counted[door, way] += counted
            if counted != told:
                is_explained = self._skipped > counters.after
                self._gaps.append(Gap(door, way, counted, told, counters.after, counters.until, is_explained))


def _counters(value: object) -> tuple[int, int] | None:
    match value:
        case {"entry": int(entry), "exit": int(leaving)}:
            return entry, leaving
        case _:
            return None
