"""The lane's counters since its start, and warnings of coming failures drawn from them. Pure; holds no personal data.

A warning needs enough recent samples; the bounds are chosen, not measured (`gate.programs.shared.degraded_modes`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from gate.passage import records
from gate_core.evidence.crossing import CheckId, CheckResult, DocumentEvidence
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import LeafPosition

STAGES: Final = ("chip_read", "face_compared", "decided", "passed")  # those of a closed crossing
BUCKETS_S: Final = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0)
ORDERS: Final = ("release", "revoke")  # those that never wait for a record
ORDER_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.6, 1.0, 2.0)
ORDER_S_MAX: Final = 0.6  # the longest pulse of a contact takes 0.5 s, and a release waits for its end
LATEST: Final = 20
SHARE_MAX: Final = 0.25  # of the latest chips or pages, unreadable ones
LIGHT_SHARE_MAX: Final = 0.5
SILENT_SHARE_MAX: Final = 0.01
# Only officers learn of a request for protection: it is counted as help.
_COUNTED_AS: Final = {Reason.PROTECTION_ASKED: Reason.HELP_ASKED}
QUESTIONS_MIN: Final = 1_000  # requests to a board before the share is evaluated
USUAL: Final = 50  # a leaf's first movements, its usual times
MOVEMENTS: Final = 5  # the latest
SLOWER_BY: Final = 1.5


@dataclass(slots=True)
class Latest:
    """Results of the last LATEST events of one kind: True is good."""

    _well: deque[bool] = field(default_factory=lambda: deque(maxlen=LATEST))

    def came(self, *, well: bool) -> None:
        """Add one result."""
        self._well.append(well)

    def fails(self, share_max: float) -> bool:
        """True if more than this share failed, of LATEST results."""
        return len(self._well) == LATEST and self._well.count(False) > share_max * LATEST


@dataclass(slots=True)
class Durations:
    """Histogram of durations. `bounds`: the buckets' upper bounds in seconds."""

    bounds: tuple[float, ...] = BUCKETS_S
    counts: Counter[float] = field(default_factory=Counter)
    count: int = 0
    sum_s: float = 0.0

    def took(self, seconds: float) -> None:
        """Add one duration."""
        self.count += 1
        self.sum_s += seconds
        for bound in self.bounds:
            if seconds <= bound:
                self.counts[bound] += 1

    def detail(self) -> dict[str, object]:
        """Return status fields: counts up to each bound in seconds, total and sum."""
        buckets = {f"{bound:g}": self.counts[bound] for bound in self.bounds}
        return {"buckets": buckets, "count": self.count, "sum_s": round(self.sum_s, 3)}


@dataclass(slots=True)
class Line:
    """Share of unanswered requests to one board, from its counters."""

    _asked: int = 0
    _silent: int = 0
    poor: bool = False

    def see(self, line: Mapping[str, int]) -> None:
        """Update from the counters; without effect if the driver counts no silences."""
        asked, silent = line.get("requests", 0), line.get("silences", 0)
        if asked - self._asked >= QUESTIONS_MIN:
            self.poor = silent - self._silent > SILENT_SHARE_MAX * (asked - self._asked)
            self._asked, self._silent = asked, silent


