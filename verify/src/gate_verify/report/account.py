"""Totals of a log's records: crossings, reasons, officers, passages, clock, groups of travellers, each figure with its entries. Pure.

Names are those of the records; the page translates them. Officers are numbered in the order of their first record, so that a report can
be shown without their names. Groups are compared by how often the gate referred them. Groups of fewer than GROUP_MIN crossings are
counted together, since a small one could identify a traveller.

Limits: a table has NAMES_MAX lines and one more for all other names, whatever a lane wrote; the clock has STEPS_MAX steps.
"""

from __future__ import annotations

import statistics
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gate_verify.audit_record import AuditRecord, count, rows, table, text
from gate_verify.clock import ms as _ms
from gate_verify.counter_reconciliation import COUNTS, CounterReconciliation
from gate_verify.report.draws import Draws
from gate_verify.report.fairness import Fairness
from gate_verify.report.rates import Rate

GROUP_MIN = 10
FEWER = f"fewer than {GROUP_MIN} each"
SHOWN = 12  # entries of a figure that are described
STEP_MS = 2_000  # a clock that jumps by more was set
_STEADY = 8  # records in a row: one alone may have been written late
NAMES_MAX = 200
STEPS_MAX = 500
WORD_MAX = 100  # letters
LONGEST_MS = 7 * 24 * 3_600_000  # a crossing that took longer is none
OTHERS = "others"
HIT = "hit"
GROUPS = ("issuer", "document_type", "nationality", "access")


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that a figure names."""

    index: int
    time: str
    kind: str
    crossing: str
    what: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the gate's clock: `by_ms` relative to the time since the machine's start, or between two starts."""

    index: int
    time: str
    by_ms: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations, in seconds."""

    n: int
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, values_s: Sequence[float]) -> Spread | None:
        """Return the spread of these values; None without values."""
        if not values_s:
            return None
        ordered = sorted(values_s)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        return cls(len(ordered), statistics.median(ordered), p95, ordered[-1])


@dataclass(slots=True)
class Crossing:
    """One crossing, from its records that opened."""

    name: str
    opened: str = ""
    direction: str = ""
    decision: str = ""
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    closed: str = ""
    closed_at: int | None = None
    disposition: str = ""
    disposed: str = ""
    officer: str = ""
    took_s: float | None = None
    granted_s: float | None = None
    groups: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)  # the answer of each list or register
    entries: array[int] = field(default_factory=lambda: array("Q"))

    @property
    def waited_s(self) -> float | None:
        """How long a referral waited for an officer, by the gate's clock; in seconds."""
        if not (self.closed and self.disposed):
            return None
        return (_ms(self.disposed) - _ms(self.closed)) / 1000


