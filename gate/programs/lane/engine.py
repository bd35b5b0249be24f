"""The lane's event loop: passes each event to `gate.passage.machine` and runs the resulting effects in sequence.

Has no I/O of its own: devices, channels and clock are ports. Barrier orders are queued here; tasks of the engine's
group wait for their results, and for the chip, so that nothing delays a revoke or release.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gate.channel import screen_messages
from gate.passage import alarms, lasting_state, machine, open_referrals, records, states
from gate.passage.door_state import DoorState
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    OfBarrier,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.events import DocumentPresented, Event, GrantFailed, Part, Tick
from gate.passage.interior import Interior
from gate.passage.lane import LaneContext
from gate.passage.lasting_state import LastingState
from gate.passage.names import Outcome
from gate.programs.lane.records import Remembered
from gate.programs.shared.aligned_timer import next_beat_s
from gate_core.errors import DriverError
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Guidance, Purpose, Screen

EVENTS_MAX = 10_000  # sources send a few hundred a second; above this the loop hangs, and the program restarts
TICK_S = 0.05
REST_TICK_S = 0.2  # for one door in Idle, whose time limits are seconds
LAGS_KEPT = 100  # ticks: 5 s of a crossing, 20 s at rest

log = logging.getLogger(__name__)


class Pulse:
    """How late the event loop runs its ticks."""

    def __init__(self) -> None:
        self._lags_ms: deque[float] = deque(maxlen=LAGS_KEPT)

    def tick(self, late_ms: float) -> None:
        """Note how late a tick was."""
        self._lags_ms.append(max(0.0, late_ms))

    @property
    def lag_ms(self) -> float:
        """The largest of the last LAGS_KEPT delays."""
        return max(self._lags_ms, default=0.0)


class BarrierOrders(Protocol):
    """Orders to one barrier, run in the sequence of the calls. Awaiting the result raises DriverError."""

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Grant one entry. Returns CLOCK_MONOTONIC seconds of the first byte on the wire; None if unknown."""

    def revoke(self) -> Awaitable[None]:
        """Revoke every grant."""

    def release(self) -> Awaitable[None]:
        """Open for a person inside."""

    def end_emergency(self) -> Awaitable[None]:
        """End the controller's emergency state."""

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear those of the controller's alarms whose cause has ended."""

    def look(self) -> None:
        """Request a fresh status now; it is posted as `DoorSeen`."""


class LaneInSight(Protocol):
    """The engine, as other parts of the lane use it."""

    @property
    def state(self) -> states.State:
        """The machine's state."""

    @property
    def context(self) -> LaneContext:
        """The lane's context."""

    def post(self, event: Event) -> None:
        """Queue an event."""


class Recorder(Protocol):
    """Destination of records."""

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Write a record; never blocks."""


@dataclass(slots=True)
class Stopwatch:
    """Times of the running crossing's stages, in CLOCK_MONOTONIC milliseconds."""

    crossing: str
    marks: dict[str, float] = field(default_factory=dict)

    def mark(self, crossing: str, stage: str, at_ms: float) -> None:
        """Note a stage's time, once."""
        if crossing == self.crossing:
            self.marks.setdefault(stage, at_ms)

    def since_presented_ms(self) -> dict[str, float]:
        """Return every stage's milliseconds since the document was presented."""
        start = self.marks.get("presented", 0.0)
        return {stage: round(at - start, 1) for stage, at in self.marks.items()}


def _at(door: Door, stage: str) -> str:
    """Return a stage's name; the first of two doors has separate stages."""
    return f"entry_{stage}" if door is Door.FIRST else stage


def _as_left(lane: LaneContext, known: Remembered, now_ms: int) -> LaneContext:
    """Return the context with what an earlier run left; times count from now. Its last grant may still be in force."""
    doors = tuple(
        replace(one, alarms=alarms.left(known.alarms_at(one.door), now_ms), unshut_ms=now_ms) for one in lane.doors
    )
    return replace(lane, doors=doors, waiting=tuple(replace(one, since_ms=now_ms) for one in lane.waiting))


