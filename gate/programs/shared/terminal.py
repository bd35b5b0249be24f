"""A terminal's side of officers' orders: get a challenge, sign, submit, get the outcome. Signs a stale order again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gate.channel import order_messages
from gate.channel.errors import ChannelClosedError, ChannelError
from gate.channel.message import Message
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import Outcome
from gate_core.orders.order import Challenge, Shift
from gate_core.orders.verbs import Verb

ANSWER_DEADLINE_S = 15.0  # the lane answers within ten
ATTEMPTS_MAX = 3


class Terminal:
    """A connection to a lane's orders channel. Every call raises ChannelError if the lane does not answer."""

    def __init__(self, connection: Connection[order_messages.FromDesk]) -> None:
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

    async def _ask(self, message: Message) -> order_messages.FromDesk:
        await self._connection.send(message)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                return await self._connection.receive()
        except TimeoutError as error:
            raise ChannelClosedError("the lane does not answer") from error