class Account:
    """Adds up the records in order."""

    def __init__(self) -> None:
        self.entries = 0
        self.first_time = self.last_time = ""
        self.crossings: dict[str, Crossing] = {}
        self.figures: defaultdict[tuple[str, str], array[int]] = defaultdict(lambda: array("Q"))
        self.shown: dict[int, Shown] = {}
        self.passages: Counter[tuple[str, str, str]] = Counter()  # by door, way and what opened
        self.steps: list[Step] = []
        self.reconciliation = CounterReconciliation()
        self.draws = Draws()
        self.fairness = Fairness()
        self._officers: dict[str, str] = {}
        self._names: Counter[str] = Counter()
        self._clock = _Clock()

    def take(self, told: AuditRecord) -> None:
        """Count the next record."""
        self.entries += 1
        self.draws.take(told)
        self.reconciliation.take(told)
        if told.kind is None or told.body is None or told.time is None:
            self._count(("closed records", told.note or ""), told, told.note or "")
            return
        self.first_time, self.last_time = self.first_time or told.time, told.time
        self.steps += list(self._clock.take(told))[: STEPS_MAX - len(self.steps)]
        crossing = None
        if told.crossing is not None:
            crossing = self.crossings.setdefault(told.crossing, Crossing(told.crossing))
            crossing.entries.append(told.index)
        self._by_kind(told, told.kind, crossing)

    def again(self, told: AuditRecord, outcome: str) -> None:
        """Count the outcome of a decision that was taken again from its record."""
        self._count(("again", outcome), told, outcome)

    def spreads(self) -> dict[str, Spread | None]:
        """Return durations: from the document to the grant, from the document to the lane at rest, and from a referral to an officer's disposition."""
        found = self.crossings.values()
        return {
            "granted": Spread.of([one.granted_s for one in found if one.granted_s is not None]),
            "closed": Spread.of([one.took_s for one in found if one.took_s is not None and one.verdict == "admitted"]),
            "waited": Spread.of([one.waited_s for one in found if one.waited_s is not None]),
        }

    def waiting(self) -> list[Crossing]:
        """Return the referrals that no officer has settled by the end of this log."""
        return [one for one in self.crossings.values() if one.verdict == "referred" and not one.disposition]

    def unended(self) -> list[Crossing]:
        """Crossings without a verdict."""
        return [one for one in self.crossings.values() if one.opened and not one.verdict]

    def by_group(self, kind: str) -> list[tuple[str, Rate, list[int]]]:
        """Return how often the gate referred travellers, by one property of the document, with the verdicts' entries; largest group first."""
        members: defaultdict[str, list[Crossing]] = defaultdict(list)
        for one in self.crossings.values():
            if one.verdict and (value := one.groups.get(kind)):
                members[value].append(one)
        largest = sorted(members, key=lambda name: -len(members[name]))[:NAMES_MAX]
        small = [name for name, found in members.items() if len(found) < GROUP_MIN or name not in largest]
        if small:
            members[FEWER] = [one for name in small for one in members.pop(name)]
        return [
            (name, Rate(len(referred := self._referred(found)), len(found)), referred)
            for name, found in sorted(members.items(), key=lambda item: (item[0] == FEWER, -len(item[1]), item[0]))
        ]

    def _referred(self, found: Sequence[Crossing]) -> list[int]:
        """Return the verdicts of referred travellers; describe the first SHOWN of them."""
        referred = sorted(
            (one.closed_at, one) for one in found if one.verdict == "referred" and one.closed_at is not None
        )
        for index, one in referred[:SHOWN]:
            self.shown.setdefault(index, Shown(index, one.closed, "closed", one.name, ", ".join(one.reasons)))
        return [index for index, _ in referred]

    def officers(self) -> list[str]:
        """Return every officer's number, in the order of their first record."""
        return list(self._officers.values())

    def _by_kind(self, told: AuditRecord, kind: str, crossing: Crossing | None) -> None:
        officer = self._officer(told, kind)
        match kind:
            case "started":
                mode, purpose = _word(told, "mode") or "gate", _word(told, "purpose")
                self._count(("starts", f"{purpose}, mode {mode}"), told, f"lists {_word(told, 'lists')[:12]}")
            case "emergency_began" | "release" | "asked" | "flagged":  # of a crossing or of none
                self._count(("happened", kind), told, _word(told, "wish") or _word(told, "concern"))
            case "obeyed":
                self._count(("orders", _word(told, "verb")), told, officer)
            case "incident":
                self._count(("incidents", _word(told, "incident")), told, _word(told, "incident"))
            case "passed":
                door = _one_of(_word(told, "door") or "last", ("first", "last"))
                way = _one_of(_word(told, "direction") or "entry", ("entry", "exit"))
                how, number = _word(told, "how") or "grant", count(table(told.body).get("count"))
                how = self._count((f"passages {door} {way}", how), told, how)
                self.passages[door, way, how] += 1 if number is None or number >= COUNTS else number
            case _ if crossing is not None:
                self._of_crossing(told, told.time or "", crossing, officer)
            case "groups_counted":
                self.fairness.take(told.index, table(told.body))
            case "counted" | "presence" | "alarm_ended" | "draw_committed" | "draw_revealed":
                pass  # counted with the counters, officers, incidents and draws
            case _:  # of the gate, a kind that a newer one writes, too
                self._count(("happened", kind[:WORD_MAX]), told, "")

    def _of_crossing(self, told: AuditRecord, time: str, crossing: Crossing, officer: str) -> None:
        reasons = tuple(one[:WORD_MAX] for one in told.reasons)
        match told.kind:
            case "opened":
                crossing.opened, crossing.direction = time, _word(told, "direction") or "entry"
                self._count(("crossings", "opened"), told, "")
            case "entry_decided" | "decided":
                crossing.decision = _word(told, "decision")
                crossing.groups |= _groups(told)
                for register, said in _asked(told):
                    if crossing.asked.get(register) != said:  # both decisions of a lane of two doors have it
                        crossing.asked[register] = said
                        self._count(("asked", f"{register}: {said}"), told, said)
            case "overruled" | "revoked" as kind:
                for reason in reasons:
                    self._count((kind, reason), told, officer if kind == "overruled" else reason)
            case "closed":
                crossing.verdict, crossing.closed, crossing.closed_at = _word(told, "verdict"), time, told.index
                crossing.reasons, stages = reasons, table(told.body, "stages_ms")
                crossing.took_s, crossing.granted_s = _seconds(stages.get("closed")), _seconds(stages.get("granted"))
                self._count(("crossings", crossing.verdict), told, ", ".join(reasons))
                for reason in reasons:
                    self._count(("reasons", reason), told, ", ".join(reasons))
            case "disposition":
                crossing.disposition, crossing.disposed, crossing.officer = _word(told, "disposition"), time, officer
                self._count(("dispositions", crossing.disposition), told, officer)
                for register in (one for one, said in crossing.asked.items() if said == HIT):
                    self._count(("hits", f"{register}: {crossing.disposition}"), told, officer)
            case _:
                pass

    def _officer(self, told: AuditRecord, kind: str) -> str:
        """Return the number of the officer named in a record; empty without one."""
        if not (name := told.officer[:WORD_MAX]):
            return ""
        if name not in self._officers and len(self._officers) >= NAMES_MAX:
            return OTHERS
        number = self._officers.setdefault(name, f"Officer {len(self._officers) + 1}")
        self._count((number, kind if kind != "obeyed" else _word(told, "verb")), told, number)
        return number

    def _count(self, figure: tuple[str, str], told: AuditRecord, what: str) -> str:
        """Count an entry under a figure of a group; return the figure's name, which changes if the group has too many."""
        group, name = figure
        if figure not in self.figures:
            name = name if self._names[group] < NAMES_MAX else OTHERS
            self._names[group] += (group, name) not in self.figures
        entries = self.figures[group, name]
        entries.append(told.index)
        if len(entries) <= SHOWN and told.index not in self.shown:
            self.shown[told.index] = Shown(
                told.index, told.when[:WORD_MAX], (told.kind or "")[:WORD_MAX], (told.crossing or "")[:WORD_MAX], what
            )
        return name


