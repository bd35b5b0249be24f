"""Unix sockets with messages: a 4-byte big-endian length, then MessagePack. Limits and peers come from the channel's row.

Both ends check each other by SO_PEERCRED. For any received bytes, `receive` returns a message of the union or raises a ChannelError.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from gate.channel.errors import BadMessageError, ChannelClosedError, ChannelError
from gate.channel.message import Message
from gate.channel.place import listening
from gate.channel.row import (
    LENGTH,
    Channel,
    Peer,
    ToCaller,
    ToListener,
    Users,
    decoded,
    expect_listener,
    no_right,
    peer_of,
)
from gate_core.rate_limit import Bucket, Buckets, Rate

BYTES_MAX = 64 * 1024
CHILD_BYTES_MAX = 4 * 1024 * 1024  # a child's reports until it is prepared, such as its lists; then BYTES_MAX
NO_DESCRIPTOR_PAUSE_S = 0.1
REPEATED_TOLD_EVERY_S = 10.0
BUSY_S = 1.0  # how long a caller waits for a place among those who wait to be let in
BUSY_PAUSE_S = 0.01
PERSONS_MAX = 16  # connections of all persons together, a channel
log = logging.getLogger(__name__)

PAIR: Channel[Any, Any] = Channel(
    name="pair",
    listener="",
    callers=(),
    purpose="a program and its own child",
    to_listener=None,
    to_caller=None,
    to_listener_rate=Rate(1_000, 2_000),
    to_caller_rate=Rate(1_000, 2_000),
)
Incoming = TypeVar("Incoming", bound=Message)
Attend = Callable[[socket.socket, Peer], Awaitable[None]]


class Connection(Generic[Incoming]):
    """One end of a channel. One task receives; any task may send."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        row: Channel[Any, Any],
        peer: Peer,
        caller: Bucket | None,
    ) -> None:
        self.peer = peer
        self._reader, self._writer = streams
        self._row = row
        self._takes_max = row.bytes_max
        self._bucket = caller or Bucket(row.to_caller_rate)
        self._quiet_s = None if caller is None else row.first_s  # until the first message has begun
        self._clock_s = asyncio.get_running_loop().time
        self._encode = msgspec.msgpack.Encoder().encode
        incoming = row.to_caller if caller is None else row.to_listener
        self._decoder: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(incoming)
        # What was sent is the kernel's, and `send` knows whether the peer reads.
        self._writer.transport.set_write_buffer_limits(0)

    @classmethod
    async def over(
        cls, end: socket.socket, row: Channel[Any, Any], caller: Bucket | None = None
    ) -> Connection[Incoming]:
        """Use a socket, which the connection owns from then on. `caller`: the caller's rate bucket, on the listener's side; None on the caller's."""
        peer = peer_of(end)
        return cls(await asyncio.open_unix_connection(sock=end, limit=row.bytes_max), row, peer, caller)

    async def send(self, message: Message) -> None:
        """Send one message. Raises ChannelClosedError, and ValueError for one that is too large to send."""
        body = self._encode(message)
        if len(body) > self._row.bytes_max:
            raise ValueError(f"{type(message).__name__} of {len(body)} bytes exceeds {self._row.bytes_max}")
        try:
            self._writer.write(LENGTH.pack(len(body)) + body)
            async with asyncio.timeout(self._row.read_s):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            self.close()
            raise ChannelClosedError("the peer is gone or does not read") from error

    async def receive(self) -> Incoming:
        """Wait for the next message. Raises ChannelClosedError and BadMessageError."""
        # A peer above its rate is not read; within it, all other tasks run first.
        await asyncio.sleep(self._bucket.wait_s(self._clock_s()))
        try:
            body = await self._body()
        except (asyncio.IncompleteReadError, OSError) as error:
            self.close()
            raise ChannelClosedError("the peer is gone") from error
        try:
            message = decoded(self._decoder, body)
        except BadMessageError:
            self.close()
            raise
        self._bucket.take(self._clock_s(), message.weight - 1)
        return message

    async def _body(self) -> bytes:
        try:
            async with asyncio.timeout(self._quiet_s):
                begun = await self._reader.readexactly(1)
        except TimeoutError as error:
            self.close()
            raise BadMessageError(f"nothing was said for {self._quiet_s} s") from error
        self._quiet_s = None
        self._bucket.take(self._clock_s())  # whatever the result
        try:
            async with asyncio.timeout(self._row.complete_s):
                (length,) = LENGTH.unpack(begun + await self._reader.readexactly(LENGTH.size - 1))
                if length > self._takes_max:
                    self.close()
                    raise BadMessageError(f"a message of {length} bytes exceeds {self._takes_max}")
                return await self._reader.readexactly(length)
        except TimeoutError as error:
            self.close()
            raise BadMessageError(f"a message was not complete in {self._row.complete_s} s") from error

    def take_no_more_than(self, bytes_max: int) -> None:
        """Limit received messages to this size from the next one on; sent ones may be longer."""
        self._takes_max = min(self._takes_max, bytes_max)

    async def __aiter__(self) -> AsyncIterator[Incoming]:
        """Messages until the peer is gone; a broken protocol still raises."""
        while True:
            try:
                message = await self.receive()
            except ChannelClosedError:
                return
            yield message

    def close(self) -> None:
        """Close the connection. Unread data is dropped, so that no descriptor waits for the peer."""
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        else:
            self._writer.close()