@dataclass(slots=True)
class Tally:
    """The lane's counters."""

    crossings: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    incidents: Counter[str] = field(default_factory=Counter)
    guidance: Counter[str] = field(default_factory=Counter)
    stages: dict[str, Durations] = field(default_factory=lambda: {stage: Durations() for stage in STAGES})
    orders: dict[str, Durations] = field(
        default_factory=lambda: {kind: Durations(bounds=ORDER_BUCKETS_S) for kind in ORDERS}
    )
    pages: Counter[bool] = field(default_factory=Counter)
    chips: Counter[bool] = field(default_factory=Counter)
    frames_per_second: float | None = None
    last_s: dict[str, float] = field(default_factory=dict)  # stages of the last ended crossing
    _latest_pages: Latest = field(default_factory=Latest)
    _latest_chips: Latest = field(default_factory=Latest)
    _latest_light: Latest = field(default_factory=Latest)
    _latest_orders: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))
    _dark: bool = False
    _lines: dict[str, Line] = field(default_factory=dict)

    def record(self, record: records.Record) -> None:
        """Count a record."""
        match record:
            case records.Closed():
                self._closed(record)
            case records.Settled():
                self.crossings[record.disposition.value] += 1
            case records.Incident():
                self.incidents[record.incident.value] += 1
            case records.EntryDecided():
                self._read(record.evidence.document)
            case records.Decided() if record.evidence.first is None:  # else the first door's decision counted it
                self._read(record.evidence.document)
            case _:
                pass

    def _closed(self, record: records.Closed) -> None:
        self.crossings[record.verdict.value] += 1
        self.last_s = {stage: round(at_ms / 1000, 3) for stage, at_ms in record.stages_ms.items()}
        self.reasons.update({_COUNTED_AS.get(one.reason, one.reason).value for one in record.reasons})
        for stage, durations in self.stages.items():
            if (at_ms := record.stages_ms.get(stage)) is not None:
                durations.took(at_ms / 1000)
        if "face_compared" in record.stages_ms:
            self._latest_light.came(well=not self._dark)
        self._dark = False

    def _read(self, document: DocumentEvidence | None) -> None:
        for check in () if document is None else document.checks:
            if check.id is CheckId.CHIP_ACCESS:
                # A failed access was refused by the chip: no fault of the reader.
                well = check.result is not CheckResult.ABORTED
                self.chips[well] += 1
                self._latest_chips.came(well=well)

    def page(self, *, read: bool) -> None:
        """Count a page, read or not."""
        self.pages[read] += 1
        self._latest_pages.came(well=read)

    def guided(self, guidance: Guidance) -> None:
        """Count a request to the traveller."""
        if guidance is not Guidance.NONE:
            self.guidance[guidance.value] += 1
            self._dark = self._dark or guidance is Guidance.MORE_LIGHT

    def order_took(self, kind: str, seconds: float) -> None:
        """Add the time from the cause of a revocation or release to the board's confirmation."""
        self.orders[kind].took(seconds)
        self._latest_orders.append(seconds)

    def line(self, name: str, counters: Mapping[str, int]) -> None:
        """Update a board's line from its counters."""
        self._lines.setdefault(name, Line()).see(counters)

    def warnings(self) -> list[str]:
        """Return the names of degraded modes that the counters warn of."""
        found = {
            "line_poor": any(line.poor for line in self._lines.values()),
            "orders_late": any(seconds > ORDER_S_MAX for seconds in self._latest_orders),
            "chips_failing": self._latest_chips.fails(SHARE_MAX),
            "pages_unclear": self._latest_pages.fails(SHARE_MAX),
            "light_poor": self._latest_light.fails(LIGHT_SHARE_MAX),
        }
        return [name for name, is_so in found.items() if is_so]

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        return {
            "crossings": dict(self.crossings),
            "reasons": dict(self.reasons),
            "incidents": dict(self.incidents),
            "guidance": dict(self.guidance),
            "stages": {name: durations.detail() for name, durations in self.stages.items()},
            "orders": {kind: durations.detail() for kind, durations in self.orders.items()},
            "pages_read": self.pages[True],
            "pages_unread": self.pages[False],
            "chips_read": self.chips[True],
            "chips_failed": self.chips[False],
            "last": self.last_s,
        }


@dataclass(slots=True)
class Movement:
    """Times of a leaf's opening, or closing, in milliseconds."""

    _began_ms: float | None = None
    _usual: list[float] = field(default_factory=list)
    _latest: deque[float] = field(default_factory=lambda: deque(maxlen=MOVEMENTS))

    def begin(self, at_ms: float) -> None:
        """Note that a movement began."""
        self._began_ms = at_ms

    def end(self, at_ms: float | None) -> None:
        """Note that the movement ended at its target; None: elsewhere, not counted."""
        if at_ms is not None and self._began_ms is not None:
            took_ms = at_ms - self._began_ms
            if len(self._usual) < USUAL:
                self._usual.append(took_ms)
            self._latest.append(took_ms)
        self._began_ms = None

    @property
    def latest_ms(self) -> int | None:
        """Duration of the latest movement."""
        return round(self._latest[-1]) if self._latest else None

    @property
    def slow(self) -> bool:
        """True if the latest movements took much longer than the first ones."""
        return len(self._usual) == USUAL and median(self._latest) > SLOWER_BY * median(self._usual)


@dataclass(slots=True)
class LeafTimes:
    """Times that a door's leaf takes to open and close, from the controller's status; as exact as the polling interval.

    Only whole movements count: one that reversed, or began without a line, says nothing about the motor. Boards that do
    not distinguish opening from open have no times.
    """

    _before: LeafPosition = LeafPosition.UNKNOWN
    _opening: Movement = field(default_factory=Movement)
    _closing: Movement = field(default_factory=Movement)

    def see(self, position: LeafPosition, at_ms: float) -> None:
        """Update from a status."""
        before, self._before = self._before, position
        if position is before:
            return
        match before, position:
            case LeafPosition.CLOSED, LeafPosition.OPENING:
                self._opening.begin(at_ms)
            case LeafPosition.OPENING, LeafPosition.OPEN:
                self._opening.end(at_ms)
            case LeafPosition.OPEN, LeafPosition.CLOSING:
                self._closing.begin(at_ms)
            case LeafPosition.CLOSING, LeafPosition.CLOSED:
                self._closing.end(at_ms)
            case _:
                self.forget()

    def forget(self) -> None:
        """Ignore the present movement, whose beginning is unknown."""
        self._opening.end(None)
        self._closing.end(None)

    @property
    def slow(self) -> bool:
        """True if opening or closing has become slow."""
        return self._opening.slow or self._closing.slow

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        return {"opening_ms": self._opening.latest_ms, "closing_ms": self._closing.latest_ms, "slow": self.slow}
