"""The log of a walked lane, as the lane's client tells of it: what is durable, what is owed, and whether it can be written at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.passage import records
from gate.passage.events import Counters, Event, NotRecorded, Part, PartBack, PartLost, Recorded, RecordReplaced
from gate.passage.names import ClosedAs
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import Alarm

SMALL = (records.Incident, records.Granted, records.GrantEnded, records.Revoked)


@dataclass
class WalkedLog:
    """Takes records. `tell` hears of each as it is given; what becomes of it is posted as an event."""

    rng: random.Random
    post: Callable[[Event], None]
    tell: Callable[[records.Record, bool], None]
    durable: list[records.Record] = field(default_factory=list)
    owed: list[tuple[records.Record, bool]] = field(default_factory=list)
    replaced: dict[str, None] = field(default_factory=dict)  # crossings of which a record was refused for good
    up: bool = True
    picky: bool = False  # what it can do without is refused for good
    full: bool = False
    slow_s: float = 0.0
    said: dict[str, Recorded] = field(default_factory=dict)  # the latest receipt of each crossing

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Take a record."""
        self.tell(record, awaited)
        again = self.said.get(records.crossing_of(record) or "")
        if awaited and again is not None and again.kind is not record.kind:
            self.post(again)  # nobody may take what it said of another record for what it says of this one
        if awaited and (not self.up or self._is_refused(record)):
            self._answer(record, durable=False)
            return
        self.owed.append((record, awaited))
        asyncio.get_running_loop().call_later(self.slow_s + self.rng.uniform(0.002, 0.03), self.flush)

    def _is_refused(self, record: records.Record) -> bool:
        return self.full and record.leads_to_admission

    def flush(self) -> None:
        """Write what is owed."""
        if not self.up:
            return
        owed, self.owed = self.owed, []
        for record, awaited in owed:
            if self.picky and isinstance(record, SMALL):
                crossing = records.crossing_of(record)
                self.replaced |= {crossing: None} if crossing is not None else {}
                self.post(RecordReplaced(crossing, record.kind))
            elif not self._is_refused(record):
                self.durable.append(record)
            elif not awaited:
                self.owed.append((record, awaited))
            if awaited:
                self._answer(record, durable=not self._is_refused(record))

    def _answer(self, record: records.Record, *, durable: bool) -> None:
        crossing = records.crossing_of(record) or ""
        if durable:
            self.said = {**dict(list(self.said.items())[-9:]), crossing: Recorded(crossing, record.kind)}
        self.post(Recorded(crossing, record.kind) if durable else NotRecorded(crossing, record.kind))

    def goes(self) -> None:
        """The log goes away; nobody knows what became of what was on its way."""
        if not self.up:
            return
        self.up = False
        if self.rng.random() < 0.5:
            self.durable += [record for record, _ in self.owed]
            self.owed = []
        self.owed = [(record, False) for record, _ in self.owed]
        self.post(PartLost(Part.LOG))

    def comes(self) -> None:
        """The log is back."""
        if not self.up:
            self.up = True
            self.post(PartBack(Part.LOG))
            self.flush()

    # ── what it tells the lane's next start ──────────────────────────────────────────────────────────────────────────

    def counted(self) -> Counters | None:
        """How far the books go."""
        books = (one for one in reversed(self.durable) if isinstance(one, records.Passed | records.Counted))
        return next((one.counters for one in books), None)

    def through(self) -> str | None:
        """The last crossing whose grant ended with its holder's passage."""
        ended = (one for one in reversed(self.durable) if isinstance(one, records.GrantEnded))
        return next((one.crossing for one in ended if one.how is records.GrantEnd.PASSAGE), None)

    def waits(self) -> tuple[Alarm, ...]:
        """The alarms of somebody, or of a motor, that no officer has acknowledged since."""
        left: set[Alarm] = set()
        for one in self.durable:
            if isinstance(one, records.Incident) and one.waits:
                left.add(Alarm(one.incident.value))
            elif isinstance(one, records.Obeyed):
                left -= set(one.alarms)
        return tuple(left)

    def closed_by(self) -> str | None:
        """Who closed the lane, unless somebody opened it again."""
        said = (one for one in reversed(self.durable) if isinstance(one, records.Obeyed))
        last = next((one for one in said if one.verb in {records.ObeyedVerb.CLOSE, records.ObeyedVerb.OPEN}), None)
        return last.order.officer if last is not None and last.verb is records.ObeyedVerb.CLOSE else None

    def remembered(self) -> Remembered:
        """All of it, as the lane is told."""
        return Remembered(self.counted(), tuple(self.replaced), self.through(), self.waits(), self.closed_by())

    def referred(self) -> tuple[str, ...]:
        """The crossings that were referred and never settled."""
        settled = {one.crossing for one in self.durable if isinstance(one, records.Settled)}
        closed = [one for one in self.durable if isinstance(one, records.Closed) and one.crossing not in settled]
        return tuple(one.crossing for one in closed if one.verdict is ClosedAs.REFERRED)

    def left_open(self) -> tuple[str, ...]:
        """The crossings that were opened and never closed."""
        opened = [one.crossing for one in self.durable if isinstance(one, records.Opened)]
        ended = {records.crossing_of(one) for one in self.durable if one.ends_crossing}
        return tuple(one for one in opened if one not in ended)