async def adopt(end: socket.socket, *, incoming: Any, bytes_max: int = BYTES_MAX) -> Connection[Any]:  # noqa: ANN401
    """Use one end of a socket pair, as a program and its own child do. The connection owns `end`."""
    return await Connection.over(end, replace(PAIR, bytes_max=bytes_max, to_caller=incoming))


async def reach(channel: Channel[Any, Any], path: Path, *, users: Users | None = None) -> socket.socket:
    """Return a raw connection to this channel's listener. Raises ChannelClosedError without one, StrangerError for
    another program, NotPermittedError if this user may not connect.
    """
    users = users or Users.here(channel)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.setblocking(False)
        await _dial(end, path)
        expect_listener(channel, users, peer_of(end))
    except PermissionError as error:
        end.close()
        raise no_right(channel, users, path) from error
    except OSError as error:
        end.close()
        raise ChannelClosedError(f"nobody listens on {path.name}") from error
    except BaseException:
        end.close()
        raise
    return end


async def _dial(end: socket.socket, path: Path) -> None:
    """Connect; a Unix socket does this at once or not at all. Raises OSError."""
    clock_s = asyncio.get_running_loop().time
    until_s = clock_s() + BUSY_S
    while True:
        try:
            end.connect(str(path))
        except BlockingIOError:  # a crowd waits there to be let in
            if clock_s() > until_s:
                raise
            await asyncio.sleep(BUSY_PAUSE_S)
        else:
            return


async def connect(
    channel: Channel[ToListener, ToCaller], path: Path, *, users: Users | None = None
) -> Connection[ToCaller]:
    """Connect to a program's socket. Raises as `reach`."""
    return await Connection.over(await reach(channel, path, users=users), channel)


@contextlib.asynccontextmanager
async def listen(
    channel: Channel[Any, Any], path: Path, handler: Attend, *, users: Users | None = None
) -> AsyncIterator[None]:
    """Listen on `path` and run `handler` for each raw connection, which ends with it. Raises NoPlaceError.

    A peer that the table does not permit, or that has its maximum of connections, is disconnected. A handler that ends
    with a ChannelError ends only its own connection.
    """
    users = users or Users.here(channel)
    # Where one user runs everything, no group is let in; and there may be one that this user's namespace does not know.
    with listening(path, group=users.groups.get(channel.group) if users.in_service else None) as listener:
        porter = _Porter(channel, users, handler)
        accepting = asyncio.ensure_future(porter.accept(listener))
        try:
            yield
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            await porter.end()


