"""A lane of two doors that is besieged: the pure machine, its log, and the judge that hears what it is told and sees what it does. It starts anew as
the lane program does.
"""

from __future__ import annotations

import random
from dataclasses import replace

from fakes.siege_judge import Judge
from fakes.two_door_lane import TWO_DOORS

from gate.passage import alarms, lasting_state, machine, open_referrals, records, states
from gate.passage.door_state import DoorState
from gate.passage.effects import Effect, Write
from gate.passage.events import Event, NotRecorded, Part, Recorded, RecordReplaced
from gate.passage.interior import Interior
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs, IncidentKind
from gate.passage.orders import Ordered
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import Door


class BesiegedLane:
    """`tell` and `turn_log` drive it; `carry_out` is what the world makes of an effect."""

    def __init__(self, rng: random.Random) -> None:
        """Of whose doors nothing is known yet."""
        self.rng = rng
        self.now_ms = 1_000
        self.calm = False
        self.events = 0
        self.moved: set[tuple[str, str]] = set()  # from state to state
        self.judge = Judge(TWO_DOORS)
        self.log: list[tuple[records.Record, bool]] = []  # given to the log, and not answered
        self.durable: list[records.Record] = []
        self._replaced: list[str | None] = []  # crossings of which the log holds a small record in place of one
        self.log_busy_until = 0
        self.lane = LaneContext(doors=(DoorState(Door.FIRST), DoorState(Door.LAST)), interior=Interior())
        self.state: states.State = machine.start(())[0]

    def carry_out(self, effect: Effect) -> None:
        """Do what the lane wants."""
        raise NotImplementedError

    def tell(self, *events: Event) -> None:
        """Tell the lane, and do what it wants."""
        for event in events:
            self.events += 1
            fresh = not isinstance(event, Ordered) or event.version == self.lane.version
            self.judge.hears(event, self.now_ms, fresh=fresh)
            before = type(self.state).__name__
            effects = self.answered(event)
            self.moved.add((before, type(self.state).__name__))
            self._done(effects)
            self.judge.rests()

    def answered(self, event: Event) -> tuple[Effect, ...]:
        """What the lane does about an event."""
        self.lane, self.state, effects = machine.step(TWO_DOORS, self.lane, self.state, event, self.now_ms)
        return effects

    def _done(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self.judge.sees(effect)
            if isinstance(effect, Write):
                self.log.append((effect.record, effect.awaited))
            else:
                self.carry_out(effect)

    def start_anew(self) -> None:
        """The lane program dies, with all that the log had not taken, and starts as `gate.programs.lane` does."""
        kept, self.log = self.durable, []
        told = Remembered()
        for record in kept:
            told = told.after(record)
        for crossing in self._replaced:
            told = told.without_record(crossing)
        told = Remembered.of(told.to_bytes())
        opened = {one.crossing for one in kept if isinstance(one, records.Opened)}
        closed = {one.crossing: one.verdict for one in kept if isinstance(one, records.Closed)}
        settled = {one.crossing for one in kept if isinstance(one, records.Settled)}
        left = tuple(sorted(opened - set(closed)))
        referred = tuple(one for one, v in closed.items() if v is ClosedAs.REFERRED and one not in settled)
        effects = self.started(left, referred, told, lasting_state.lasting_of(self.lane, self.state))
        self.judge.starts(kept, told, self.now_ms)
        self._done(effects)

    def started(
        self, left: tuple[str, ...], referred: tuple[str, ...], told: Remembered, last: lasting_state.LastingState
    ) -> tuple[Effect, ...]:
        """What the lane does at its start, with what the log and its state file tell of an earlier run."""
        self.state, effects = machine.start(left, referred, told.through, told.protected, last.held_crossings)
        doors = tuple(
            DoorState(
                one,
                counted=told.counted_at(one),
                unshut_ms=self.now_ms,
                alarms=alarms.left(told.alarms_at(one), self.now_ms),
            )
            for one in Door
        )
        self.lane = LaneContext(
            doors=doors,
            interior=Interior(called=told.called),
            lost=frozenset({Part.SENSORS}),
            replaced=told.replaced,
            waiting=tuple(
                replace(one, since_ms=self.now_ms)
                for one in open_referrals.left(referred, effects, told.protected, last.held_crossings)
            ),
            closed_by=told.closed_by,
            maintained_by=told.maintained_by,
            shielded=(*left, *referred),
        )
        self.lane, self.state, effects = lasting_state.resume(
            last, self.lane, self.state, effects, now_ms=self.now_ms, timing=TWO_DOORS.timing
        )
        return effects

    def turn_log(self) -> None:
        """Records become durable in their order; what is awaited is answered then, or later, or never."""
        while self.log and self.now_ms >= self.log_busy_until:
            record, awaited = self.log.pop(0)
            fate = 0.0 if self.calm else self.rng.random()
            crossing = records.crossing_of(record)
            if fate > 0.99:
                self.log_busy_until = self.now_ms + self.rng.choice([300, 1_900, 2_100, 4_000])
            if awaited and fate > 0.975:
                self.tell(NotRecorded(crossing or "", record.kind))
            elif fate > 0.9735 and crossing is not None:
                stand_in = replace(record)  # a small one takes its place: it leads to nothing
                if awaited:
                    self.tell(NotRecorded(crossing, record.kind))
                self.durable.append(records.Incident(crossing, IncidentKind.RECORD_REFUSED))
                if isinstance(stand_in, records.Opened | records.Closed | records.Settled | records.Passed):
                    self.durable[-1] = stand_in
                self._replaced.append(crossing)
                self.tell(RecordReplaced(crossing, record.kind))
            else:
                self.durable.append(record)
                if awaited:
                    self.judge.now_ms = self.now_ms
                    self.judge.told(record)
                    self.tell(Recorded(crossing or "", record.kind))
