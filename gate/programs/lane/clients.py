"""The lane's clients of log and vision. Each requests a status every second; SILENCE_MAX_S without an answer is a loss.

`LogClient` posts only what is certain: `Recorded` is in the log, `NotRecorded` is not and never will be. If the log is
lost before either is known, only `PartLost(Part.LOG)` is posted. A repeated receipt closes the connection. The log is
back when its status, requested after the last refusal, says that it takes records that lead to an admission.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from gate.channel import log_messages, vision_messages
from gate.channel.errors import ChannelClosedError, ChannelError, StrangerError
from gate.channel.message import Message, Status, StatusRequest
from gate.channel.row import Channel
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.events import Event, HeadSeen, Part, PartBack, PartLost, RecordReplaced
from gate.passage.records import Record
from gate.programs.lane.record_outbox import Answer, Outcome, RecordOutbox
from gate.programs.lane.records import Profile, Remembered
from gate.programs.shared.aligned_timer import beat
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.program_status import LogHead, LogTimes
from gate_core.programs import clock
from gate_core.programs.reconnect import Backoff, keep
from gate_core.programs.task_groups import run_until_first_exits

APPEND_ID_BYTES = 16
RETRY_S = 0.5
WAIT_S = 0.2
RECONNECT_S = 0.2
DRAIN_POLL_S = 0.01
PULSE_S = 1.0
SILENCE_MAX_S = 3.0

log = logging.getLogger(__name__)

Post = Callable[[Event], None]
Incoming = TypeVar("Incoming", bound=Message)


class _Caller(Generic[Incoming]):
    """Connects to a program. Logs once if another user listens in its place, and once when that ends."""

    def __init__(self, channel: Channel[Any, Incoming], path: Path) -> None:
        self._channel = channel
        self._path = path
        self._stranger = FaultLatch(
            log,
            begins="stranger_listens",
            ends="stranger_gone",
            level=logging.CRITICAL,
            each=False,
            about={"channel": channel.name},
        )

    async def reach(self) -> Connection[Incoming]:
        """Connect and receive one status, since the kernel accepts even if the program hangs. Raises ChannelError."""
        try:
            connection = await connect(self._channel, self._path)
        except ChannelError as error:
            self._stranger.is_now(error if isinstance(error, StrangerError) else "")
            raise
        self._stranger.is_now("")
        try:
            await connection.send(StatusRequest())
            await _next(connection)
        except BaseException:
            connection.close()
            raise
        return connection


async def _pulse(connection: Connection[Any]) -> None:
    while True:
        await connection.send(StatusRequest())
        await beat(PULSE_S)


async def _next(connection: Connection[Incoming]) -> Incoming:
    """Return the peer's next message. Raises ChannelError, also if the peer is silent."""
    try:
        async with asyncio.timeout(SILENCE_MAX_S):
            return await connection.receive()
    except TimeoutError as error:
        raise ChannelClosedError("the peer is silent") from error


async def left_behind(path: Path) -> log_messages.OpenCrossings:
    """Return what the lane's last run left in the log. Waits for the log: no crossing starts before they are closed."""
    while True:
        with contextlib.suppress(ChannelError):
            connection = await connect(CHANNELS.log, path)
            try:
                await connection.send(log_messages.OpenCrossingsRequest())
                if isinstance(answer := await connection.receive(), log_messages.OpenCrossings):
                    return answer
            finally:
                connection.close()
        await asyncio.sleep(WAIT_S)


