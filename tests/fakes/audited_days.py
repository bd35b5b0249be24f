"""A gate's day for auditors' tests: records of the kinds and lengths that a lane writes, in a story that contradicts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fakes.audit_logs import happening
from fakes.passage_examples import decided_record, said

from gate.audit.writer import Wanted
from gate.passage.events import Counters
from gate.passage.names import ClosedAs, Disposition
from gate.passage.policy import Verdict
from gate.passage.records import (
    ApprovalSettings,
    Closed,
    Counted,
    Decided,
    FaceSettings,
    Granted,
    GrantEnd,
    GrantEnded,
    Opened,
    Overruled,
    Passed,
    Record,
    Settled,
    Started,
    class_of,
    crossing_of,
)
from gate.programs.lane.records import encode
from gate_core.audit_format.record import time_text
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import RegisterFinding

ENTRIES_A_TRAVELLER = 6  # of `admitted`
MORNING = datetime(2026, 11, 25, 6, tzinfo=UTC)
STARTED = Started(
    "demo", "0" * 64, {}, FaceSettings("p", "m", "0" * 64, 0.4, 1e-4, "k", "e"), ApprovalSettings("0" * 64, (), {})
)
UNLIKE = (Objection(Reason.FACE_BELOW_THRESHOLD, "0.2"), Objection(Reason.LIVENESS_BELOW_BOUND))


@dataclass
class Day:
    """Writes records a second apart. `clock_ahead` is how far the gate's clock is ahead of what it showed in the morning."""

    seconds: int = 0
    passages: int = 0
    crossings: int = 0
    clock_ahead: timedelta = timedelta()

    def begun(self, recipients: tuple[str, ...] = ()) -> list[Wanted]:
        """The start of the lane, which names `recipients` by their hashes, and of its books."""
        return [self.wanted(one) for one in (replace(STARTED, recipients=recipients), Counted(Counters(0, 0, 1)))]

    def admitted(self) -> list[Wanted]:
        """One who is admitted by the gate."""
        name = self._crossing()
        decided = replace(decided_record(), crossing=name, decision=Verdict.ADMIT, reasons=())
        return [self.wanted(one) for one in (Opened(name), decided, *self._let_through(name), self._closed(name))]

    def overruled(self, officer: str = "anna.b") -> list[Wanted]:
        """One whom an officer admits in spite of two reasons."""
        name = self._crossing()
        return [
            self.wanted(one)
            for one in (
                *self._referred(name),
                Overruled(name, said(officer), UNLIKE),
                *self._let_through(name),
                Settled(name, said(officer), Disposition.ADMITTED_BY_OFFICER),
            )
        ]

    def listed(self, *findings: RegisterFinding, became: Disposition) -> list[Wanted]:
        """One of whom lists or registers speak, and what an officer says became of them."""
        name = self._crossing()
        opened, decided, closed = self._referred(name)
        decided = replace(decided, evidence=replace(decided.evidence, registers=findings))
        return [self.wanted(one) for one in (opened, decided, closed, Settled(name, said("anna.b"), became))]

    def taken_over(self, officer: str = "ben.c") -> list[Wanted]:
        """One who goes along with an officer."""
        name = self._crossing()
        return [
            self.wanted(one) for one in (*self._referred(name), Settled(name, said(officer), Disposition.TAKEN_OVER))
        ]

    def wanted(self, record: Record) -> Wanted:
        """A record, a second after the one before."""
        self.seconds += 1
        crossing = crossing_of(record)
        at = MORNING + timedelta(seconds=self.seconds) + self.clock_ahead
        happened = replace(
            happening(record.kind.value, crossing),
            about=class_of(record).value,
            time=time_text(at),
            monotonic_ms=1000 * self.seconds,
        )
        return Wanted.of(happened, encode(record), record.bytes_min)

    def _crossing(self) -> str:
        self.crossings += 1
        return f"c{self.crossings}"

    def _let_through(self, name: str) -> Iterator[Record]:
        self.passages += 1
        yield Granted(name, 10_000)
        yield Passed(name, 1, counters=Counters(self.passages, 0, 1))
        yield GrantEnded(name, GrantEnd.PASSAGE)

    @staticmethod
    def _referred(name: str) -> tuple[Opened, Decided, Closed]:
        decided = replace(decided_record(), crossing=name, decision=Verdict.REFER, reasons=UNLIKE)
        return Opened(name), decided, Closed(name, ClosedAs.REFERRED, UNLIKE, {"closed": 5000.0})

    @staticmethod
    def _closed(name: str) -> Closed:
        return Closed(name, ClosedAs.ADMITTED, (), {"presented": 0.0, "granted": 4000.0, "closed": 6000.0})
