"""Compares the log's passages and verdicts with the ground truth. Pure.

Differences are: a counted passage without a `passed` record, a record of an uncounted passage, counters that the controller
never had, a verdict that the passages contradict, a crossing without exactly one verdict. A gate cannot know passages that
were counted shortly before a power-up, or while the cable was out, and not reported: they are no difference.

The beams count two people without a gap as one, so the log is compared with the beams' count. Two doors are compared
separately.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.decision_log import FIRST, LAST, Entry, door_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware_sim.truth import Happening

BOOKED_MS_MAX = 2_000  # from a passage to its record, with the cable connected
CLOCK_MS = 50  # a record may seem older by this much than its event
FIRST_COUNTERS = (0, 0, 1)  # of a controller without a power cycle


class Different(enum.Enum):
    """How the log differs from the ground truth."""

    PASSAGE_MISSING = "passage_missing"
    PASSAGE_INVENTED = "passage_invented"
    COUNTERS = "counters"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference."""

    at_ms: int
    kind: Different
    why: str

    def as_json(self) -> dict[str, object]:
        """Return the difference as a JSON object."""
        return {"at_ms": self.at_ms, "kind": self.kind.value, "why": self.why}


def differences(truth: tuple[Happening, ...], log: tuple[Entry, ...]) -> tuple[Difference, ...]:
    """Return all differences between the log and the ground truth, in the order of time."""
    found = [difference for door in (FIRST, LAST) for difference in _differences_at(door, truth, log)]
    return tuple(sorted((*found, *_verdicts(log)), key=lambda one: one.at_ms))


def _differences_at(door: str, truth: tuple[Happening, ...], log: tuple[Entry, ...]) -> list[Difference]:
    truth = tuple(happening for happening in truth if happening.door == door)
    books = _Books(is_told=any(happening.event == "counted" for happening in truth))
    at = 0
    for entry in log:
        if entry.kind not in _COUNTING or door_of(entry) != door:
            continue
        while at < len(truth) and truth[at].at_ms <= entry.at_ms + CLOCK_MS:
            books.happened(truth[at])
            at += 1
        books.written(entry)
    for happening in truth[at:]:
        books.happened(happening)
    books.finish()
    return books.found


_COUNTING = frozenset({"passed", "counted"})


@dataclass(slots=True)
class _Books:
    """Reads both in the order of time. A record covers the oldest uncovered passages of its direction."""

    is_told: bool  # False when the world does not report its controller's counts: then every passage counts
    found: list[Difference] = field(default_factory=list)
    _uncovered: dict[str, deque[int]] = field(default_factory=lambda: {"entry": deque(), "exit": deque()})
    _counters: set[tuple[int, int, int]] = field(default_factory=lambda: {FIRST_COUNTERS})
    _cut: bool = False

    def happened(self, happening: Happening) -> None:
        """Process one happening of the ground truth."""
        match happening.event:
            case "counted":
                self._uncovered[happening.text("direction")].append(happening.at_ms)
                self._counters.add(_counters(happening.fields))
            case "passed" if not self.is_told:
                self._uncovered[happening.text("direction")].append(happening.at_ms)
            case "power_up":
                self._forget(happening.at_ms)
                self._counters.add((0, 0, _whole(happening.fields.get("power_ups"))))
            case "barrier_unplugged" | "barrier_plugged":
                self._cut = happening.event == "barrier_unplugged"
            case _:
                pass  # other happenings are irrelevant here

    def _forget(self, at_ms: int) -> None:
        """Reset the controller's counts. Passages that it had time to report and that no record covers are missing."""
        for direction, passages in self._uncovered.items():
            for passed_ms in passages:
                if not self._cut and at_ms - passed_ms > BOOKED_MS_MAX:
                    self._find(passed_ms, Different.PASSAGE_MISSING, f"in {direction} direction, before a power-up")
            passages.clear()

    def written(self, entry: Entry) -> None:
        """Process one record."""
        if not entry.body:
            return
        counters = entry.body.get("counters")
        if self.is_told and not (isinstance(counters, dict) and _counters(counters) in self._counters):
            self._find(entry.at_ms, Different.COUNTERS, f"a record of {counters}, which the controller never had")
        if entry.kind == "passed":
            self._cover(entry)

    def _cover(self, entry: Entry) -> None:
        direction, count = str(entry.body.get("direction")), _whole(entry.body.get("count"))
        passages = self._uncovered.get(direction, deque())
        for _ in range(min(count, len(passages))):
            passages.popleft()
            count -= 1
        if count:
            self._find(entry.at_ms, Different.PASSAGE_INVENTED, f"{count} in {direction} direction whom nobody counted")

    def finish(self) -> None:
        """Find the passages that no record covers, at the end of both."""
        for direction, passages in self._uncovered.items():
            for passed_ms in passages:
                self._find(passed_ms, Different.PASSAGE_MISSING, f"in {direction} direction, in no record")

    def _find(self, at_ms: int, kind: Different, why: str) -> None:
        self.found.append(Difference(at_ms, kind, why))


def _verdicts(log: tuple[Entry, ...]) -> list[Difference]:
    """Return crossings without exactly one verdict, or whose passages differ from it. The latest may still run."""
    opened = {entry.crossing: entry.at_ms for entry in log if entry.kind == "opened" and entry.crossing is not None}
    running = next(reversed(opened), None)
    verdicts: Counter[str] = Counter()
    admitted: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for entry in log:
        crossing = entry.crossing
        if crossing is None:
            continue
        verdicts[crossing] += entry.kind == "closed"
        officers = entry.kind == "disposition" and entry.body.get("disposition") == "admitted_by_officer"
        admitted[crossing] += officers or (entry.kind == "closed" and entry.body.get("verdict") == "admitted")
        if _sent_companion(entry):
            passed[crossing] -= 1  # another person did
        if entry.kind == "passed" and entry.body.get("how") == "grant" and door_of(entry) == LAST:
            passed[crossing] += _whole(entry.body.get("count"))
    found = [
        Difference(at_ms, Different.VERDICT, f"crossing {crossing} has {verdicts[crossing]} verdicts")
        for crossing, at_ms in opened.items()
        if verdicts[crossing] != 1 and not (crossing == running and not verdicts[crossing])
    ]
    for crossing in {*admitted, *passed}:
        going_on = crossing == running and not verdicts[crossing]
        if admitted[crossing] != passed[crossing] and not going_on:
            why = f"crossing {crossing} is admitted {admitted[crossing]} times, and {passed[crossing]} passed on its grants"
            found.append(Difference(opened.get(crossing, 0), Different.VERDICT, why))
    return found


def _sent_companion(entry: Entry) -> bool:
    """Return True where a crossing is referred because another person passed on its grant."""
    return entry.kind == "closed" and "'holder_in_view'" in str(entry.body.get("reasons"))


def _counters(fields: Mapping[str, object]) -> tuple[int, int, int]:
    return _whole(fields.get("entry")), _whole(fields.get("exit")), _whole(fields.get("power_ups"))


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
