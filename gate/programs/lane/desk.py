"""The lane's socket: the view for screens, and the orders of officers at the lane.

An officer's order is answered once the machine has taken it. Who may connect is decided by the socket's folder and the
peer's credentials; the operator's own sign-in is the screens program's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gate.channel import messages
from gate.channel.errors import ChannelClosedError
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage import machine
from gate.passage.events import Disposition, EmergencyEnded, Event, OfficerSeen, ReleaseOrdered, Settled
from gate.passage.screen import Guidance, Screen

OFFICER_CHARACTERS_MAX = 64
DISPOSITIONS = frozenset(one.value for one in Disposition)


class Desk:
    """Shows views to whoever watches and posts officers' orders."""

    def __init__(
        self,
        *,
        post: Callable[[Event], None],
        state: Callable[[], machine.State],
        status: Callable[[], messages.Status],
        purpose: str,
    ) -> None:
        self._post = post
        self._state = state
        self._status = status
        self._view = messages.View(Screen.CLOSED, Guidance.NONE, None, None, [], purpose)
        self._watchers: set[asyncio.Event] = set()

    def show(self, view: messages.View) -> None:
        """The newest view; a slow watcher gets the newest only."""
        self._view = view
        for watcher in self._watchers:
            watcher.set()

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on the lane's socket."""
        async with serve(CHANNELS.lane, path, self._handle):
            yield

    async def _handle(self, connection: Connection[messages.ToLane]) -> None:
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching: asyncio.Task[None] | None = None
            try:
                async for message in connection:
                    if isinstance(message, messages.WatchView):
                        if watching is None:
                            self._watchers.add(changed)
                            changed.set()
                            watching = tasks.create_task(self._watch(connection, changed))
                    else:
                        await connection.send(self._answer(message))
            finally:
                self._watchers.discard(changed)
                if watching is not None:
                    watching.cancel()

    async def _watch(self, connection: Connection[Any], changed: asyncio.Event) -> None:
        with contextlib.suppress(ChannelClosedError):
            while True:
                await changed.wait()
                changed.clear()
                await connection.send(self._view)

    def _answer(self, order: messages.ToLane) -> messages.Message:
        match order:
            case messages.StatusRequest():
                return self._status()
            case messages.OfficerPresent(officer) if _named(officer):
                self._post(OfficerSeen(officer))
                return messages.Answer(ok=True, reason="")
            case messages.Settle(crossing, officer, disposition) if _named(officer):
                return self._settle(crossing, officer, disposition)
            case messages.ReleaseLane(officer) if _named(officer):
                self._post(ReleaseOrdered(officer))
                return messages.Answer(ok=True, reason="")
            case messages.EndEmergency(officer) if _named(officer):
                if not isinstance(self._state(), machine.Emergency):
                    return messages.Answer(ok=False, reason="there is no emergency")
                self._post(EmergencyEnded(officer))
                return messages.Answer(ok=True, reason="")
            case _:
                return messages.Answer(ok=False, reason="an officer's name has 1 to 64 printable characters")

    def _settle(self, crossing: str, officer: str, disposition: str) -> messages.Answer:
        state = self._state()
        if disposition not in DISPOSITIONS:
            return messages.Answer(ok=False, reason=f"a disposition is one of {', '.join(sorted(DISPOSITIONS))}")
        if not isinstance(state, machine.Referred) or state.crossing != crossing:
            return messages.Answer(ok=False, reason="this crossing does not wait for an officer")
        self._post(Settled(crossing, officer, Disposition(disposition)))
        return messages.Answer(ok=True, reason="")


def _named(officer: str) -> bool:
    return 0 < len(officer) <= OFFICER_CHARACTERS_MAX and officer.isprintable()