@contextlib.asynccontextmanager
async def serve(
    channel: Channel[ToListener, ToCaller],
    path: Path,
    handler: Callable[[Connection[ToListener]], Awaitable[None]],
    *,
    users: Users | None = None,
) -> AsyncIterator[None]:
    """Listen on `path` and run `handler` for each connection, as `listen` does. A handler ends with its connection."""
    buckets = Buckets(channel.to_listener_rate)

    async def attend(end: socket.socket, peer: Peer) -> None:
        caller = buckets.of(peer.uid, asyncio.get_running_loop().time())
        connection: Connection[ToListener] = await Connection.over(end, channel, caller)
        try:
            await handler(connection)
        finally:
            connection.close()

    async with listen(channel, path, attend, users=users):
        yield


@dataclass(slots=True)
class Turnstile:
    """Counts each caller's connections, by user and by process, so that no caller can use up another's.

    A program's connections are reserved for it. Persons share `PERSONS_MAX`, because there may be any number of users among them.
    """

    channel: Channel[Any, Any]
    _of_user: Counter[int] = field(default_factory=Counter)
    _of_process: Counter[tuple[int, int]] = field(default_factory=Counter)
    _persons: int = 0

    def enter(self, uid: int, pid: int, *, person: bool) -> bool:
        """Count one more connection; False if the caller has its maximum."""
        of_program = 0 if person else self.channel.connections_a_program
        if (
            self._of_user[uid] >= (of_program or self.channel.connections_a_user)
            or self._of_process[uid, pid] >= (of_program or self.channel.connections_a_process)
            or (person and self._persons >= PERSONS_MAX)
        ):
            return False
        self._of_user[uid] += 1
        self._of_process[uid, pid] += 1
        self._persons += person
        return True

    def leave(self, uid: int, pid: int, *, person: bool) -> None:
        """Count one connection less."""
        self._of_user -= Counter({uid: 1})
        self._of_process -= Counter({(uid, pid): 1})
        self._persons -= person


class Repeated:
    """Counts others' errors and logs them at intervals, so that they cannot fill the journal."""

    def __init__(self, log: logging.Logger, event: str, **about: str) -> None:
        self._log, self._event, self._about = log, event, about
        self._count, self._told_s = 0, float("-inf")

    def note(self, **more: str | int) -> None:
        """Count one error."""
        self._count += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_s >= REPEATED_TOLD_EVERY_S:
            self._log.warning(self._event, extra={"count": self._count, **self._about, **more})
            self._count, self._told_s = 0, now_s


class _Porter:
    """Accepts callers one at a time, so that many of them do not keep the program from its work."""

    def __init__(self, channel: Channel[Any, Any], users: Users, handler: Attend) -> None:
        self._channel = channel
        self._users = users
        self._handler = handler
        self._turnstile = Turnstile(channel)
        self._inside: set[asyncio.Task[None]] = set()
        self._broken = Repeated(log, "protocol_broken", channel=channel.name)
        self._refused = Repeated(log, "callers_refused", channel=channel.name)

    async def accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                end, _ = await loop.sock_accept(listener)
            except OSError:  # out of descriptors, or the caller has gone again
                await asyncio.sleep(NO_DESCRIPTOR_PAUSE_S)
                continue
            self._let_in(end)
            await asyncio.sleep(0)

    def _let_in(self, end: socket.socket) -> None:
        peer = peer_of(end)
        if not self._users.may_call(self._channel, peer):
            end.close()
            self._refused.note(uid=peer.uid, pid=peer.pid)
            return
        person = peer.uid not in self._users.programs.values()
        if not self._turnstile.enter(peer.uid, peer.pid, person=person):
            end.close()
            return
        task = asyncio.ensure_future(self._attend(end, peer))
        self._inside.add(task)

        def left(task: asyncio.Task[None]) -> None:
            self._inside.discard(task)
            self._turnstile.leave(peer.uid, peer.pid, person=person)

        task.add_done_callback(left)

    async def _attend(self, end: socket.socket, peer: Peer) -> None:
        try:
            await self._handler(end, peer)
        except* BadMessageError as errors:
            error: BaseException = errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            self._broken.note(uid=peer.uid, pid=peer.pid, reason=str(error))
        except* ChannelError:
            pass  # alone or in a group: the peer is gone, and its connection is over
        finally:
            end.close()

    async def end(self) -> None:
        ending = tuple(self._inside)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports let their sockets go in the loop's next turn
