"""The lane's channel of orders: waiting referrals, challenges, and signed orders, answered with what the lane did.

Any process that may connect can pass on orders but not create them: only the signature counts. Orders are checked here
(`gate_core.orders`) and executed by the machine (`gate.passage.officer_commands`); `confirmed` then waits until sensors
or driver show the result. One order at a time per connection. Refused orders to free people, and orders under expired
keys, are reported to the machine (`gate.passage.misuse`). A release repeated in the same bytes is answered from memory.
A view returns what is encrypted to the officer's key (`referrals`), once its record is durable. An admission names what
its officer was shown; if that differs, it admits nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from base64 import b64decode
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gate.channel import order_messages, vision_messages
from gate.channel.message import words
from gate.channel.sockets import BYTES_MAX, Connection, serve
from gate.channel.table import CHANNELS
from gate.passage import orders, states, two_officers
from gate.passage.effects import Erase, Shown
from gate.passage.events import OrderRefused
from gate.passage.names import Concern, Disposition, Outcome
from gate.passage.orders import Command, LaneOrder, Missing, Ordered, Said
from gate.programs.lane.engine import LaneInSight
from gate.programs.lane.referrals import Recipient, Referrals
from gate_core.evidence.names import Head
from gate_core.evidence.reasons import Objection
from gate_core.evidence.service_scope import BorderDirection
from gate_core.orders.certificate import Certificate
from gate_core.orders.errors import ForgedError, OrderError
from gate_core.orders.order import (
    OVER,
    Challenger,
    Lack,
    Order,
    Signed,
    asks_to_free,
    find_blocking_lacks,
    lacks,
    read_order,
)
from gate_core.orders.verbs import VERBS, Power, Verb

MACHINE_DEADLINE_S = 2.0  # far above the machine's time; a slower lane is lost
FREED_MAX = 1024  # remembered releases; the oldest is forgotten
REFUSALS_TOLD_EVERY_S = 10.0
PRESENT_MAX = 32  # shift keys with remembered presence; the least recent is forgotten
RECIPIENTS_MAX = 4  # keys for encryption: the most recent ones
NOT_SEEN = "the pictures that were shown to them are none that this lane has handed out"
NOTHING_SEALED = "nothing of this traveller is sealed to you any more, or yet: take them to the booth"

CONFIRM_POLL_S = 0.02
CONFIRM_S = {  # time for sensors and driver; then "ordered, not confirmed"
    Verb.ADMIT: 5.0,
    Verb.RELEASE: 3.0,
    Verb.OPEN_EMERGENCY: 3.0,
    Verb.END_EMERGENCY: 5.0,
    Verb.ACKNOWLEDGE: 2.0,
    Verb.ACCEPT_HEAD: 5.0,
}

Answered = tuple[Outcome, str]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Present:
    """An officer's latest report of presence with one shift key; they may have another one on a terminal."""

    by: Certificate
    raw: bytes  # the signed certificate
    said_ms: int


@dataclass(frozen=True, slots=True)
class _Judged:
    """An order that may be executed, and its non-blocking lacks."""

    signed: Signed
    lacking: tuple[Lack, ...]


