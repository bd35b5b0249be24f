"""The line to a walked lane's board, as the driver's port: orders take their time, arrive or not, and are answered or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from fakes.walked_board import Board, Line

from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour

ORDER_S = 0.008
SILENCE_S = 0.25


class BoardDriver:
    """The driver's port over the board."""

    has_lamp = True

    def __init__(self, board: Board) -> None:
        self.board = board
        self.grant_written_at_s: float | None = None
        self._connected = False
        self._revokes = 0

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line and revoke what may stand from before, if `revoke`."""
        self._connected = False
        self._revokes += 1
        await self._carried(self._hello if revoke else None)
        self._connected = True

    def _hello(self) -> None:
        if not self.board.emergency:
            self.board.take_revoke()

    async def status(self) -> BarrierStatus:
        """Ask the board."""
        self._require_line()
        await self._carried(None)
        return self.board.status_now()

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Grant an entry, unless it is revoked on the way."""
        assert direction is Direction.ENTRY
        self._require_line()
        revokes = self._revokes
        self.grant_written_at_s = self.board.clock()

        def take() -> None:
            if revokes != self._revokes:
                raise RefusedError("revoked while the grant was under way")
            self.board.take_grant(ttl_ms)

        await self._carried(take)

    async def revoke(self) -> None:
        """Take grants back; in an emergency say nothing."""
        self._revokes += 1
        self._require_line()
        await self._carried(self.board.take_revoke)

    async def release(self) -> None:
        """Free whoever is inside."""
        self._require_line()
        await self._carried(self.board.take_release)

    def withdraw(self) -> None:
        """Have an order under way go no further; one that is on the wire already may arrive."""
        if self.board.rng.random() < 0.5:
            self._revokes += 1

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour."""
        self._require_line()
        await self._carried(None)
        self.board.lamp_shown = colour

    async def clear_alarms(self, alarms: Iterable[Alarm]) -> None:
        """Clear alarms."""
        self._require_line()
        await self._carried(lambda: self.board.take_clearing(frozenset(alarms)))

    async def check(self) -> str:
        """Nobody asks."""
        raise NotImplementedError

    def describe(self) -> dict[str, int]:
        """The line is sound."""
        return {}

    async def end_emergency(self) -> None:
        """End the emergency."""
        self._require_line()
        await self._carried(self.board.take_end)

    def close(self) -> None:
        """Let the line go."""
        self._connected = False

    def _require_line(self) -> None:
        if not self._connected:
            raise LinkLostError("the line is not open")

    async def _carried(self, act: Callable[[], None] | None) -> None:
        """Carry one request to the board and its answer back."""
        board = self.board
        if board.line is Line.CUT:
            raise LinkLostError("the cable is out")
        if board.line is Line.SILENT:
            await asyncio.sleep(SILENCE_S)
            if act is not None and board.rng.random() < 0.5:
                act()
            raise NoReplyError("no answer")
        await asyncio.sleep(ORDER_S)
        if board.line is Line.BUSY:
            raise RefusedError("busy")
        board.hears()
        if act is not None:
            act()
