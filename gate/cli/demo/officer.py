"""The simulated officer at the lane: says that they are there, settles referrals, ends emergencies, frees people.

A client of the lane's own socket, like the officers' console will be, and the demo's eyes: every view that comes this way is
also what the traveller sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gate.channel import messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.screen import Screen
from gate.programs.racing import first_of

NAME = "demo-officer"
PRESENCE_S = 1.0
SETTLE_AFTER_S = 0.4
EMERGENCY_RETRY_S = 0.5
RECONNECT_S = 0.1


class Officer:
    """One officer. `absent` is theirs to set: then nothing is said and nothing is settled."""

    def __init__(self, path: Path, *, on_view: Callable[[messages.View], None]) -> None:
        self.absent = False
        self.view: messages.View | None = None
        self.answered = 0
        self._path = path
        self._on_view = on_view

    async def run(self) -> None:
        """Be at the lane for ever, through restarts of its program."""
        while True:
            try:
                watch = await connect(CHANNELS.lane, self._path)
                orders = await connect(CHANNELS.lane, self._path)
            except ChannelError:
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                await first_of(self._see(watch), self._work(orders))
            except ChannelError:
                self.view = None
            finally:
                watch.close()
                orders.close()

    async def release(self) -> bool:
        """Free whoever is in the lane, on a line of its own. True when the lane took the order."""
        connection = await connect(CHANNELS.lane, self._path)
        try:
            await connection.send(messages.ReleaseLane(NAME))
            answer = await connection.receive()
            return isinstance(answer, messages.Answer) and answer.ok
        finally:
            connection.close()

    async def _see(self, watch: Connection[messages.FromLane]) -> None:
        await watch.send(messages.WatchView())
        while True:
            view = await watch.receive()
            if isinstance(view, messages.View):
                self.view = view
                self._on_view(view)

    async def _work(self, orders: Connection[messages.FromLane]) -> None:
        loop = asyncio.get_running_loop()
        said_s = referred_s = 0.0
        while True:
            await asyncio.sleep(0.05)
            if self.absent:
                said_s = 0.0
                continue
            if loop.time() - said_s > PRESENCE_S:
                said_s = loop.time()
                await self._order(orders, messages.OfficerPresent(NAME))
            view = self.view
            if view is None:
                continue
            if view.referred is None and view.screen is not Screen.EMERGENCY:
                referred_s = loop.time()
            elif view.screen is Screen.EMERGENCY and loop.time() - referred_s > EMERGENCY_RETRY_S:
                referred_s = loop.time()
                await self._order(orders, messages.EndEmergency(NAME))
            elif view.referred is not None and loop.time() - referred_s > SETTLE_AFTER_S:
                referred_s = loop.time()
                await self._order(orders, messages.Settle(view.referred, NAME, "taken_over"))

    async def _order(self, orders: Connection[messages.FromLane], order: messages.Message) -> None:
        await orders.send(order)
        await orders.receive()
        self.answered += 1