class Engine:
    """Runs one lane. `post` accepts events from the loop; `run` never returns."""

    def __init__(
        self,
        *,
        rules: states.Rules,
        barrier: BarrierOrders,
        first_barrier: BarrierOrders | None = None,
        look_inside: Callable[[], None] = lambda: None,
        recorder: Recorder,
        start_crossing: Callable[[str], Coroutine[Any, Any, None]],
        open_camera: Callable[[str], None] = lambda _: None,
        erase: Callable[[Erase], None],
        forget: Callable[[str], None],
        took: Callable[[str, float], None] = lambda _kind, _s: None,
        show: Callable[[screen_messages.View], None],
        answer: Callable[[int, Outcome, str], None],
        clock_ms: Callable[[], float],
        purpose: Purpose,
        open_crossings: tuple[str, ...],
        referred: tuple[str, ...] = (),
        remembered: Remembered | None = None,
        last: LastingState | None = None,
        keep: Callable[[LastingState], None] = lambda _: None,
        missing: frozenset[Part] = frozenset(),
    ) -> None:
        """`barrier`: the last door's. Two doors: `first_barrier` is the first's, `look_inside` polls the sensors
        (posted as `SensorsSeen`), `open_camera` runs when the traveller is inside. `forget` drops the document of a
        crossing. `took` gets each revocation ("revoke") and each release ("release") that a board has confirmed, with
        the seconds since the event that caused it was posted.

        From an earlier run: `open_crossings`; `referred`, if not settled; `remembered`, from the log; `last`, the
        lasting state. `keep` stores that, without waiting. `missing`: parts without which no traveller is invited.
        """
        self._rules = rules
        self._barriers = (
            {Door.LAST: barrier} if first_barrier is None else {Door.FIRST: first_barrier, Door.LAST: barrier}
        )
        self._look_inside = look_inside
        self._open_camera = open_camera
        self._recorder = recorder
        self._start_crossing = start_crossing
        self._erase = erase
        self._forget = forget
        self._took = took
        self._show = show
        self._answer = answer
        self._clock_ms = clock_ms
        self._purpose = purpose
        self._events: asyncio.Queue[tuple[Event, float]] = asyncio.Queue(maxsize=EVENTS_MAX)
        known = remembered or Remembered()
        self._last, self._keep = last or LastingState(), keep
        held = self._last.held_crossings
        self._state, self._first_effects = machine.start(open_crossings, referred, known.through, known.protected, held)
        self._context = LaneContext(
            doors=tuple(DoorState(door, counted=known.counted_at(door)) for door in self._barriers),
            interior=Interior(called=known.called) if first_barrier is not None or known.called else None,
            lost=missing,
            replaced=known.replaced,
            waiting=open_referrals.left(referred, self._first_effects, known.protected, held),
            shielded=(*open_crossings, *referred),  # their travellers' requests are not known
            closed_by=known.closed_by,
            maintained_by=known.maintained_by,
            direction=rules.service.direction_after(known.direction),
            travellers=rules.service.travellers_after(known.travellers),
            draw_left=known.draw,
        )
        self._known = known
        self._screen, self._guidance = Screen.CLOSED, Guidance.NONE
        self._issuers: dict[str, str] = {}  # of the running or waiting crossing
        self._crossing_task: asyncio.Task[None] | None = None
        self._unread: str | None = None
        self._turned_at_ms: float | None = None
        self._caused_at_ms = 0.0  # when the event of this turn was posted
        self._confirmed: dict[tuple[Door, str], float] = {}  # since when the last confirmed order was wanted
        self.stopwatch = Stopwatch("")
        self.pulse = Pulse()

    @property
    def state(self) -> states.State:
        """The machine's state."""
        return self._state

    @property
    def context(self) -> LaneContext:
        """The lane's context."""
        return self._context

    @property
    def turned_ms(self) -> float:
        """Milliseconds since the last processed event, 0 before the first; ticks arrive all the time."""
        return 0.0 if self._turned_at_ms is None else self._clock_ms() - self._turned_at_ms

    def post(self, event: Event) -> None:
        """Queue an event. Raises asyncio.QueueFull if the loop hangs, which ends the program."""
        self._events.put_nowait((event, self._clock_ms()))

    def mark(self, crossing: str, stage: str, at_ms: float | None = None) -> None:
        """Note the time of a stage of the running crossing."""
        self.stopwatch.mark(crossing, stage, self._clock_ms() if at_ms is None else at_ms)

    def issued_by(self, crossing: str, issuer: str) -> None:
        """Show the state that issued a crossing's document, as long as the crossing runs or waits."""
        self._issuers = {crossing: issuer}
        self._publish()

    async def run(self) -> None:
        """Process events until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            now_ms = int(self._clock_ms())
            self._context, self._state, effects = lasting_state.resume(
                self._last,
                _as_left(self._context, self._known, now_ms),
                self._state,
                self._first_effects,
                now_ms=now_ms,
                timing=self._rules.timing,
            )
            self._keep_state(always=True)
            self._caused_at_ms = now_ms
            self._carry_out(effects, tasks)
            while True:
                event, self._caused_at_ms = await self._events.get()
                self._step(event, tasks)

    def _step(self, event: Event, tasks: asyncio.TaskGroup) -> None:
        self._turned_at_ms = self._clock_ms()
        before = self._state
        self._context, self._state, effects = machine.step(
            self._rules, self._context, before, event, int(self._clock_ms())
        )
        self._keep_state()
        if type(before) is not type(self._state):
            log.info("lane_state", extra={"state": type(self._state).__name__})
        self._carry_out(effects, tasks)
        self._let_documents_go(event)

    def _keep_state(self, *, always: bool = False) -> None:
        """Store a changed lasting state, without waiting: orders never wait for it."""
        now = lasting_state.lasting_of(self._context, self._state)
        if always or now != self._last:
            self._last = now
            self._keep(now)

    def _let_documents_go(self, event: Event) -> None:
        """Forget a document that opened no crossing, or whose crossing ended untaken (safety invariant 12)."""
        laid = event.crossing if isinstance(event, DocumentPresented) else None
        unread = states.unread_of(self._state)
        if laid is None and unread == self._unread:
            return
        for crossing in {laid, self._unread}:
            if crossing is not None and crossing != unread:
                self._forget(crossing)
        self._unread = unread

    async def _tick(self) -> None:
        """Post ticks, less often at rest: a crossing's first tick may be up to REST_TICK_S late."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(TICK_S)  # devices start first
        while True:
            at_rest = isinstance(self._state, states.Idle) and not self._context.two_doors
            due_s = next_beat_s(loop.time(), REST_TICK_S if at_rest else TICK_S)
            await asyncio.sleep(due_s - loop.time())
            self.pulse.tick((loop.time() - due_s) * 1000)
            self.post(Tick())

    def _carry_out(self, effects: tuple[Effect, ...], tasks: asyncio.TaskGroup) -> None:
        for effect in effects:
            self._one(effect, tasks)
        if effects:
            self._publish()

    def _one(self, effect: Effect, tasks: asyncio.TaskGroup) -> None:
        match effect:
            case Write(record, awaited):
                self._write(record, awaited=awaited)
            case StartCrossing(crossing):
                self.mark(crossing, "opened")
                self._crossing_task = tasks.create_task(self._start_crossing(crossing))
            case OpenCamera(crossing):
                self.mark(crossing, "inside")
                self._open_camera(crossing)
            case LookAtLane():
                for barrier in self._barriers.values():
                    barrier.look()
                self._look_inside()
            case Grant(crossing, ttl_ms, door):
                tasks.create_task(self._granting(crossing, door, self._barriers[door].grant(ttl_ms)))
            case Revoke() | Release() | EndEmergency() | ClearAlarms():
                tasks.create_task(self._ordered(effect, self._order(effect), *self._wanted_since(effect)))
            case Answer(number, outcome, detail):
                self._answer(number, outcome, detail)
            case Show(screen, guidance):
                self._screen, self._guidance = screen, guidance
            case Erase():
                self._erase(effect)  # first sets what the document's child seals at its end
                if self._crossing_task is not None:
                    self._crossing_task.cancel()
                    self._crossing_task = None

    def _write(self, record: records.Record, *, awaited: bool) -> None:
        if isinstance(record, records.Opened) and record.document:
            self.stopwatch = Stopwatch(record.crossing)
            self.mark(record.crossing, "presented")
        elif (crossing := records.crossing_of(record)) is not None:
            # "opened" is marked at the receipt, by `StartCrossing`.
            self.mark(crossing, _at(getattr(record, "door", Door.LAST), record.kind.value))
        if isinstance(record, records.Closed) and record.crossing == self.stopwatch.crossing:
            record = replace(record, stages_ms=self.stopwatch.since_presented_ms())
        self._recorder.append(record, awaited=awaited)

    async def _granting(self, crossing: str, door: Door, grant: Awaitable[float | None]) -> None:
        try:
            written_at_s = await grant
        except DriverError as error:
            log.warning("grant_failed", extra={"crossing": crossing, "error": type(error).__name__})
            self.post(GrantFailed(crossing, door))
            return
        if written_at_s is not None:
            self.mark(crossing, _at(door, "grant_written"), written_at_s * 1000)

    def _order(self, effect: OfBarrier) -> Awaitable[None]:
        """Queue an order that the lane does not wait for. The barrier's keeper reports a lost line."""
        barrier = self._barriers[effect.door]
        match effect:
            case Revoke():
                return barrier.revoke()
            case Release():
                return barrier.release()
            case EndEmergency():
                return barrier.end_emergency()
            case ClearAlarms(alarms):  # pragma: no branch - the type checker proves the match complete
                return barrier.clear_alarms(alarms)

    def _wanted_since(self, effect: OfBarrier) -> tuple[float, float]:
        """Return since when an order is wanted, and when its cause was posted. A repeated order is wanted since its first one."""
        door_state = self._context.door_state(effect.door)
        pending = door_state.freeing if isinstance(effect, Release) else door_state.revoking
        since_ms = self._caused_at_ms if pending is None else pending.since_ms
        return since_ms, min(since_ms, self._caused_at_ms)

    async def _ordered(self, effect: OfBarrier, order: Awaitable[None], since_ms: float, caused_ms: float) -> None:
        """Log a failed order; time the first confirmed one. The barrier's status shows the result (`gate.passage.desired_barrier_state`)."""
        try:
            await order
        except DriverError as error:
            log.warning("order_failed", extra={"order": type(effect).__name__, "error": type(error).__name__})
            return
        kind = type(effect).__name__.lower()
        if isinstance(effect, Revoke | Release) and self._confirmed.get((effect.door, kind)) != since_ms:
            self._confirmed[effect.door, kind] = since_ms
            self._took(kind, (self._clock_ms() - caused_ms) / 1000)

    def _publish(self) -> None:
        state = self._state
        referred = state.crossing if isinstance(state, states.Referred) else None
        crossing = states.crossing_of(state)
        self._show(
            screen_messages.View(
                screen=self._screen,
                guidance=self._guidance,
                crossing=crossing,
                referred=referred,
                purpose=self._purpose,
                direction=self._context.direction if len(self._rules.service.directions) > 1 else None,
                travellers=self._context.travellers.name,
                issuer=None if crossing is None else self._issuers.get(crossing),
            )
        )
