"""Judges the gate's wall clock: the log program records each time that it is set (`clock_stepped`), so one that was set without a record is found.

A record's moment is the wall clock when the log program took it: in the order of the log moments go back only where the clock was set back. Beside it stands
CLOCK_MONOTONIC of the program that reported, which nobody sets; but a record that waited looks as if the clock had been set forward.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate.verify.story import Told

STEP_MS = 2_000  # a clock that jumps by more was set
_STEADY = 8  # records in a row: one alone may have been written late
PASSING_MS = 60_000  # records of two programs may pass one another while the disk is slow
WAITED_MS = 600_000  # and all of them may wait so long
STEPS_MAX = 500


@dataclass(frozen=True, slots=True)
class Step:
    """The gate's clock was set: `by_ms` against the time since the machine's start, or of two starts against one another."""

    index: int
    time: str
    by_ms: int


class Clock:
    """Takes the records in order."""

    def __init__(self) -> None:
        self._steps = Steps()
        self._latest, self._latest_at = "", -1
        self._back: list[tuple[Told, str, int]] = []  # with the latest moment before, and its entry
        self._forward: list[tuple[Step, str | None]] = []  # with the boot
        self._said, self._said_at = 0, -1  # how far the latest record of a step says that the clock was set
        self._hidden = -1  # the latest entry that may be such a record, for all that can be read

    def take(self, told: Told) -> None:
        """Judge the next record."""
        if told.time is None or told.body is None:
            self._hidden = told.index if told.about == "administration" else self._hidden
            return
        if not told.recipients:
            self._hidden = told.index  # of before steps had records, perhaps
        if (told.about, told.kind) == ("administration", "clock_stepped"):
            self._stepped(told, told.time, str(told.body.get("before")), str(told.body.get("after")))
        is_back = told.time[:13] < self._latest[:13] and ms(self._latest) - ms(told.time) > PASSING_MS
        if is_back and len(self._back) < STEPS_MAX:
            self._back.append((told, self._latest, self._latest_at))
            self._latest = ""
        if told.time >= self._latest:
            self._latest, self._latest_at = told.time, told.index
        for step in self._steps.take(told) if told.monotonic_ms else ():  # central's own log has no such clock
            is_told = self._said_at >= step.index and abs(self._said - step.by_ms) <= WAITED_MS
            if step.by_ms > WAITED_MS and not is_told and len(self._forward) < STEPS_MAX:
                self._forward.append((step, told.boot))
            elif step.by_ms < 0 and not is_told and self._forward and self._forward[-1][1] == told.boot:
                del self._forward[-1]  # these records had waited

    def jumps(self) -> Iterator[tuple[str, bool]]:
        """Each time that the clock was set and no record says so; and whether that is sure."""
        for told, latest, at in self._back:
            text = f"entry {told.index} is of {told.time}, after records of {latest}"
            yield f"{text}: the clock was set back, and no record says so", self._hidden <= at
        for step, _ in self._forward:
            text = f"the clock was set forward by {step.by_ms // 1000} s at entry {step.index}"
            yield f"{text}: no record says so, and a log program that did not run then leaves none", False

    def _stepped(self, told: Told, time: str, before: str, after: str) -> None:
        """Take a record of a step; it explains one from a time that the clock has shown by the records."""
        self._said, self._said_at = ms(after) - ms(before), told.index
        if ms(before) and before[:13] >= self._latest[:13]:
            self._back = [one for one in self._back if one[0].boot != told.boot or one[1][:13] > before[:13]]
            self._latest, self._latest_at = min(time, after), told.index


class Steps:
    """Holds the gate's wall clock against the time since the machine's start, which nobody can set.

    A record is written at once or late, never early: so a clock that was set back shows with the first record, and one that was set
    forward when several in a row are late.
    """

    def __init__(self) -> None:
        self._boot: str | None = None
        self._level_ms = 0
        self._late: deque[tuple[int, Told]] = deque(maxlen=_STEADY)
        self._last_ms = 0

    def take(self, told: Told) -> Iterator[Step]:
        """The next record; yields a step where it shows one."""
        assert told.time is not None, "a record that opened has its moment"
        now_ms = ms(told.time)
        ahead_ms = now_ms - (told.monotonic_ms or 0)
        if told.boot != self._boot:
            if self._boot is not None and now_ms < self._last_ms:
                yield Step(told.index, told.time, now_ms - self._last_ms)
            self._boot, self._level_ms = told.boot, ahead_ms
            self._late.clear()
        elif ahead_ms < self._level_ms - STEP_MS:
            yield Step(told.index, told.time, ahead_ms - self._level_ms)
            self._level_ms = ahead_ms
            self._late.clear()
        elif ahead_ms > self._level_ms + STEP_MS:
            self._late.append((ahead_ms, told))
            if len(self._late) == _STEADY:
                first = self._late[0][1]
                level_ms = min(late_ms for late_ms, _ in self._late)
                yield Step(first.index, first.time or "", level_ms - self._level_ms)
                self._level_ms = level_ms
                self._late.clear()
        else:
            self._level_ms = min(self._level_ms, ahead_ms)
            self._late.clear()
        self._last_ms = now_ms


def ms(time: str) -> int:
    """A record's time; 0 for what is none, or has no zone: nobody knows which one it would be."""
    try:
        moment = datetime.fromisoformat(time)
        return 0 if moment.tzinfo is None else int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
