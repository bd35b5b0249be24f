"""How the conversations of a barrier's session are carried out on one line: a turn for each request, the urgent ones first.

Promises: one request on the wire at a time; a conversation that was withdrawn goes no further than the request on the
wire; a status that was asked for before or during an order does not speak for the time after it, nor for another line
than it was asked for on. A lost or unwell line is closed. What a request is and how it is exchanged is the protocol's:
a driver gives `exchange`, `require_line`, which raises LinkLostError while there is none, and `lose`, which lets it go.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gate_core.errors import LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.ports.values import BarrierStatus

LISTEN_STEP_S = 0.02  # how long somebody urgent may wait for who listens
LISTEN_S_MAX = 2.0
QUIET_SHARE = 1.25  # of the time that a reply is waited for: the next late answer comes in it
STATUS_FRESH_S = 0.3  # an older status does not speak for the lane, so a grant asks again
Request = TypeVar("Request")
Reply = TypeVar("Reply")
Answer = TypeVar("Answer")


class Urgency(enum.IntEnum):
    """The order of service, most urgent first."""

    FREE = 0  # a person wants out
    REVOKE = 1
    GRANT = 2
    POLL = 3


class GrantFate(enum.Enum):
    """What became of a grant whose answer was lost, as a status tells."""

    STANDS = enum.auto()
    NEVER_ARRIVED = enum.auto()
    UNSURE = enum.auto()


class Turns:
    """Hands out turns. For one event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._order = itertools.count()
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []

    @contextlib.asynccontextmanager
    async def take(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Never waits behind the less urgent, except for the one who speaks now; cancelled, it leaves the line to others."""
        if self._taken:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, next(self._order), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._end()  # the turn came in the same moment
                raise
        self._taken = True
        try:
            yield
        finally:
            self._end()

    @property
    def is_urgent(self) -> bool:
        """Somebody waits who takes permission away, or frees a person."""
        return any(urgency <= Urgency.REVOKE and not turn.done() for urgency, _, turn in self._waiting)

    def _end(self) -> None:
        """Give the turn to the next waiter; it stays taken in between, so nobody slips in."""
        self._taken = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)
                return


@dataclass(frozen=True, slots=True)
class Pause:
    """Of a conversation: let so many seconds pass; the line is others' meanwhile."""

    seconds: float


class Orders(Generic[Request, Reply]):
    """The orders of one line. For one event loop."""

    def __init__(
        self,
        exchange: Callable[[Request], Awaitable[Reply]],
        *,
        require_line: Callable[[], object],
        lose: Callable[[BaseException], None],
    ) -> None:
        self._exchange = exchange
        self._require_line = require_line
        self._lose = lose
        self._turns = Turns()
        self._withdrawals = 0
        self._lines = 0
        self._orders = 0
        self._latest: BarrierStatus | None = None
        self._latest_at_s = 0.0

    def withdraw(self) -> None:
        """Have every order under way that can be withdrawn go no further than the request on the wire."""
        self._withdrawals += 1

    def forget(self) -> None:
        """No status is known any more."""
        self._latest = None

    def note(self, status: BarrierStatus) -> None:
        """This is how it is now."""
        self._latest = status
        self._latest_at_s = asyncio.get_running_loop().time()

    async def quiet(self, listen: Callable[[float], Awaitable[bool]], quiet_s: float) -> bool:
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

    @property
    def fresh(self) -> BarrierStatus | None:
        """A status that speaks for the lane now."""
        age_s = asyncio.get_running_loop().time() - self._latest_at_s
        return self._latest if age_s <= STATUS_FRESH_S else None

    @contextlib.asynccontextmanager
    async def connecting(self) -> AsyncIterator[None]:
        """Hold the line against all others, for `converse` with no urgency; what waits belongs to the time before."""
        async with self._turns.take(Urgency.REVOKE):
            self.withdraw()
            self._lines += 1
            try:
                yield
            except BaseException as error:
                self._lose(error)
                raise

    async def ask(self, conversation: Generator[Request | Pause, Reply, BarrierStatus]) -> BarrierStatus:
        """Ask for a status, and remember it unless an order came meanwhile. Raises NoReplyError when the line is another one by then."""
        orders, lines = self._orders, self._lines

        def still_wanted() -> None:
            if lines != self._lines:
                raise NoReplyError("the line was opened anew meanwhile")

        status = await self.converse(conversation, urgency=Urgency.POLL, still_wanted=still_wanted)
        if orders == self._orders:
            self.note(status)
        return status

    @contextlib.contextmanager
    def ordering(self) -> Iterator[None]:
        """Let no status that was asked for before or during an order speak for the time after it."""
        try:
            self._orders += 1
            self._latest = None
            yield
        finally:
            self._orders += 1
            self._latest = None

    async def grant(
        self,
        status: Callable[[], Generator[Request | Pause, Reply, BarrierStatus]],
        grant: Callable[[BarrierStatus], Generator[Request | Pause, Reply, None]],
    ) -> None:
        """Carry a grant out, on a status that speaks for the lane now; once it is withdrawn nothing more of it is written."""
        still_wanted = self.until_withdrawn(spared=0)
        before = self.fresh
        if before is None:
            before = await self.converse(status(), urgency=Urgency.GRANT, still_wanted=still_wanted)
        with self.ordering():
            await self.converse(grant(before), urgency=Urgency.GRANT, still_wanted=still_wanted)

    async def insist(self, conversation: Generator[Request | Pause, Reply, None], *, urgency: Urgency) -> None:
        """Carry an order out that is written at least once, however soon it is withdrawn."""
        await self.converse(conversation, urgency=urgency, still_wanted=self.until_withdrawn(spared=1))

    def until_withdrawn(self, *, spared: int) -> Callable[[], None]:
        """What is asked before each request of an order: RefusedError once it was withdrawn and so many were let through."""
        withdrawals, asked = self._withdrawals, itertools.count()

        def still_wanted() -> None:
            if next(asked) >= spared and withdrawals != self._withdrawals:
                raise RefusedError("withdrawn while it was under way")

        return still_wanted

    async def converse(
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
