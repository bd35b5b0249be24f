"""The lane's channel of orders: what waits for an officer, challenges, and signed orders answered by what the lane did.

Whoever may connect can carry orders and make none: an order is believed for its signature. It is judged here (`gate.orders`), done by the
machine (`gate.passage.obeying`), and where the machine only began it, watched until the sensors or the driver bear it out, or until a
deadline: then the answer is "ordered, not confirmed". One order a connection at a time. A flood of orders that are nobody's is told to
the journal now and then, never to the audit log.

A release or an order to open in an emergency that was obeyed is answered from memory when the very same bytes come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gate.channel import messages
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.orders.challenge import Challenger
from gate.orders.errors import OrderError
from gate.orders.judging import Lack, hindrances, lacks
from gate.orders.order import Order, Signed, read_order
from gate.orders.verbs import VERBS, Power, Verb
from gate.passage import machine
from gate.passage.events import Event
from gate.passage.lane import Surroundings
from gate.passage.orders import (
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    CloseLane,
    Command,
    Consent,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    Hold,
    Maintain,
    Missing,
    OfficerRole,
    OpenLane,
    Ordered,
    Outcome,
    PauseLane,
    Said,
    ServeDirection,
    ServeTravellers,
)
from gate.passage.reasons import Objection
from gate.passage.serving import BorderDirection

MACHINE_DEADLINE_S = 2.0  # far above what the machine takes; a lane that takes longer is lost
CONFIRM_POLL_S = 0.02
CONFIRM_S = {  # how long sensors and driver may take; after that the answer is "ordered, not confirmed"
    Verb.ADMIT: 5.0,
    Verb.RELEASE: 3.0,
    Verb.OPEN_EMERGENCY: 3.0,
    Verb.END_EMERGENCY: 5.0,
    Verb.ACKNOWLEDGE: 2.0,
}
FREED_MAX = 1024  # releases that are remembered; the oldest is forgotten
REFUSALS_TOLD_EVERY_S = 10.0

Answered = tuple[Outcome, str]
log = logging.getLogger(__name__)


class LaneInSight(Protocol):
    """What the desk sees of the engine."""

    @property
    def state(self) -> machine.State:
        """The machine's state."""
        ...

    @property
    def around(self) -> Surroundings:
        """What is known of the lane."""
        ...

    def post(self, event: Event) -> None:
        """Queue an event."""
        ...


@dataclass(slots=True)
class _Refusals:
    """Counts refused orders and tells of them now and then."""

    since_s: float | None = None
    count: int = 0
    total: int = 0

    def note(self, why: str, now_s: float) -> None:
        self.count += 1
        self.total += 1
        if self.since_s is None or now_s - self.since_s >= REFUSALS_TOLD_EVERY_S:
            log.warning("orders_refused", extra={"count": self.count, "last": why[:200]})
            self.since_s, self.count = now_s, 0