@dataclass(slots=True, kw_only=True)
class Officers:
    """The channel's service. `authority`: the officers' authority's public key, or None. `secret`: random, new.

    `clock_ms`: the lane's monotonic clock. `wall_s`: wall clock in seconds since 1970, None while it is unsure.
    `floor_s`: the clock's floor, before which the time cannot be. `rules`: the lane's.
    """

    lane: LaneInSight
    gate: str
    authority: bytes | None
    secret: bytes
    clock_ms: Callable[[], float]
    wall_s: Callable[[], int | None]
    floor_s: Callable[[], int]
    referrals: Referrals
    rules: states.Rules
    _challenger: Challenger = field(init=False)
    _number: int = 0
    _open: dict[int, asyncio.Future[Answered]] = field(default_factory=dict)
    _freed: OrderedDict[bytes, Answered] = field(default_factory=OrderedDict)
    refused: int = 0  # forged or forbidden orders since the start
    _untold: int = 0  # of these, not in the journal yet
    _told_s: float | None = None
    _present: dict[str, _Present] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._challenger = Challenger(self.secret, self.gate)

    def answer(self, number: int, outcome: Outcome, detail: str) -> None:
        """Set the machine's answer to an order."""
        waiting = self._open.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result((outcome, detail))

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on the channel of orders."""
        async with serve(CHANNELS.orders, path, self._handle):
            yield

    async def _handle(self, connection: Connection[order_messages.ToOrders]) -> None:
        connection.take_no_more_than(BYTES_MAX)
        async for message in connection:
            match message:
                case order_messages.LookWanted():
                    await connection.send(self.look())
                case order_messages.SubmitOrder(order):
                    await connection.send(await self.submit(order))

    def look(self) -> order_messages.Look:
        """Return the lane's state for an officer, with a challenge."""
        challenge = self._challenger.issue(self.lane.context.version, int(self.clock_ms()))
        state = self.lane.state
        return order_messages.Look(
            gate=self.gate,
            officers=self.authority is not None,
            state=_name(state),
            running=None if isinstance(state, states.Referred) else states.crossing_of(state),
            referred=self._waiting(),
            closed_by=self.lane.context.closed_by,
            issued_ms=challenge.issued_ms,
            nonce=challenge.nonce,
            version=challenge.version,
            alarms=[one.alarm for one in self.lane.context.alarms if one.waits],
            notices=list(self.lane.context.notices()),
            direction=self.lane.context.direction,
            travellers=self.lane.context.travellers.name,
            present=self._seen_here(),
            flags=self._flags(),
        )

    async def submit(self, raw: bytes) -> order_messages.OrderAnswer:
        """Check an order, execute it, and return the outcome."""
        sealed: list[bytes] | None = None
        judged = self._judge(raw)
        if isinstance(judged, _Judged):
            order, by = judged.signed.order, judged.signed.by
            outcome, detail = await self._obey(judged, raw)
            if outcome is Outcome.DONE and order.verb is Verb.PRESENT:
                self._is_present(_Present(by, b64decode(order.certificate), order.challenge.issued_ms))
            elif outcome is Outcome.DONE and order.verb is Verb.VIEW:
                sealed = self.referrals.hand_out(order.crossing or "", by.sealing_key)
                outcome, detail = (outcome, detail) if sealed else (Outcome.IMPOSSIBLE, NOTHING_SEALED)
        else:
            outcome, detail = judged
        return order_messages.OrderAnswer(outcome, words(detail), _name(self.lane.state), self._waiting(), sealed)

    def recipients(self) -> tuple[Recipient, ...]:
        """Return the present officers with a usable key for encryption, most recent first."""
        now_s = self.wall_s()
        return tuple(
            Recipient(one.by.officer, one.by.sealing_key, one.raw)
            for one in self._at_the_lane()
            if one.by.sealing_key is not None and now_s is not None and max(now_s, self.floor_s()) < one.by.until
        )[:RECIPIENTS_MAX]

    def seal_for(self, erasing: Erase) -> vision_messages.SealFor | None:
        """Return the officers present, to encrypt a crossing's report for; None if there are none or no report."""
        if erasing.shown is Shown.NOTHING or not (recipients := self.recipients()):
            return None
        self.referrals.expect(erasing.crossing, recipients)
        return vision_messages.SealFor([one.certificate for one in recipients], alarm=erasing.shown is Shown.ALARM)

    def _waiting(self) -> list[order_messages.Waiting]:
        """Return the waiting referrals, latest first, without one whose traveller an officer is letting through."""
        state, flags, kept = self.lane.state, self._flags(), self.referrals
        explained = self.rules.rule_set.explained
        counting = [word for word in self.lane.context.first_words if word.number is None]
        under_way = None if isinstance(state, states.Referred) else states.crossing_of(state)
        return [
            order_messages.Waiting(
                crossing=one.crossing,
                objections=[Objection(why.reason, words(explained(why))) for why in one.objections],
                since_ms=max(0, int(self.clock_ms()) - one.since_ms),
                findings=kept.findings(one.crossing),
                sealed_for=list(dict.fromkeys(kept.sealed_for(one.crossing))),
                flags=[flag for flag in flags if flag.crossing == one.crossing],
                two_officers=two_officers.are_needed(self.rules, one),
                first=next((word.said.officer for word in counting if word.crossing == one.crossing), None),
            )
            for one in reversed(self.lane.context.waiting)
            if one.crossing != under_way
        ]

    def _flags(self) -> list[order_messages.Flag]:
        now_s = self.clock_ms() / 1000
        raised = self.referrals.flags({one.crossing for one in self.lane.context.waiting})
        return [order_messages.Flag(f.concern, f.officer, round((now_s - f.at_s) * 1000), f.crossing) for f in raised]

    def _seen_here(self) -> list[order_messages.Present]:
        ages_ms: dict[str, int] = {}
        for one in self._at_the_lane():
            ages_ms.setdefault(one.by.officer, int(self.clock_ms()) - one.said_ms)
        return [order_messages.Present(officer, age_ms) for officer, age_ms in ages_ms.items()]

    def _at_the_lane(self) -> list[_Present]:
        since_ms = self.clock_ms() - self.rules.policy.officer_presence_max_s * 1000
        present = [one for one in self._present.values() if one.said_ms >= since_ms]
        return sorted(present, key=lambda one: one.said_ms, reverse=True)

    def _is_present(self, said: _Present) -> None:
        before = self._present.pop(said.by.key, None)
        self._present[said.by.key] = before if before is not None and before.said_ms > said.said_ms else said
        while len(self._present) > PRESENT_MAX:
            self._present.pop(next(iter(self._present)))

    def _judge(self, raw: bytes) -> _Judged | Answered:
        try:
            if self.authority is None:
                raise ForgedError("this gate knows no officers' authority ([officers] in gate.toml)")
            signed = read_order(raw, self.authority)
        except OrderError as error:
            if asks_to_free(raw):
                self.lane.post(OrderRefused(frees=True))
            return self._refuse(str(error))
        order, now_ms = signed.order, int(self.clock_ms())
        freshness = self._challenger.look(order.challenge, now_ms)
        lacking = lacks(signed, gate=self.gate, freshness=freshness, now_s=self.wall_s(), floor_s=self.floor_s())
        blockers, problem = find_blocking_lacks(signed, lacking), order.problem()
        if blockers or problem:
            if blockers == (Lack.CHALLENGE_OLD,):
                return Outcome.STALE, "the challenge is older than 30 s: look again"
            if (frees := VERBS[order.verb].power is Power.FREES) or not OVER.isdisjoint(lacking):
                self.lane.post(OrderRefused(frees, _said(signed, lacking)))
            why = ", ".join(lack.value for lack in blockers)
            return self._refuse(f"{order.verb.value} by {signed.by.officer}: {why}" if blockers else problem)
        return _Judged(signed, lacking)

    async def _obey(self, judged: _Judged, raw: bytes) -> Answered:
        """Execute an order, or return a remembered outcome."""
        signed, order, now_ms = judged.signed, judged.signed.order, int(self.clock_ms())
        mark = hashlib.sha256(raw).digest()
        if (before := self._freed.get(mark)) is not None:
            return before
        crossing, key = order.crossing or "", signed.by.sealing_key
        seen = order.seen is not None and self.referrals.was_handed_out(crossing, key, order.seen)
        command = _command_of(order, max(0, now_ms - order.challenge.issued_ms), seen=seen)
        waits = self.lane.context.waits(crossing) is not None
        if order.verb is Verb.VIEW and waits and self.referrals.sealed(crossing, key) is None:
            return Outcome.IMPOSSIBLE, NOTHING_SEALED  # without a record, since nothing was seen
        if waits and order.seen is not None and not seen:
            return self._refuse(f"{order.verb.value} by {signed.by.officer}: {NOT_SEEN}")
        frees = VERBS[order.verb].power is Power.FREES
        if frees:
            self._remember(mark, (Outcome.ORDERED, "ordered, not confirmed"))
        answered = await self._have_done(judged, command)
        if answered == (Outcome.ORDERED, ""):
            answered = await confirmed(order, self.lane, now_ms)
        if frees:
            self._remember(mark, answered)
        return answered

    def _refuse(self, why: str) -> Answered:
        now_s = self.clock_ms() / 1000
        self.refused += 1
        self._untold += 1
        if self._told_s is None or now_s - self._told_s >= REFUSALS_TOLD_EVERY_S:
            log.warning("orders_refused", extra={"count": self._untold, "last": why[:200]})
            self._told_s, self._untold = now_s, 0
        return Outcome.FORBIDDEN, why

    def _remember(self, mark: bytes, answered: Answered) -> None:
        self._freed[mark] = answered
        while len(self._freed) > FREED_MAX:
            self._freed.popitem(last=False)

    async def _have_done(self, judged: _Judged, command: Command) -> Answered:
        order, by = judged.signed.order, judged.signed.by
        said = _said(judged.signed, judged.lacking)
        self._number += 1
        number = self._number
        self._open[number] = asyncio.get_running_loop().create_future()
        try:
            # The holder of one of a certificate's keys is the same person, under any name.
            keys = frozenset({by.key} if by.sealing is None else {by.key, by.sealing})
            self.lane.post(Ordered(number, order.challenge.version, said, command, keys))
            async with asyncio.timeout(MACHINE_DEADLINE_S):
                return await self._open[number]
        except TimeoutError:
            return Outcome.ORDERED, "ordered, not confirmed: the lane is busy"
        finally:
            del self._open[number]


