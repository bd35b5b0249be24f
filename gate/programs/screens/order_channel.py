"""The lane's channel of orders, as the console's road asks it: looks, and orders that nobody here can read.

One connection a question, so that an order that takes long holds up no other. Left to the caller: how many at once, and how often.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from gate.channel.errors import ChannelError
from gate.channel.messages import FromDesk, Look, LookWanted, OrderAnswer, SubmitOrder, ToDesk
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS

LOOK_S: Final = 1.0
ORDER_S: Final = 9.0  # the lane takes 2 s for the machine and 5 s for the sensors at most


class LaneAwayError(Exception):
    """The lane did not answer. `maybe_done`: it had been asked, and nobody knows what came of it."""

    def __init__(self, *, maybe_done: bool) -> None:
        super().__init__("the lane does not answer")
        self.maybe_done = maybe_done


class Desk:
    """Asks the lane at this socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def look(self) -> Look:
        """How the lane is, with a challenge. Raises LaneAwayError."""
        answer = await self._ask(LookWanted(), LOOK_S)
        if not isinstance(answer, Look):
            raise LaneAwayError(maybe_done=False)
        return answer

    async def submit(self, order: bytes) -> OrderAnswer:
        """What the lane did. Raises LaneAwayError."""
        answer = await self._ask(SubmitOrder(order), ORDER_S)
        if not isinstance(answer, OrderAnswer):
            raise LaneAwayError(maybe_done=True)
        return answer

    async def _ask(self, question: ToDesk, deadline_s: float) -> FromDesk:
        asked = False
        try:
            async with asyncio.timeout(deadline_s):
                connection = await connect(CHANNELS.orders, self._path)
                try:
                    asked = True
                    await connection.send(question)
                    return await connection.receive()
                finally:
                    connection.close()
        except (ChannelError, OSError) as error:  # TimeoutError is one of the latter
            raise LaneAwayError(maybe_done=asked) from error
