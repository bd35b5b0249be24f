"""The driver of every barrier board, for all protocols: the line, turns, and orders that end one another.

One request is on the wire at a time; releases and revokes come before grants, and grants before polls. A revoke or `withdraw` ends
a grant in progress after the request on the wire. A status requested before or during an order is not valid for the time after it,
nor for another line. After LinkLostError or NotWellError the caller connects again; the caller polls: no task runs here.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Collection, Generator, Iterator
from typing import Generic, Protocol, TypeVar

from drivers.barrier.orders import Pause, Turns, Urgency
from gate_core.errors import LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour

LISTEN_STEP_S = 0.02  # the longest wait of an urgent order for a listener
LISTEN_S_MAX = 2.0
QUIET_SHARE = 1.25  # of the time that a reply is waited for: the next late answer comes in it
STATUS_FRESH_S = 0.3  # an older status does not speak for the lane, so a grant asks again

Line = TypeVar("Line", bound="_Line")
Request = TypeVar("Request")
Reply = TypeVar("Reply")
Answer = TypeVar("Answer")
Asked_co = TypeVar("Asked_co", covariant=True)
Heard_contra = TypeVar("Heard_contra", contravariant=True)


class _Line(Protocol):
    def close(self) -> None: ...


class _Session(Protocol[Asked_co, Heard_contra]):
    """Conversations with a board for each of a lane's orders, and the meaning of its answers."""

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

    def __init__(self, session: _Session[Request, Reply], *, ttl_ms: range, has_lamp: bool = False) -> None:
        self._conversations = session
        self._takes_ms = ttl_ms
        self._line: Line | None = None
        self._lost = ""  # why there is no line
        # Seconds of the loop's clock (CLOCK_MONOTONIC) at which the last grant was handed to the line, or its contact closed.
        self.grant_written_at_s: float | None = None
        self.has_lamp = has_lamp
        self._turns = Turns()
        self._withdrawals = self._lines = self._orders = 0
        self._latest: BarrierStatus | None = None
        self._latest_at_s = 0.0

    async def connect(self, *, revoke: bool = True) -> None:
        """Open the line anew, take the board over and, if `revoke`, revoke earlier grants.

        Raises LinkLostError, NoReplyError, RefusedError, NotWellError (also while another board is heard) or, for an unusable board, SetupError.
        """
        self.close()
        async with self._turns.take(Urgency.REVOKE):
            self.withdraw()  # what waits belongs to the time before
            self._lines += 1
            try:
                self.close()  # another one connected while this one waited
                self._line, self._lost = await self._open(), ""
                await self._greet(revoke=revoke)
            except BaseException as error:
                self._lose(error)
                raise

    async def status(self) -> BarrierStatus:
        """Query the board. Raises LinkLostError, NotWellError, NoReplyError (also if the line has changed since), or RefusedError."""
        orders, lines = self._orders, self._lines

        def still_wanted() -> None:
            if lines != self._lines:
                raise NoReplyError("the line was opened anew meanwhile")

        status = await self._converse(self._conversations.status(), urgency=Urgency.POLL, still_wanted=still_wanted)
        if orders == self._orders:
            self._note(status)
        return status

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Admit one traveller within `ttl_ms`. If the board has no such parameter, the caller revokes the grant after that time.

        Raises RefusedError if a grant is outstanding, in an emergency, on a doubtful line, after a revoke, or if the board refuses;
        NotWellError if a contact does not close; NoReplyError if its result stays unknown (it was then revoked as far as the line
        allows). If it is cancelled or withdrawn midway, the grant may stand until the board ends it: revoke it.
        """
        if ttl_ms not in self._takes_ms:
            raise ValueError(
                f"time to live of {ttl_ms} ms is outside {self._takes_ms.start} to {self._takes_ms.stop - 1}"
            )
        still_wanted = self._until_withdrawn(spared=0)
        is_fresh = asyncio.get_running_loop().time() - self._latest_at_s <= STATUS_FRESH_S
        before = self._latest if is_fresh else None
        if before is None:
            asking = self._conversations.status()
            before = await self._converse(asking, urgency=Urgency.GRANT, still_wanted=still_wanted)
        with self._ordering():
            granting = self._conversations.grant(direction, ttl_ms, before=before)
            await self._converse(granting, urgency=Urgency.GRANT, still_wanted=still_wanted)

    async def revoke(self) -> None:
        """Take every grant back; in an emergency send nothing that closes. Raises LinkLostError, NotWellError, NoReplyError or RefusedError."""
        self.withdraw()
        with self._ordering():
            await self._insist(self._conversations.revoke(), urgency=Urgency.REVOKE)

    def withdraw(self) -> None:
        """Stop every order in progress, except a release, after the request on the line. A grant not written yet is never written."""
        self._withdrawals += 1

    async def release(self) -> None:
        """Open so that people inside can leave. Waits only for a current reply or the end of a current pulse."""
        await self._converse(self._conversations.release(), urgency=Urgency.FREE)

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, if there is a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these alarms whose cause has ended, if the board has such a command."""
        await self._insist(self._conversations.clear_alarms(alarms), urgency=Urgency.POLL)

    async def end_emergency(self) -> None:
        """End an emergency whose cause has ended. Raises RefusedError while it lasts."""
        with self._ordering():
            await self._insist(self._conversations.end_emergency(), urgency=Urgency.REVOKE)

    def close(self) -> None:
        """Close the line. The board ends its grants by itself."""
        self._latest = None
        if self._line is not None:
            self._line.close()
            self._line = None

    @abc.abstractmethod
    async def _open(self) -> Line:
        """Open the line."""

    async def _greet(self, *, revoke: bool) -> None:
        self._note(await self._converse(self._conversations.hello(revoke=revoke), urgency=None))

    def _lose(self, error: BaseException) -> None:
        """Close the line and store the reason for the next caller that did not see the error."""
        if self._line is not None:
            self._lost = f": {error}"
        self.close()

    def _require_line(self) -> Line:
        if self._line is None:
            raise LinkLostError(f"the barrier is not connected{self._lost}")
        return self._line

    @abc.abstractmethod
    async def _exchange(self, request: Request) -> Reply:
        """Send one request and wait for its result. Raises LinkLostError."""

    def _note(self, status: BarrierStatus) -> None:
        self._latest = status
        self._latest_at_s = asyncio.get_running_loop().time()

    async def _quiet(self, listen: Callable[[float], Awaitable[bool]], quiet_s: float) -> bool:
        """Listen until the line was quiet for this time; False if it stays noisy, or an urgent order waits.

        `listen` listens for a number of seconds and returns whether anything was heard. The caller must hold the turn.
        """
        clock = asyncio.get_running_loop().time
        until_s, end_s = clock() + quiet_s, clock() + LISTEN_S_MAX
        while clock() < until_s:
            if self._turns.is_urgent or clock() >= end_s:
                return False
            if await listen(min(LISTEN_STEP_S, until_s - clock())):
                until_s = clock() + quiet_s
        return True

    @contextlib.contextmanager
    def _ordering(self) -> Iterator[None]:
        """Invalidate every status that was requested before or during an order."""
        try:
            self._orders += 1
            self._latest = None
            yield
        finally:
            self._orders += 1
            self._latest = None

    async def _insist(self, conversation: Generator[Request | Pause, Reply, None], *, urgency: Urgency) -> None:
        """Carry out an order that is written at least once, even if it is withdrawn at once."""
        await self._converse(conversation, urgency=urgency, still_wanted=self._until_withdrawn(spared=1))

    def _until_withdrawn(self, *, spared: int) -> Callable[[], None]:
        """Return a check before each request of an order: RefusedError after it was withdrawn and `spared` requests were sent."""
        withdrawals, asked = self._withdrawals, itertools.count()

        def still_wanted() -> None:
            if next(asked) >= spared and withdrawals != self._withdrawals:
                raise RefusedError("withdrawn while it was under way")

        return still_wanted

    async def _converse(
        self,
        conversation: Generator[Request | Pause, Reply, Answer],
        *,
        urgency: Urgency | None,
        still_wanted: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Carry out a conversation, with a turn for each request; `urgency` None: the caller holds the turn.

        A conversation without a request still needs an open line.
        """
        is_mute = True
        try:
            request = next(conversation)
            while True:
                is_mute = False
                if isinstance(request, Pause):
                    await asyncio.sleep(request.seconds)
                    request = next(conversation)
                    continue
                if urgency is None:
                    reply = await self._exchange(request)
                else:
                    async with self._turns.take(urgency):
                        still_wanted()
                        reply = await self._exchange(request)
                request = conversation.send(reply)
        except StopIteration as end:
            if is_mute:
                self._require_line()
            answer: Answer = end.value
            return answer
        except (LinkLostError, NotWellError) as error:
            self._lose(error)
            raise
        finally:
            conversation.close()