def _said(signed: Signed, lacking: tuple[Lack, ...]) -> Said:
    missing = tuple(Missing(one.value) for one in lacking)
    return Said(signed.by.officer, signed.by.role, signed.order.reason, missing)


def _name(state: states.State) -> str:
    return type(state).__name__.lower()


def _command_of(order: Order, age_ms: int, *, seen: bool = False) -> Command:
    """Return the machine's command for an order. `seen`: the lane handed out to the officer what the order names."""
    crossing = order.crossing or ""
    match order.verb:
        case Verb.PRESENT:
            return orders.BePresent(age_ms)
        case Verb.ADMIT:
            return orders.Admit(crossing, seen)
        case Verb.REFER:
            return orders.Hold(crossing)
        case Verb.HAND_OVER:
            return orders.HandOver(crossing, Disposition(order.argument))
        case Verb.VIEW:
            return orders.ViewTraveller(crossing)
        case Verb.FLAG:
            return orders.RaiseFlag(order.crossing, Concern(order.argument))
        case Verb.DIRECTION:
            return orders.ServeDirection(BorderDirection(order.argument))
        case Verb.MODE:
            return orders.ServeTravellers(order.argument or "")
        case verb:
            return LaneOrder(verb.value)


async def confirmed(order: Order, lane: LaneInSight, since_ms: int) -> Answered:
    """Wait until newer status shows the order's result, or that it cannot succeed, or for the deadline."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + CONFIRM_S[order.verb]
    while loop.time() < end_s:
        if (seen := _seen(order, lane, since_ms)) is not None:
            return seen
        await asyncio.sleep(CONFIRM_POLL_S)
    return Outcome.ORDERED, f"ordered, not confirmed: {_unseen(order, lane, since_ms)}"


def _seen(order: Order, lane: LaneInSight, since_ms: int) -> Answered | None:
    """Return the order's result from state, sensors and driver; None while they do not show it."""
    state = lane.state
    seen = [one.seen if one.seen_ms > since_ms else None for one in lane.context.doors]
    match order.verb:
        case Verb.ADMIT:
            shown = isinstance(state, states.Granted) and lane.context.door_state(state.door).granting is None
            return _admission(state, order.crossing, shown=shown)
        case Verb.RELEASE | Verb.OPEN_EMERGENCY:
            opened = seen[:1] if order.verb is Verb.RELEASE else seen
            shows = all(one is not None and not one.closed for one in opened)
            return (Outcome.DONE, "the leaf is open") if shows else None
        case Verb.END_EMERGENCY:
            return None if isinstance(state, states.Emergency) else (Outcome.DONE, "the emergency is over")
        case Verb.ACKNOWLEDGE:
            shows = all(one is not None and not one.alarms for one in seen)
            return (Outcome.DONE, "no alarm stands") if shows else None
        case Verb.ACCEPT_HEAD:
            if lane.context.head is None or lane.context.head[0].head is Head.UNCONFIRMED:
                return None
            found, _ = lane.context.head
            return Outcome.DONE, f"{found.head.value}: the log had {found.entries} entries at the boot"
        case _:  # the machine has answered
            return None


def _unseen(order: Order, lane: LaneInSight, since_ms: int) -> str:
    if order.verb is Verb.ACCEPT_HEAD:
        return "the log has not said so"
    if any(one.seen is None or one.seen_ms <= since_ms for one in lane.context.doors):
        return "the barrier does not answer"
    if order.verb in {Verb.RELEASE, Verb.OPEN_EMERGENCY}:
        return "the leaf stays closed, and the barrier is told again"
    return "the barrier does not show it"


def _admission(state: states.State, crossing: str | None, *, shown: bool) -> Answered | None:
    """Return an admission's result, None while it is open. `shown`: the barrier's status shows the grant."""
    match state:
        case states.Overruling() | states.Looking() if state.crossing == crossing:
            return None
        case states.Granted() if state.crossing == crossing:
            return (Outcome.DONE, "granted") if shown else None
        case states.Entering() | states.Passing() if state.crossing == crossing:
            return Outcome.DONE, "passed"
        case states.Referred() if state.crossing == crossing:
            why = [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in state.objections]
            return Outcome.IMPOSSIBLE, f"not granted: {', '.join(map(words, why))}"
        case _:
            return Outcome.IMPOSSIBLE, "not granted"
