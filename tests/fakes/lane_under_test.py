"""The lane under test, of one door or of two: the pure machine, its log, and somebody who watches: hears what it is told and sees what it does. It starts
anew as the lane program does.

What the world around it does is the subclass's: `fakes.hostile_lane` before one door, `fakes.hostile_two_doors` around two. `fakes.lane_in_engine` puts the
lane program's engine in the machine's place.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

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


class Watch(Protocol):
    """The judge of a lane's promises: `fakes.lane_oracle` for one door, `fakes.two_door_oracle` for two."""

    def hears(self, event: Event, now_ms: int, *, fresh: bool) -> None:
        """An event that the lane answers next. `fresh`: an order answers the newest challenge."""

    def sees(self, effect: Effect) -> None:
        """What the lane does about it."""

    def rests(self) -> None:
        """All that it brought about is done."""

    def told(self, record: records.Record, now_ms: int) -> None:
        """The lane is about to be told that this record is durable."""

    def starts(self, kept: Sequence[records.Record], told: Remembered, now_ms: int) -> None:
        """The lane program starts anew with what is in the log."""


class LaneUnderTest:
    """`tell` and `turn_log` drive it; `carry_out` is what the world makes of an effect."""

    def __init__(self, rng: random.Random, rules: states.Rules, watch: Watch, missing: frozenset[Part]) -> None:
        """Of whose doors nothing is known yet. `missing`: the parts that have to say that they are there at each new start."""
        self.rng = rng
        self.rules = rules
        self.watch = watch
        self.missing = missing
        self.doors = tuple(Door) if rules.policy.two_doors else (Door.LAST,)
        self.now_ms = 1_000
        self.calm = False
        self.events = 0
        self.moved: set[tuple[str, str]] = set()  # from state to state
        self.log: list[tuple[records.Record, bool]] = []  # given to the log, and not answered
        self.durable: list[records.Record] = []
        self.replaced: list[str] = []  # crossings of which the log holds a small record in place of one
        self.replaced_at: list[int] = []  # for each, how many records were durable then
        self.log_busy_until = 0
        interior = Interior() if len(self.doors) > 1 else None
        self.lane = LaneContext(doors=tuple(DoorState(one) for one in self.doors), interior=interior)
        self.state: states.State = machine.start(())[0]

    def carry_out(self, effect: Effect) -> None:
        """Do what the lane wants."""
        raise NotImplementedError

    def tell(self, *events: Event) -> None:
        """Tell the lane, and do what it wants."""
        for event in events:
            self.events += 1
            fresh = not isinstance(event, Ordered) or event.version == self.lane.version
            self.watch.hears(event, self.now_ms, fresh=fresh)
            before = type(self.state).__name__
            effects = self.answered(event)
            self.moved.add((before, type(self.state).__name__))
            self._done(effects)
            self.watch.rests()

    def answered(self, event: Event) -> tuple[Effect, ...]:
        """What the lane does about an event."""
        self.lane, self.state, effects = machine.step(self.rules, self.lane, self.state, event, self.now_ms)
        return effects

    def _done(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self.watch.sees(effect)
            if isinstance(effect, Write):
                self.log.append((effect.record, effect.awaited))
            else:
                self.carry_out(effect)

    def start_anew(self, last: lasting_state.LastingState | None = None) -> None:
        """The lane program dies, with all that the log had not taken, and starts as `gate.programs.lane` does. `last`: what its state file holds by now, if not its state."""
        kept, self.log = self.durable, []
        told, lacking = Remembered(), list(zip(self.replaced_at, self.replaced, strict=True))
        for index, record in enumerate((*kept, None)):
            for crossing in (one for at, one in lacking if at == index):
                told = told.without_record(crossing)
            told = told if record is None else told.after(record)
        told = Remembered.of(told.to_bytes())
        opened = {one.crossing for one in kept if isinstance(one, records.Opened)}
        closed = {one.crossing: one.verdict for one in kept if isinstance(one, records.Closed)}
        settled = {one.crossing for one in kept if isinstance(one, records.Settled)}
        left = tuple(sorted(opened - set(closed)))
        referred = tuple(one for one, v in closed.items() if v is ClosedAs.REFERRED and one not in settled)
        effects = self.started(left, referred, told, last or lasting_state.lasting_of(self.lane, self.state))
        self.watch.starts(kept, told, self.now_ms)
        self._done(effects)

    def started(
        self, left: tuple[str, ...], referred: tuple[str, ...], told: Remembered, last: lasting_state.LastingState
    ) -> tuple[Effect, ...]:
        """What the lane does at its start, with what the log and its state file tell of an earlier run."""
        self.state, effects = machine.start(left, referred, told.through, told.protected, last.held_crossings)
        self.lane = replace(
            self._known_of_doors(told),
            lost=self.missing,
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
            last, self.lane, self.state, effects, now_ms=self.now_ms, timing=self.rules.timing
        )
        return effects

    def _known_of_doors(self, told: Remembered) -> LaneContext:
        doors = tuple(
            DoorState(
                one,
                counted=told.counted_at(one),
                unshut_ms=self.now_ms,
                alarms=alarms.left(told.alarms_at(one), self.now_ms),
            )
            for one in self.doors
        )
        interior = Interior(called=told.called) if len(doors) > 1 or told.called else None
        return LaneContext(doors=doors, interior=interior)

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
                self.replaced.append(crossing)
                self.replaced_at.append(len(self.durable) - 1)
                self.tell(RecordReplaced(crossing, record.kind))
            else:
                self.durable.append(record)
                if awaited:
                    self.watch.told(record, self.now_ms)
                    self.tell(Recorded(crossing or "", record.kind))
