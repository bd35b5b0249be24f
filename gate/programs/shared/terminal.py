"""A terminal's side of officers' orders: get a challenge, sign, submit, get the outcome. Signs a stale order again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gate.channel import order_messages
from gate.channel.errors import ChannelClosedError, ChannelError, NotPermittedError
from gate.channel.message import Message
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import Outcome
from gate_core.orders.order import Challenge, Shift
from gate_core.orders.verbs import VERBS, Verb

ANSWER_DEADLINE_S = 15.0  # the lane answers within ten
ATTEMPTS_MAX = 3
AWAY_RETRY_S = 1.0  # between attempts to reach a lane that is away


@dataclass(frozen=True, slots=True)
class Wish:
    """An officer's order, as typed. Without a gate it is for the gate that answers."""

    verb: Verb
    gate: str | None
    crossing: str | None = None
    reason: str = ""
    argument: str | None = None

    @property
    def problem(self) -> str:
        """Why a terminal does not give this order; empty if it does."""
        rule = VERBS[self.verb]
        if self.verb is Verb.VIEW:
            return "view: a terminal shows no pictures; open the referral on the console's page"
        if rule.arguments and self.argument not in rule.arguments:
            return f"{self.verb.value} takes one of {', '.join(rule.arguments)}"
        return f"{self.verb.value} needs a reason" if rule.reason and not self.reason.strip() else ""


class Terminal:
    """A connection to a lane's orders channel. Every call raises ChannelError if the lane does not answer."""

    def __init__(self, connection: Connection[order_messages.FromOrders]) -> None:
        self._connection = connection

    @classmethod
    async def reach(cls, path: Path) -> Terminal:
        """Connect to the socket at `path`."""
        return cls(await connect(CHANNELS.orders, path))

    async def look(self) -> order_messages.Look:
        """Request the lane's state, with a challenge."""
        answer = await self._ask(order_messages.LookWanted())
        if not isinstance(answer, order_messages.Look):
            raise ChannelError("the lane answered something else")
        return answer

    async def order(
        self,
        shift: Shift,
        verb: Verb,
        *,
        gate: str | None = None,
        crossing: str | None = None,
        reason: str = "",
        argument: str | None = None,
    ) -> order_messages.OrderAnswer:
        """Sign and submit an order. `gate` None: the gate that answers. Raises MalformedError if a field is missing."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            look = await self.look()
            challenge = Challenge(issued_ms=look.issued_ms, nonce=look.nonce, version=look.version)
            signed = shift.sign(
                verb, gate=gate or look.gate, challenge=challenge, crossing=crossing, reason=reason, argument=argument
            )
            answer = await self.submit(signed)
            if answer.outcome is not Outcome.STALE or attempt == ATTEMPTS_MAX:
                return answer
        raise AssertionError("unreachable")

    async def submit(self, order: bytes) -> order_messages.OrderAnswer:
        """Submit a signed order."""
        answer = await self._ask(order_messages.SubmitOrder(order))
        if not isinstance(answer, order_messages.OrderAnswer):
            raise ChannelError("the lane answered something else")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _ask(self, message: Message) -> order_messages.FromOrders:
        await self._connection.send(message)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                return await self._connection.receive()
        except TimeoutError as error:
            raise ChannelClosedError("the lane does not answer") from error


async def look(path: Path) -> order_messages.Look:
    """Request the state of the lane with this socket. Raises ChannelError."""
    with closing(await Terminal.reach(path)) as terminal:
        return await terminal.look()


async def give(path: Path, shift: Shift, wish: Wish) -> order_messages.OrderAnswer:
    """Give an order once. Without a crossing it is about the running one (`refer`), or the first that waits. Raises ChannelError and OrderError."""
    crossing = wish.crossing
    with closing(await Terminal.reach(path)) as terminal:
        if crossing is None and VERBS[wish.verb].crossing:
            lane, is_refer = await terminal.look(), wish.verb is Verb.REFER
            crossing = lane.running if is_refer else next((one.crossing for one in lane.referred), None)
            if crossing is None:
                nobody = "no crossing runs" if is_refer else "nobody waits for an officer"
                return order_messages.OrderAnswer(Outcome.IMPOSSIBLE, nobody, lane.state, lane.referred)
        return await terminal.order(
            shift, wish.verb, gate=wish.gate, crossing=crossing, reason=wish.reason, argument=wish.argument
        )


async def answers(
    order: Callable[[], Awaitable[order_messages.OrderAnswer]], every_s: float | None, away: Callable[[str], None]
) -> AsyncIterator[order_messages.OrderAnswer]:
    """Give an order and yield its answer; with `every_s` repeatedly, until an answer other than done.

    With `every_s` a lane that is away is tried again, and `away` receives the reason. Raises ChannelError.
    """
    while True:
        try:
            answer = await order()
        except NotPermittedError:
            raise
        except ChannelError as error:
            if every_s is None:
                raise
            away(str(error))
            await asyncio.sleep(AWAY_RETRY_S)
            continue
        yield answer
        if every_s is None or answer.outcome is not Outcome.DONE:
            return
        await asyncio.sleep(every_s)