@dataclass(slots=True, kw_only=True)
class Officers:
    """The desk. `authority` is the officers' authority's public key, None where the gate knows none; `secret` is random and new.

    `clock_ms` is the lane's monotonic clock, `wall_s` the wall clock in seconds since 1970, None while it is unsure.
    """

    lane: LaneInSight
    gate: str
    authority: bytes | None
    secret: bytes
    clock_ms: Callable[[], float]
    wall_s: Callable[[], int | None]
    _challenger: Challenger = field(init=False)
    _number: int = 0
    _open: dict[int, asyncio.Future[Answered]] = field(default_factory=dict)
    _freed: OrderedDict[bytes, Answered] = field(default_factory=OrderedDict)
    _refusals: _Refusals = field(default_factory=_Refusals)

    def __post_init__(self) -> None:
        self._challenger = Challenger(self.secret, self.gate)

    @property
    def refused(self) -> int:
        """How many orders were nobody's, or not theirs to give, since the start."""
        return self._refusals.total

    def answer(self, number: int, outcome: Outcome, detail: str) -> None:
        """What the machine says of an order."""
        waiting = self._open.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result((outcome, detail))

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on the channel of orders."""
        async with serve(CHANNELS.orders, path, self._handle):
            yield

    async def _handle(self, connection: Connection[messages.ToDesk]) -> None:
        async for message in connection:
            match message:
                case messages.LookWanted():
                    await connection.send(self.look())
                case messages.SubmitOrder(order):
                    await connection.send(await self.submit(order))

    def look(self) -> messages.Look:
        """The lane as an officer needs to know it, with a challenge."""
        challenge = self._challenger.issue(self.lane.around.version, int(self.clock_ms()))
        state = self.lane.state
        return messages.Look(
            gate=self.gate,
            officers=self.authority is not None,
            state=_name(state),
            running=None if isinstance(state, machine.Referred) else machine.crossing_of(state),
            referred=_waiting(self.lane),
            closed_by=self.lane.around.closed_by,
            issued_ms=challenge.issued_ms,
            nonce=challenge.nonce,
            version=challenge.version,
            alarms=[one.alarm for one in self.lane.around.alarms if one.waits],
            notices=list(self.lane.around.notices()),
            direction=self.lane.around.direction,
            travellers=self.lane.around.travellers.name,
        )

    async def submit(self, raw: bytes) -> messages.OrderAnswer:
        """Judge an order, have it done, and say what came of it."""
        outcome, detail = await self._submit(raw)
        state = self.lane.state
        return messages.OrderAnswer(
            outcome=outcome, detail=messages.words(detail), state=_name(state), referred=_waiting(self.lane)
        )

    async def _submit(self, raw: bytes) -> Answered:
        if self.authority is None:
            return self._refuse("this gate knows no officers' authority ([officers] in gate.toml)")
        try:
            signed = read_order(raw, self.authority)
        except OrderError as error:
            return self._refuse(str(error))
        order, now_ms = signed.order, int(self.clock_ms())
        freshness = self._challenger.look(order.challenge, now_ms)
        lacking = lacks(signed, gate=self.gate, freshness=freshness, now_s=self.wall_s())
        if hinders := hindrances(signed, lacking):
            if hinders == (Lack.CHALLENGE_OLD,):
                return Outcome.STALE, "the challenge is older than 30 s: look again"
            return self._refuse(
                f"{order.verb.value} by {signed.by.officer}: {', '.join(lack.value for lack in hinders)}"
            )
        mark = hashlib.sha256(raw).digest()
        if (before := self._freed.get(mark)) is not None:
            return before
        command = _command(order, max(0, now_ms - order.challenge.issued_ms))
        if command is None:
            return Outcome.IMPOSSIBLE, "this gate cannot: its log takes no such order"
        frees = VERBS[order.verb].power is Power.FREES
        if frees:
            self._remember(mark, (Outcome.ORDERED, "ordered, not confirmed"))
        answered = await self._have_done(signed, command, lacking)
        if answered == (Outcome.ORDERED, ""):
            answered = await self._watch(order, now_ms)
        if frees:
            self._remember(mark, answered)
        return answered

    def _refuse(self, why: str) -> Answered:
        self._refusals.note(why, self.clock_ms() / 1000)
        return Outcome.FORBIDDEN, why

    def _remember(self, mark: bytes, answered: Answered) -> None:
        self._freed[mark] = answered
        while len(self._freed) > FREED_MAX:
            self._freed.popitem(last=False)

    async def _have_done(self, signed: Signed, command: Command, lacking: tuple[Lack, ...]) -> Answered:
        order, by = signed.order, signed.by
        said = Said(by.officer, OfficerRole(by.role.value), order.reason, tuple(Missing(one.value) for one in lacking))
        self._number += 1
        number = self._number
        self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self.lane.post(Ordered(number, order.challenge.version, said, command))
            async with asyncio.timeout(MACHINE_DEADLINE_S):
                return await self._open[number]
        except TimeoutError:
            return Outcome.ORDERED, "ordered, not confirmed: the lane is busy"
        finally:
            del self._open[number]

    async def _watch(self, order: Order, since_ms: int) -> Answered:
        """Look until what was ordered shows, or cannot come any more. A status from before says nothing."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + CONFIRM_S[order.verb]
        while loop.time() < end_s:
            if (seen := _seen(order, self.lane, since_ms)) is not None:
                return seen
            await asyncio.sleep(CONFIRM_POLL_S)
        return Outcome.ORDERED, f"ordered, not confirmed: {_unseen(order, self.lane, since_ms)}"


