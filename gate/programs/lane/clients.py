"""The lane's ends of its channels to the log and to vision.

Both ask their peer for its status every second, and a peer that says nothing for `SILENCE_MAX_S` is gone: a program that
hangs is as lost as one that died.

`LogClient` numbers the appends and keeps what is owed: a record that the log refused and nobody waits for is written
again until it is taken; at `OWED_MAX` the oldest is dropped and the loss is itself recorded. Admissions never wait in
that queue: an awaited record that fails is answered with `NotRecorded` at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gate.channel import messages
from gate.channel.errors import ChannelClosedError, ChannelError
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS, Channel
from gate.passage.events import Event, NotRecorded, Part, PartBack, PartLost, Recorded, RecordKind
from gate.passage.records import Incident, IncidentKind, Record, crossing_of
from gate.programs.racing import first_of
from gate.programs.records import fields_of

OWED_MAX = 1_000
RETRY_S = 0.5
RECONNECT_S = 0.2
DRAIN_POLL_S = 0.01
PULSE_S = 1.0
SILENCE_MAX_S = 3.0

Post = Callable[[Event], None]
Incoming = TypeVar("Incoming")


async def _reach(channel: Channel[Any, Incoming], path: Path) -> Connection[Incoming]:
    """Connect and hear one status: for a hung program the kernel still accepts. Raises ChannelError."""
    connection = await connect(channel, path)
    try:
        await connection.send(messages.StatusRequest())
        await _next(connection)
    except BaseException:
        connection.close()
        raise
    return connection


async def _pulse(connection: Connection[Any]) -> None:
    while True:
        await connection.send(messages.StatusRequest())
        await asyncio.sleep(PULSE_S)


async def _next(connection: Connection[Incoming]) -> Incoming:
    """The peer's next message. Raises ChannelError, also for a peer that stays silent."""
    try:
        async with asyncio.timeout(SILENCE_MAX_S):
            return await connection.receive()
    except TimeoutError as error:
        raise ChannelClosedError("the peer is silent") from error


@dataclass(slots=True)
class _Entry:
    append: messages.Append
    awaited: bool


