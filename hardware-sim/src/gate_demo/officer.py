"""The simulated officer at the lane: reports presence, handles referrals and alarms, ends emergencies, releases people.

A client of the lane's own channels, like the officers' console: a shift key that the demo's authority certified signs
every order. The demo also reads its views: each is what the traveller sees.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from gate.channel import order_messages, screen_messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import Outcome
from gate.programs.shared.terminal import Terminal
from gate_core.evidence.crossing import Notice
from gate_core.evidence.screen import Screen
from gate_core.orders.order import Shift
from gate_core.orders.verbs import Verb
from gate_core.programs.task_groups import run_until_first_exits

PRESENCE_S = 1.0
SETTLE_AFTER_S = 0.4
REFERRED = frozenset({Screen.OFFICER, Screen.OTHER_LANE})  # an officer goes to a traveller who has to wait
EMERGENCY_RETRY_S = 0.5
RECONNECT_S = 0.1
TURN_TRIES = 160  # a crossing without a traveller lasts until its timeout and the end of its referral
TURN_AGAIN_S = 0.25


class Officer:
    """One officer. While `absent` is True they report and settle nothing. `thinks_s` is an additional wait, in which another
    officer may settle a case. `took_over` are the crossings that this officer settled.

    `views` and `orders` are the lane's sockets. `patience` multiplies the director's deadlines.
    """

    patience = 1.0

    def __init__(
        self, *, views: Path, orders: Path, shift: Shift, on_view: Callable[[screen_messages.View], None]
    ) -> None:
        self.absent = False
        self.thinks_s = 0.0
        self.took_over: set[str] = set()
        self.view: screen_messages.View | None = None
        self.answered = 0
        self._views = views
        self._orders = orders
        self._shift = shift
        self._on_view = on_view

    async def run(self) -> None:
        """Serve the lane without end, also after restarts of its program."""
        while True:
            try:
                with (
                    contextlib.closing(await connect(CHANNELS.lane, self._views)) as watch,
                    contextlib.closing(await Terminal.reach(self._orders)) as terminal,
                ):
                    await run_until_first_exits(self._see(watch), self._work(terminal))
            except ChannelError:
                self.view = None
                await asyncio.sleep(RECONNECT_S)

    async def release(self) -> bool:
        """Release the person in the lane, on a separate connection. Return True when the leaf was seen open."""
        terminal = await Terminal.reach(self._orders)
        try:
            answer = await terminal.order(self._shift, Verb.RELEASE, reason="somebody wants to leave")
            return answer.outcome is Outcome.DONE
        finally:
            terminal.close()

    async def turn(self, direction: str, supervisor: Shift) -> bool:
        """Let a supervisor turn the lane to `entry` or `exit`, between two travellers. Return True when it has turned."""
        terminal = await Terminal.reach(self._orders)
        try:
            for _ in range(TURN_TRIES):
                answer = await terminal.order(supervisor, Verb.DIRECTION, argument=direction)
                if answer.outcome is Outcome.DONE:
                    return True
                await asyncio.sleep(TURN_AGAIN_S)  # a person is still in the lane
            return False
        finally:
            terminal.close()

    async def _see(self, watch: Connection[order_messages.FromLane]) -> None:
        await watch.send(screen_messages.WatchView())
        while True:
            told = await watch.receive()
            if isinstance(told, screen_messages.View):
                self.view = told
                self._on_view(told)

    async def _work(self, terminal: Terminal) -> None:
        loop = asyncio.get_running_loop()
        said_s = referred_s = calm_s = 0.0
        while True:
            await asyncio.sleep(0.05)
            if self.absent:
                said_s = 0.0
                continue
            if loop.time() - said_s > PRESENCE_S:
                said_s = loop.time()
                await self._order(terminal, Verb.PRESENT)
                look = await terminal.look()
                if not (look.alarms or Notice.HELP_CALLED in look.notices):
                    calm_s = loop.time()
                elif loop.time() - calm_s > self.thinks_s:
                    await self._order(terminal, Verb.ACKNOWLEDGE)
            view = self.view
            if view is None:
                continue
            if view.screen not in {*REFERRED, Screen.EMERGENCY}:
                referred_s = loop.time()
            elif view.screen is Screen.EMERGENCY and loop.time() - referred_s > EMERGENCY_RETRY_S + self.thinks_s:
                referred_s = loop.time()
                await self._order(terminal, Verb.END_EMERGENCY)
            elif view.referred is not None and loop.time() - referred_s > SETTLE_AFTER_S + self.thinks_s:
                referred_s = loop.time()
                if await self._order(terminal, Verb.HAND_OVER, view.referred, "taken_over") is Outcome.DONE:
                    self.took_over.add(view.referred)

    async def _order(
        self, terminal: Terminal, verb: Verb, crossing: str | None = None, argument: str | None = None
    ) -> Outcome:
        answer = await terminal.order(self._shift, verb, crossing=crossing, argument=argument)
        self.answered += 1
        return answer.outcome
