"""What the barriers' drivers have in common: the port that a lane uses, as conversations of a session on a line.

Promises: one request on the line at a time; releasing and revoking go before grants, and these before polls; connecting leaves no grant behind; a
revoke that comes while a grant is under way ends it, and so does `withdraw`. Whoever sees LinkLostError or NotWellError connects anew.
Polling and reconnecting are the caller's: no task runs here.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Generator
from typing import Generic, Protocol, TypeVar

from drivers.barrier.orders import Orders, Pause, Urgency
from gate_core.errors import LinkLostError
from gate_core.evidence.evidence import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour

Line = TypeVar("Line", bound="_Line")
Request = TypeVar("Request")
Reply = TypeVar("Reply")
Asked_co = TypeVar("Asked_co", covariant=True)
Heard_contra = TypeVar("Heard_contra", contravariant=True)


class _Line(Protocol):
    def close(self) -> None: ...


class _Session(Protocol[Asked_co, Heard_contra]):
    """What is said to a board for each of a lane's orders, and what its answers mean."""

    def hello(self, *, revoke: bool) -> Generator[Asked_co | Pause, Heard_contra, BarrierStatus]: ...
    def status(self) -> Generator[Asked_co | Pause, Heard_contra, BarrierStatus]: ...
    def grant(
        self, direction: Direction, ttl_ms: int, *, before: BarrierStatus
    ) -> Generator[Asked_co | Pause, Heard_contra, None]: ...
    def revoke(self) -> Generator[Asked_co | Pause, Heard_contra, None]: ...
    def release(self) -> Generator[Asked_co | Pause, Heard_contra, None]: ...
    def clear_alarms(self, alarms: Collection[Alarm]) -> Generator[Asked_co | Pause, Heard_contra, None]: ...
    def end_emergency(self) -> Generator[Asked_co | Pause, Heard_contra, None]: ...


class Driver(abc.ABC, Generic[Line, Request, Reply]):
    """One board. All methods may be called from any task of one loop."""

    def __init__(self, session: _Session[Request, Reply], *, ttl_ms: range) -> None:
        self._conversations = session
        self._takes_ms = ttl_ms
        self._orders = Orders(self._exchange, require_line=self._require_line, lose=self._lose)
        self._line: Line | None = None
        self._lost = ""  # why there is no line
        self._grant_written_at_s: float | None = None

    @property
    def grant_written_at_s(self) -> float | None:
        """Seconds of the loop's clock (CLOCK_MONOTONIC) at which the last grant was handed to the line, or its contact closed."""
        return self._grant_written_at_s

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line anew, take the board over and, if `revoke`, revoke what may stand from before.

        Raises LinkLostError, NoReplyError, RefusedError, NotWellError (also while another board is heard) or, when the board can never work so, SetupError.
        """
        self.close()
        async with self._orders.connecting():
            self.close()  # another one connected while this one waited
            self._line, self._lost = await self._open(), ""
            await self._greet(revoke=revoke)

    async def status(self) -> BarrierStatus:
        """Ask the board. Raises LinkLostError, NotWellError, NoReplyError, or RefusedError."""
        return await self._orders.ask(self._conversations.status())

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Let one traveller through within `ttl_ms`; where the board cannot be told how long, the caller revokes the grant after it.

        Raises RefusedError when a grant is outstanding, in an emergency, on a doubtful line, after a revoke, or when the board says no; NotWellError
        when a contact does not close; NoReplyError when its fate stays unknown (it was then revoked as far as the line allows).
        Cancelled or withdrawn midway, the grant may stand until the board ends it: revoke it.
        """
        if ttl_ms not in self._takes_ms:
            raise ValueError(
                f"time to live of {ttl_ms} ms is outside {self._takes_ms.start} to {self._takes_ms.stop - 1}"
            )
        await self._orders.grant(
            self._conversations.status, lambda before: self._conversations.grant(direction, ttl_ms, before=before)
        )

    async def revoke(self) -> None:
        """Take every grant back; in an emergency say nothing that closes. Raises LinkLostError, NotWellError, NoReplyError or RefusedError."""
        self.withdraw()
        with self._orders.ordering():
            await self._orders.insist(self._conversations.revoke(), urgency=Urgency.REVOKE)

    def withdraw(self) -> None:
        """Have every order under way but a release go no further than the request on the line: a grant that was not written never is."""
        self._orders.withdraw()

    async def release(self) -> None:
        """Open so that whoever is inside can leave. Waits for nothing but the reply, or the end of a pulse, that is on."""
        await self._orders.converse(self._conversations.release(), urgency=Urgency.FREE)

    @property
    def has_lamp(self) -> bool:
        """True when the profile names a lamp."""
        return False

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, where there is a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these whose cause is gone, where the board can be told to."""
        await self._orders.insist(self._conversations.clear_alarms(alarms), urgency=Urgency.POLL)

    async def end_emergency(self) -> None:
        """End an emergency whose cause is gone. Raises RefusedError while it lasts."""
        with self._orders.ordering():
            await self._orders.insist(self._conversations.end_emergency(), urgency=Urgency.REVOKE)

    def close(self) -> None:
        """Let the line go. The board ends what it granted by itself."""
        self._orders.forget()
        if self._line is not None:
            self._line.close()
            self._line = None

    @abc.abstractmethod
    async def _open(self) -> Line:
        """Open the line."""

    async def _greet(self, *, revoke: bool) -> None:
        self._orders.note(await self._orders.converse(self._conversations.hello(revoke=revoke), urgency=None))

    def _lose(self, error: BaseException) -> None:
        """Let the line go and remember why: whoever asks next, and did not see it, hears of that."""
        if self._line is not None:
            self._lost = f": {error}"
        self.close()

    def _require_line(self) -> Line:
        if self._line is None:
            raise LinkLostError(f"the barrier is not connected{self._lost}")
        return self._line

    @abc.abstractmethod
    async def _exchange(self, request: Request) -> Reply:
        """Send one request and wait for what comes of it. Raises LinkLostError."""