class LogClient:
    """Appends records over the log's socket. `run` keeps the connection; `append` never blocks."""

    def __init__(self, path: Path, *, post: Post, monotonic_ms: Callable[[], int]) -> None:
        self._path = path
        self._post = post
        self._monotonic_ms = monotonic_ms
        self._connection: Connection[messages.FromLog] | None = None
        self._seq = 0
        self._unsent: deque[_Entry] = deque()
        self._pending: dict[int, _Entry] = {}
        self._owed: deque[_Entry] = deque()
        self._dropped = 0
        self._wake = asyncio.Event()
        self._well = False

    @property
    def owed(self) -> int:
        """How many records wait for the log to take them."""
        return len(self._owed)

    def append(self, record: Record, *, awaited: bool) -> None:
        """Write a record. An awaited one is answered by a `Recorded` or `NotRecorded` event."""
        self._seq += 1
        entry = _Entry(
            messages.Append(self._seq, record.kind.value, crossing_of(record), self._monotonic_ms(), fields_of(record)),
            awaited,
        )
        if self._connection is None:
            self._refuse(entry)
            return
        self._unsent.append(entry)
        self._wake.set()

    def _refuse(self, entry: _Entry) -> None:
        append = entry.append
        if entry.awaited:
            self._post(NotRecorded(append.crossing or "", RecordKind(append.kind)))
            return
        if len(self._owed) >= OWED_MAX:
            self._owed.popleft()
            self._dropped += 1
        self._owed.append(entry)

    async def drain(self, deadline_s: float) -> None:
        """Wait until the log has answered everything, but no longer than the deadline."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + deadline_s
        while (self._unsent or self._pending or self._owed) and loop.time() < end_s:  # noqa: ASYNC110 - three queues
            await asyncio.sleep(DRAIN_POLL_S)

    async def open_crossings(self) -> tuple[str, ...]:
        """Ask, once connected, which crossings were opened and never closed. Raises ChannelError."""
        connection = await connect(CHANNELS.log, self._path)
        try:
            await connection.send(messages.OpenCrossingsRequest())
            answer = await connection.receive()
        finally:
            connection.close()
        if not isinstance(answer, messages.OpenCrossings):
            raise ChannelError("the log answered something else")
        return tuple(answer.crossings)

    async def run(self) -> None:
        """Keep the connection for ever."""
        while True:
            try:
                connection = await _reach(CHANNELS.log, self._path)
            except ChannelError:
                await asyncio.sleep(RECONNECT_S)
                continue
            self._connection = connection
            self._report(well=True)
            try:
                await first_of(self._send(connection), self._pay(), self._receive(connection), _pulse(connection))
            except ChannelError:
                pass
            finally:
                self._connection = None
                connection.close()
            self._report(well=False)
            for entry in (*self._pending.values(), *self._unsent):
                self._refuse(entry)
            self._pending.clear()
            self._unsent.clear()

    async def _send(self, connection: Connection[messages.FromLog]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unsent:
                entry = self._unsent.popleft()
                self._pending[entry.append.seq] = entry
                await connection.send(entry.append)

    async def _receive(self, connection: Connection[messages.FromLog]) -> None:
        while True:
            answer = await _next(connection)
            match answer:
                case messages.Recorded(seq=seq):
                    entry = self._pending.pop(seq, None)
                    if entry is not None and entry.awaited:
                        append = entry.append
                        self._post(Recorded(append.crossing or "", RecordKind(append.kind)))
                    self._report(well=True)
                    self._offer_owed()
                case messages.NotRecorded(seq=seq):
                    entry = self._pending.pop(seq, None)
                    self._report(well=False)
                    if entry is not None:
                        self._refuse(entry)
                case messages.OpenCrossings() | messages.Status():
                    pass

    async def _pay(self) -> None:
        """Offer what is owed again now and then; each one taken offers the next (`_receive`)."""
        while True:
            self._offer_owed()
            await asyncio.sleep(RETRY_S)

    def _offer_owed(self) -> None:
        """Oldest first and one at a time, so that a full disk is not hammered."""
        if not self._owed or self._pending or self._unsent:
            return
        self._unsent.append(self._owed.popleft())
        self._wake.set()
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            self.append(Incident(None, IncidentKind.RECORDS_LOST, lost), awaited=False)

    def _report(self, *, well: bool) -> None:
        if well is not self._well:
            self._well = well
            self._post(PartBack(Part.LOG) if well else PartLost(Part.LOG))


class VisionClient:
    """Talks to vision. `run` keeps the connection and hands every message to `on_message`; `send` never raises.

    `greeting` is the first message of each connection.
    """

    def __init__(
        self,
        path: Path,
        *,
        post: Post,
        on_message: Callable[[messages.FromVision], None],
        greeting: messages.ToVision | None = None,
    ) -> None:
        self._path = path
        self._greeting = greeting
        self._post = post
        self._on_message = on_message
        self._connection: Connection[messages.FromVision] | None = None
        self._outbox: asyncio.Queue[messages.ToVision] = asyncio.Queue(maxsize=64)

    def send(self, message: messages.ToVision) -> None:
        """Queue a message; without a connection it is dropped: `PartLost(VISION)` has told the lane already."""
        if self._connection is not None:
            with contextlib.suppress(asyncio.QueueFull):
                self._outbox.put_nowait(message)

    async def run(self) -> None:
        """Keep the connection for ever."""
        while True:
            try:
                connection = await _reach(CHANNELS.vision, self._path)
            except ChannelError:
                await asyncio.sleep(RECONNECT_S)
                continue
            self._connection = connection
            if self._greeting is not None:
                self.send(self._greeting)
            self._post(PartBack(Part.VISION))
            try:
                await first_of(self._send(connection), self._receive(connection), _pulse(connection))
            except ChannelError:
                pass
            finally:
                self._connection = None
                connection.close()
            while not self._outbox.empty():
                self._outbox.get_nowait()
            self._post(PartLost(Part.VISION))

    async def _send(self, connection: Connection[messages.FromVision]) -> None:
        while True:
            await connection.send(await self._outbox.get())

    async def _receive(self, connection: Connection[messages.FromVision]) -> None:
        while True:
            self._on_message(await _next(connection))