class _Clock:
    """Compares the gate's wall clock with the time since the machine's start, which cannot be set.

    A record is written at once or late, never early. So the first record shows a clock that was set back, and several
    late ones in a row show one that was set forward.
    """

    def __init__(self) -> None:
        self._boot: str | None = None
        self._level_ms = 0
        self._late: deque[tuple[int, AuditRecord]] = deque(maxlen=_STEADY)
        self._last_ms = 0

    def take(self, told: AuditRecord) -> Iterator[Step]:
        """Take the next record; yield a step if it shows one."""
        assert told.time is not None, "a record that opened has its moment"
        now_ms, before_ms = _ms(told.time), self._last_ms
        ahead_ms, self._last_ms = now_ms - (told.monotonic_ms or 0), now_ms
        first, by_ms = told, ahead_ms - self._level_ms
        if told.boot != self._boot:
            by_ms = now_ms - before_ms
            is_step, self._boot = self._boot is not None and by_ms < 0, told.boot
        elif by_ms > STEP_MS:
            self._late.append((ahead_ms, told))
            if len(self._late) < _STEADY:
                return
            first, ahead_ms = self._late[0][1], min(late_ms for late_ms, _ in self._late)
            is_step, by_ms = True, ahead_ms - self._level_ms
        else:
            is_step, ahead_ms = by_ms < -STEP_MS, min(self._level_ms, ahead_ms)
        self._level_ms = ahead_ms
        self._late.clear()
        if is_step:
            yield Step(first.index, first.time or "", by_ms)


def _groups(told: AuditRecord) -> dict[str, str]:
    document = ("evidence", "document")
    found = {name: _word(told, *document, name) for name in ("issuer", "document_type", "nationality")}
    found["access"] = _word(told, *document, "access", "protocol")
    return {name: value for name, value in found.items() if value}


def _asked(told: AuditRecord) -> Iterator[tuple[str, str]]:
    """Yield each list or register that was asked, and its answer."""
    for one in rows(told.body, "evidence", "registers")[:NAMES_MAX]:
        if register := text(one, "register")[:WORD_MAX]:
            yield register, _one_of(text(one, "answer"), (HIT, "none", "unknown"))


def _word(told: AuditRecord, *path: str) -> str:
    return text(told.body, *path)[:WORD_MAX]


def _one_of(word: str, words: Sequence[str]) -> str:
    return word if word in words else OTHERS


def _seconds(value: object) -> float | None:
    """Return a duration in seconds; None if no traveller can have waited that long."""
    return value / 1000 if isinstance(value, int | float) and 0 <= value <= LONGEST_MS else None
