"""Judges the gate's wall clock. The log program records each time that the clock is set (`clock_stepped`); this finds unrecorded steps.

A record's time is the wall clock when the log program received it: in log order, times go back only if the clock was set back. Each
record also has CLOCK_MONOTONIC of the reporting program, which cannot be set. Within one boot the difference of the two stays constant; a
record that waited has a larger one, but not the same as that of another record a minute later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gate_verify.audit_record import AuditRecord

PASSING_MS = 60_000  # records of two programs may pass one another while the disk is slow
WAITED_MS = 600_000  # and all of them may wait so long
ALIKE_MS = 2_000
JUMPS_MAX = 500


class Clock:
    """Takes the records in order."""

    def __init__(self) -> None:
        self._latest, self._latest_at = "", -1
        # Each record that stands back, with the latest moment before it and that one's entry. A later `clock_stepped` may explain those of `_back`;
        # none explains those of `_passed`, since the clock has gone past that moment again.
        self._back: list[tuple[AuditRecord, str, int]] = []
        self._passed: list[tuple[AuditRecord, str, int]] = []
        self._set: AuditRecord | None = None  # the latest that is back or reports a step
        self._forward: list[tuple[int, int]] = []  # from which entry on, and how far
        self._hidden = -1  # the latest entry that may be the record of a step, for all that can be read
        self._boot: str | None = None
        self._distance_ms = 0
        self._other: tuple[int, int, int] | None = None  # of the first larger distance: moment, distance, entry

    def take(self, told: AuditRecord) -> None:
        """Judge the next record."""
        if told.time is None or told.body is None:
            self._hidden = told.index if told.about == "administration" else self._hidden
            return
        if not told.recipients:
            self._hidden = told.index  # of before steps had records, perhaps
        if is_step := (told.about, told.kind) == ("administration", "clock_stepped"):
            self._stepped(told, told.time, str(told.body.get("before")), str(told.body.get("after")))
        at_ms = ms(told.time)
        is_back = told.time[:13] < self._latest[:13] and ms(self._latest) - at_ms > PASSING_MS
        if is_back and len(self._back) + len(self._passed) < JUMPS_MAX:
            self._back.append((told, self._latest, self._latest_at))
            self._latest = ""
        if is_back or is_step:
            self._set = told
        if told.time >= self._latest and not self._is_late(told):
            self._latest, self._latest_at = told.time, told.index
            while self._back and at_ms - ms(self._back[-1][1]) > PASSING_MS:
                self._passed.append(self._back.pop())
        if is_step or told.boot != self._boot:
            self._boot, self._distance_ms, self._other = told.boot, at_ms - (told.monotonic_ms or 0), None
        elif told.monotonic_ms:  # the central server's own log has no such clock
            self._steady(told.index, at_ms, at_ms - told.monotonic_ms)

    def jumps(self) -> Iterator[tuple[str, bool]]:
        """Yield each unrecorded step of the clock, and True if it is certain."""
        for told, latest, at in (*self._passed, *self._back):
            text = f"entry {told.index} is of {told.time}, after records of {latest}"
            yield f"{text}: the clock was set back, and no record says so", self._hidden <= at
        for at, by_ms in self._forward:
            text = f"the clock was set forward by {by_ms // 1000} s at entry {at}"
            yield f"{text}: no record says so, and a log program that did not run then leaves none", False

    def _is_late(self, told: AuditRecord) -> bool:
        """True if a record is from before the clock was set, and was overtaken by the record that shows the step."""
        if self._set is None or self._set.boot != told.boot:
            return False
        return 0 < (self._set.monotonic_ms or 0) - (told.monotonic_ms or 0) <= PASSING_MS

    def _stepped(self, told: AuditRecord, time: str, before: str, after: str) -> None:
        """Take a record of a step. It explains a step back from a time that earlier records show, unless the clock went forward again."""
        if ms(before) and before[:13] >= self._latest[:13]:
            self._back = [
                one for one in self._back if one[0].boot != told.boot or time >= one[1] or one[1][:13] > before[:13]
            ]
            self._latest, self._latest_at = min(time, after), told.index

    def _steady(self, index: int, at_ms: int, distance_ms: int) -> None:
        """Compare a record's two clocks with those of earlier records of this boot."""
        if distance_ms <= self._distance_ms + WAITED_MS:
            self._distance_ms, self._other = min(distance_ms, self._distance_ms), None
        elif self._other is None or abs(distance_ms - self._other[1]) > ALIKE_MS:
            self._other = at_ms, distance_ms, index
        elif at_ms - self._other[0] > PASSING_MS and len(self._forward) < JUMPS_MAX:
            self._forward.append((self._other[2], distance_ms - self._distance_ms))
            self._distance_ms, self._other = distance_ms, None


def ms(time: str) -> int:
    """Return a record's time in milliseconds since 1970; 0 if it is invalid or has no time zone."""
    try:
        moment = datetime.fromisoformat(time)
        return 0 if moment.tzinfo is None else int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