class LogClient:
    """Appends records over the log's socket. `run` keeps the connection; `append` never blocks."""

    def __init__(
        self,
        path: Path,
        *,
        post: Post,
        monotonic_ms: Callable[[], int],
        remembered: Remembered | None = None,
        profile: Profile = "full",
    ) -> None:
        self._caller = _Caller(CHANNELS.log, path)
        self._post = post
        self._monotonic_ms = monotonic_ms
        self._connection: Connection[log_messages.FromLog] | None = None
        self._queue = RecordOutbox(lambda: secrets.token_bytes(APPEND_ID_BYTES), remembered, profile)
        self._outcomes: asyncio.Queue[log_messages.Appended] = asyncio.Queue()
        self._offering = False  # an append has no answer yet
        self._wake = asyncio.Event()
        self._well = False
        self.times = LogTimes()  # from the log's last status
        # Numbers of statuses: requested, received, and requested at the last refusal.
        self._asked = self._heard = self._doubted_asked = 0

    @classmethod
    def of(cls, config: Config, *, post: Post, remembered: Remembered) -> LogClient:
        """Build the client of the configured log, with the machine's clock."""
        path, profile = config.socket("log"), config.audit.profile
        return cls(path, post=post, monotonic_ms=clock.monotonic_ms, remembered=remembered, profile=profile)

    @property
    def owed(self) -> int:
        """The number of records that the log has not taken yet."""
        return len(self._queue)

    def append(self, record: Record, *, awaited: bool) -> None:
        """Queue a record. An awaited one is answered by a `Recorded` or `NotRecorded` event, or by the log's loss."""
        reachable = self._connection is not None
        self._tell(self._queue.add(record, self._monotonic_ms(), awaited=awaited, reachable=reachable))
        self._wake.set()

    def forget_hit(self, handle: str) -> None:
        """Tell the log, with a later record, to forget a hit whose owner was informed."""
        self._queue.forget_hit(handle)

    async def drain(self, deadline_s: float) -> None:
        """Wait until the log has answered everything, at most `deadline_s`."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + deadline_s
        while self._queue and loop.time() < end_s:  # noqa: ASYNC110 - only at the program's end
            await asyncio.sleep(DRAIN_POLL_S)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        await keep(self._converse, ending=ChannelError, lost=self._lose, backoff=Backoff(RECONNECT_S))

    async def _converse(self) -> None:
        """Serve one connection until it is lost. Raises ChannelError."""
        connection = await self._caller.reach()
        self._connection = connection
        self._outcomes, self._offering = asyncio.Queue(), False
        self._asked = self._heard = self._doubted_asked = 0
        self._wake.set()
        try:
            await run_until_first_exits(self._send(connection), self._receive(connection), self._ask(connection))
        finally:
            self._connection = None
            connection.close()

    async def _lose(self, _: ChannelError) -> None:
        self._report(well=False)
        self._tell(self._queue.hang_up())

    async def _send(self, connection: Connection[log_messages.FromLog]) -> None:
        """Offer waiting records; the next ones only when the outcome is known, to keep their sequence in the log."""
        while True:
            self._wake.clear()
            offered = self._queue.offer(self._monotonic_ms(), has_room=self._well)
            if not offered:
                await self._wake.wait()
                continue
            self._offering = True
            await connection.send(log_messages.Append(offered))
            outcomes = (await self._outcomes.get()).outcomes
            try:
                answers = self._queue.settle(outcomes)
            except ValueError as error:
                raise ChannelError("the log answered for other records") from error
            self._tell(answers)
            if not all(map(_is_settled, outcomes)):
                self._doubted_asked = self._asked
                self._report(well=False)
                # A new record is offered at once, with the refused ones; otherwise pause, for a full disk.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._wake.wait()

    async def _ask(self, connection: Connection[log_messages.FromLog]) -> None:
        while True:
            self._asked += 1
            await connection.send(StatusRequest())
            await beat(PULSE_S)

    async def _receive(self, connection: Connection[log_messages.FromLog]) -> None:
        while True:
            answer = await _next(connection)
            match answer:
                case log_messages.Appended():
                    if not self._offering:  # it would count as the answer to the next append
                        raise ChannelError("the log answered what it was not asked")
                    self._offering = False
                    self._outcomes.put_nowait(answer)
                case Status(detail=detail):
                    self._heard += 1
                    if self._heard > self._doubted_asked:  # otherwise it was requested before the refusal
                        self._report(well=detail.get("takes_admissions") is not False)
                    with contextlib.suppress(msgspec.ValidationError):  # an invalid head is ignored
                        head = msgspec.convert(detail.get("head"), LogHead)
                        self._post(HeadSeen(head.state, head.entries, head.root, head.age_s))
                    with contextlib.suppress(msgspec.ValidationError):
                        self.times = msgspec.convert(detail.get("times"), LogTimes)
                case log_messages.OpenCrossings():
                    pass

    def _tell(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if isinstance(answer, RecordReplaced):
                log.critical("record_refused", extra={"kind": answer.kind.value, "crossing": answer.crossing})
            self._post(answer)

    def _report(self, *, well: bool) -> None:
        """Post a change of the log's state. Only its status, that it takes admissions, proves that it works."""
        if well is not self._well:
            self._well = well
            self._wake.set()
            self._post(PartBack(Part.LOG) if well else PartLost(Part.LOG))


def _is_settled(outcome: Outcome) -> bool:
    """False if the log has a fault. A record refused for good is no fault of the log."""
    return isinstance(outcome, log_messages.Recorded) or (
        isinstance(outcome, log_messages.NotRecorded) and not outcome.again
    )


class VisionClient:
    """Connection to vision. `run` keeps it, and sends `greeting` first; `send` never raises."""

    def __init__(
        self,
        path: Path,
        *,
        post: Post,
        on_message: Callable[[vision_messages.FromVision], None],
        greeting: vision_messages.ToVision | None = None,
    ) -> None:
        self._caller = _Caller(CHANNELS.vision, path)
        self._greeting = greeting
        self._post = post
        self._on_message = on_message
        self._connection: Connection[vision_messages.FromVision] | None = None
        self._outbox: asyncio.Queue[vision_messages.ToVision] = asyncio.Queue(maxsize=64)

    def send(self, message: vision_messages.ToVision) -> None:
        """Queue a message. Drops it without a connection: the lane already got `PartLost(VISION)`."""
        if self._connection is not None:
            with contextlib.suppress(asyncio.QueueFull):
                self._outbox.put_nowait(message)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        await keep(self._converse, ending=ChannelError, lost=self._lose, backoff=Backoff(RECONNECT_S))

    async def _converse(self) -> None:
        """Serve one connection until it is lost. Raises ChannelError."""
        self._connection = connection = await self._caller.reach()
        if self._greeting is not None:
            self.send(self._greeting)
        self._post(PartBack(Part.VISION))
        try:
            await run_until_first_exits(self._send(connection), self._receive(connection), _pulse(connection))
        finally:
            connection.close()

    async def _lose(self, _: ChannelError) -> None:
        if self._connection is None:
            return  # it was already lost
        self._connection = None
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._post(PartLost(Part.VISION))

    async def _send(self, connection: Connection[vision_messages.FromVision]) -> None:
        while True:
            await connection.send(await self._outbox.get())

    async def _receive(self, connection: Connection[vision_messages.FromVision]) -> None:
        while True:
            self._on_message(await _next(connection))