def _seen(order: Order, lane: LaneInSight, since_ms: int) -> Answered | None:
    """What state, sensors and driver say of an order that is under way; None as long as they say nothing."""
    state = lane.state
    seen = [one.seen if one.seen_ms > since_ms else None for one in lane.around.doors]
    match order.verb:
        case Verb.ADMIT:
            shown = isinstance(state, machine.Granted) and lane.around.doorway(state.door).granting is None
            return _admission(state, order.crossing, shown=shown)
        case Verb.RELEASE | Verb.OPEN_EMERGENCY:
            opened = seen[:1] if order.verb is Verb.RELEASE else seen
            shows = all(one is not None and not one.closed for one in opened)
            return (Outcome.DONE, "the leaf is open") if shows else None
        case Verb.END_EMERGENCY:
            return None if isinstance(state, machine.Emergency) else (Outcome.DONE, "the emergency is over")
        case Verb.ACKNOWLEDGE:
            shows = all(one is not None and not one.alarms for one in seen)
            return (Outcome.DONE, "no alarm stands") if shows else None
        case _:  # answered by the machine
            return None


def _unseen(order: Order, lane: LaneInSight, since_ms: int) -> str:
    """Why an order could not be confirmed."""
    if any(one.seen is None or one.seen_ms <= since_ms for one in lane.around.doors):
        return "the barrier does not answer"
    if order.verb in {Verb.RELEASE, Verb.OPEN_EMERGENCY}:
        return "the leaf stays closed, and the barrier is told again"
    return "the barrier does not show it"


def _admission(state: machine.State, crossing: str | None, *, shown: bool) -> Answered | None:
    """`shown`: the barrier's status bears the grant out."""
    match state:
        case machine.Overruling() | machine.Looking() if state.crossing == crossing:
            return None
        case machine.Granted() if state.crossing == crossing:
            return (Outcome.DONE, "granted") if shown else None
        case machine.Entering() | machine.Passing() if state.crossing == crossing:
            return Outcome.DONE, "passed"
        case machine.Referred() if state.crossing == crossing:
            return Outcome.IMPOSSIBLE, f"not granted: {', '.join(_words(state.objections))}"
        case _:
            return Outcome.IMPOSSIBLE, "not granted"


_OF_THE_LANE: dict[Verb, Command] = {
    Verb.RELEASE: Free(),
    Verb.OPEN_EMERGENCY: BeginEmergency(),
    Verb.END_EMERGENCY: EndEmergencyNow(),
    Verb.ACKNOWLEDGE: AcknowledgeAlarms(),
    Verb.CLOSE: CloseLane(),
    Verb.PAUSE: PauseLane(),
    Verb.MAINTAIN: Maintain(),
    Verb.CONSENT: Consent(),
    Verb.OPEN: OpenLane(),
}


def _command(order: Order, age_ms: int) -> Command | None:
    """The order as the machine takes it; None for what is no deed of a lane: the log accepts no other head than its own."""
    crossing = order.crossing or ""
    match order.verb:
        case Verb.PRESENT:
            return BePresent(age_ms)
        case Verb.ADMIT:
            return Admit(crossing)
        case Verb.REFER:
            return Hold(crossing)
        case Verb.HAND_OVER:
            return HandOver(crossing, Disposition(order.argument))
        case Verb.DIRECTION:
            return ServeDirection(BorderDirection(order.argument))
        case Verb.MODE:
            return ServeTravellers(order.argument or "")
        case verb:
            return _OF_THE_LANE.get(verb)


def _name(state: machine.State) -> str:
    return type(state).__name__.lower()


def _words(objections: tuple[Objection, ...]) -> list[str]:
    return [
        messages.words(f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value) for one in objections
    ]


def _waiting(lane: LaneInSight) -> list[messages.Waiting]:
    """Every referral that waits, the latest first; not the one whose traveller an officer lets through now."""
    state = lane.state
    under_way = None if isinstance(state, machine.Referred) else machine.crossing_of(state)
    return [
        messages.Waiting(
            one.crossing, [messages.Objected(why.reason, messages.words(why.detail)) for why in one.objections]
        )
        for one in reversed(lane.around.waiting)
        if one.crossing != under_way
    ]
