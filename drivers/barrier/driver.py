"""What the driver of every barrier board does, whatever its protocol: the line, turns, and orders that end one another.

One request is on the wire at a time; releasing and revoking go before grants, and these before polls. A revoke that comes while a grant is under way
ends it, and so does `withdraw`: it goes no further than the request on the wire. A status that was asked for before or during an order does not speak for
the time after it, nor for another line. Whoever sees LinkLostError or NotWellError connects anew; polling is the caller's: no task runs here.
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

LISTEN_STEP_S = 0.02  # how long somebody urgent may wait for who listens
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
        """Open the line anew, take the board over and, if `revoke`, revoke what may stand from before.

        Raises LinkLostError, NoReplyError, RefusedError, NotWellError (also while another board is heard) or, when the board can never work so, SetupError.
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
        """Ask the board. Raises LinkLostError, NotWellError, NoReplyError (also when the line is another one by then), or RefusedError."""
        orders, lines = self._orders, self._lines

        def still_wanted() -> None:
            if lines != self._lines:
                raise NoReplyError("the line was opened anew meanwhile")

        status = await self._converse(self._conversations.status(), urgency=Urgency.POLL, still_wanted=still_wanted)
        if orders == self._orders:
            self._note(status)
        return status

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
        """Take every grant back; in an emergency say nothing that closes. Raises LinkLostError, NotWellError, NoReplyError or RefusedError."""
        self.withdraw()
        with self._ordering():
            await self._insist(self._conversations.revoke(), urgency=Urgency.REVOKE)

    def withdraw(self) -> None:
        """Have every order under way but a release go no further than the request on the line: a grant that was not written never is."""
        self._withdrawals += 1

    async def release(self) -> None:
        """Open so that whoever is inside can leave. Waits for nothing but the reply, or the end of a pulse, that is on."""
        await self._converse(self._conversations.release(), urgency=Urgency.FREE)

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour, where there is a lamp."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """Clear those of these whose cause is gone, where the board can be told to."""
        await self._insist(self._conversations.clear_alarms(alarms), urgency=Urgency.POLL)

    async def end_emergency(self) -> None:
        """End an emergency whose cause is gone. Raises RefusedError while it lasts."""
        with self._ordering():
            await self._insist(self._conversations.end_emergency(), urgency=Urgency.REVOKE)

    def close(self) -> None:
        """Let the line go. The board ends what it granted by itself."""
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

    def _note(self, status: BarrierStatus) -> None:
        self._latest = status
        self._latest_at_s = asyncio.get_running_loop().time()

    async def _quiet(self, listen: Callable[[float], Awaitable[bool]], quiet_s: float) -> bool:
        """Listen until the line has been quiet for so long; False when it babbles on, or somebody waits who may not wait.

        `listen` hears whatever comes in so many seconds, and says whether anything did. For who holds the turn.
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
        """Let no status that was asked for before or during an order speak for the time after it."""
        try:
            self._orders += 1
            self._latest = None
            yield
        finally:
            self._orders += 1
            self._latest = None

    async def _insist(self, conversation: Generator[Request | Pause, Reply, None], *, urgency: Urgency) -> None:
        """Carry an order out that is written at least once, however soon it is withdrawn."""
        await self._converse(conversation, urgency=urgency, still_wanted=self._until_withdrawn(spared=1))

    def _until_withdrawn(self, *, spared: int) -> Callable[[], None]:
        """What is asked before each request of an order: RefusedError once it was withdrawn and so many were let through."""
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
        """Carry a conversation out, a turn for each request; `urgency` None means that the caller holds the turn.

        One that has nothing to say to this board is carried out on a line that is there, and only there.
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
