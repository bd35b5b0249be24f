"""Unix sockets that carry `gate.channel.messages`: a 4-byte big-endian length, then MessagePack.

A peer is known by its credentials (SO_PEERCRED), a message by its union, and both sizes and waits are limited: a
message over `bytes_max` or a peer that does not read for `send_deadline_s` ends the connection.

ChannelError
├── ChannelClosedError   the peer is gone: reconnect
└── BadMessageError      the peer broke the protocol: hang up
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from gate.channel.messages import Message

BYTES_MAX = 64 * 1024
PICTURE_BYTES_MAX = 4 * 1024 * 1024  # channels that carry portraits
SEND_DEADLINE_S = 2.0
_LENGTH = struct.Struct(">I")

Incoming = TypeVar("Incoming")


class ChannelError(Exception):
    """Any failure of a channel between our programs."""


class ChannelClosedError(ChannelError):
    """The peer is gone, or does not read."""


class BadMessageError(ChannelError):
    """The peer sent what its direction does not allow."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int
    gid: int


class Connection(Generic[Incoming]):
    """One end of a channel. One task receives; any task may send."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        incoming: Any,  # noqa: ANN401 - a union of message types is no type object
        bytes_max: int,
        peer: Peer,
    ) -> None:
        self.peer = peer
        self._reader = reader
        self._writer = writer
        self._bytes_max = bytes_max
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(incoming)

    async def send(self, message: Message) -> None:
        """Send one message. Raises ChannelClosedError, and ValueError for one that is too large to send."""
        body = self._encode(message)
        if len(body) > self._bytes_max:
            raise ValueError(f"{type(message).__name__} of {len(body)} bytes exceeds {self._bytes_max}")
        try:
            self._writer.write(_LENGTH.pack(len(body)) + body)
            async with asyncio.timeout(SEND_DEADLINE_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            self.close()
            raise ChannelClosedError("the peer is gone or does not read") from error

    async def receive(self) -> Incoming:
        """Wait for the next message. Raises ChannelClosedError and BadMessageError."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > self._bytes_max:
                self.close()
                raise BadMessageError(f"a message of {length} bytes exceeds {self._bytes_max}")
            body = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            self.close()
            raise ChannelClosedError("the peer is gone") from error
        try:
            return self._decoder.decode(body)
        except msgspec.DecodeError as error:
            self.close()
            raise BadMessageError(f"not a message of this channel: {error}") from error

    async def __aiter__(self) -> AsyncIterator[Incoming]:
        """Messages until the peer is gone; a broken protocol still raises."""
        while True:
            try:
                message = await self.receive()
            except ChannelClosedError:
                return
            yield message

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _peer_of(writer: asyncio.StreamWriter) -> Peer:
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return Peer(*struct.unpack("3i", raw))


async def connect(path: Path, *, incoming: Any, bytes_max: int = BYTES_MAX) -> Connection[Any]:  # noqa: ANN401
    """Connect to a program's socket. Raises ChannelClosedError when nobody listens."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=bytes_max)
    except OSError as error:
        raise ChannelClosedError(f"nobody listens on {path.name}") from error
    return Connection(reader, writer, incoming=incoming, bytes_max=bytes_max, peer=_peer_of(writer))


def _unlink_socket(path: Path) -> None:
    """Remove the socket that an earlier run left; anything else at that path stays and makes the bind fail."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()


async def adopt(end: socket.socket, *, incoming: Any, bytes_max: int = BYTES_MAX) -> Connection[Any]:  # noqa: ANN401
    """Talk over one end of a socket pair, as a program and its own child do. The connection owns `end`."""
    reader, writer = await asyncio.open_unix_connection(sock=end, limit=bytes_max)
    return Connection(reader, writer, incoming=incoming, bytes_max=bytes_max, peer=_peer_of(writer))


@contextlib.asynccontextmanager
async def serve(
    path: Path,
    handler: Callable[[Connection[Any]], Awaitable[None]],
    *,
    incoming: Any,  # noqa: ANN401
    uids: frozenset[int] | None = None,
    bytes_max: int = BYTES_MAX,
    connections_max: int = 16,
) -> AsyncIterator[None]:
    """Listen on `path` (mode 0660, its directory decides who gets in) and run `handler` a connection.

    A peer whose uid is not in `uids` (default: our own and root) is hung up on, and so is one too many. A handler ends
    with its connection; a protocol error ends the connection, never the server.
    """
    allowed = uids if uids is not None else frozenset({os.geteuid(), 0})
    live: set[asyncio.Task[None]] = set()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _peer_of(writer)
        if peer.uid not in allowed or len(live) >= connections_max:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        live.add(task)
        try:
            await handler(Connection(reader, writer, incoming=incoming, bytes_max=bytes_max, peer=peer))
        except (ChannelError, asyncio.CancelledError):
            pass  # a broken peer, or the end of this server: either way the connection is over
        finally:
            live.discard(task)
            writer.close()

    _unlink_socket(path)
    server = await asyncio.start_unix_server(on_connect, path=str(path), limit=bytes_max)
    os.chmod(path, 0o660)  # noqa: PTH101 - a pathlib call would count as blocking, and this one is as quick
    try:
        yield
    finally:
        server.close()
        await asyncio.sleep(0)  # one that was accepted just now gets its handler, so that it can be ended
        ending = tuple(live)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports let their sockets go in the loop's next turn
