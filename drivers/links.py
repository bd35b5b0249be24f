"""Byte links to devices, and the only user of the serial library.

A link carries bytes both ways, without frames. When the device disappears or the link is closed, waiting `read` and
`write` calls wake with LinkLostError. Framing, deadlines, retries and reconnecting belong to the drivers. No thread is
used or visible: the running event loop watches the file descriptor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import serial

from gate_core.errors import LinkLostError, SetupError, not_opened
from gate_core.ports.drivers import Link

__all__ = ["DescriptorLink", "DeviceLine", "Link", "SerialLink", "SocketLink"]

_DISCARD_BYTES = 4096
_DISCARD_READS_MAX = 16  # a device that babbles on must not hold us; the decoder passes over what is left


class DescriptorLink:
    """A link on a non-blocking file descriptor. `shut` closes its owner."""

    def __init__(self, name: str, fd: int, shut: Callable[[], None]) -> None:
        self._name = name
        self._fd = fd
        self._shut = shut
        self._closed = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    async def read(self, bytes_max: int) -> bytes:
        """Wait for bytes and return at least one of them. Raises LinkLostError."""
        loop = asyncio.get_running_loop()
        while not (received := self._take(bytes_max)):
            self._reader = loop.create_future()
            await self._ready(self._reader, loop.add_reader, loop.remove_reader)
        return received

    def discard(self) -> bytes:
        """Drop and return the bytes that have arrived unread. Raises LinkLostError."""
        dropped = b""
        for _ in range(_DISCARD_READS_MAX):
            if not (received := self._take(_DISCARD_BYTES)):
                break
            dropped += received
        return dropped

    def _take(self, bytes_max: int) -> bytes:
        """Return the bytes that have arrived, possibly none. Raises LinkLostError."""
        if self._closed:
            raise LinkLostError(f"{self._name} is closed")
        try:
            received = os.read(self._fd, bytes_max)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkLostError(f"{self._name} went away: {error.strerror}") from error
        if not received:
            raise LinkLostError(f"{self._name} went away: no data")
        return received

    async def write(self, payload: bytes) -> None:
        """Hand all bytes to the kernel. Raises LinkLostError."""
        loop = asyncio.get_running_loop()
        rest = memoryview(payload)
        while rest:
            if self._closed:
                raise LinkLostError(f"{self._name} is closed")
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                self._writer = loop.create_future()
                await self._ready(self._writer, loop.add_writer, loop.remove_writer)
            except OSError as error:
                raise LinkLostError(f"{self._name} went away: {error.strerror}") from error

    async def _ready(
        self,
        ready: asyncio.Future[None],
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], bool],
    ) -> None:
        """Wait until the descriptor is ready, or `close` is called."""
        watch(self._fd, lambda: _wake(ready))
        try:
            await ready
        finally:
            if not self._closed:
                unwatch(self._fd)

    def close(self) -> None:
        """Close it and wake its waiters. May be called twice."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._fd)
        loop.remove_writer(self._fd)
        for waiting in (self._reader, self._writer):
            if waiting is not None:
                _wake(waiting)
        self._shut()


class SerialLink(DescriptorLink):
    """A serial port, opened exclusively, 8N1. Made by `open`; fills `Link`."""

    @classmethod
    async def open(cls, port: str, baud: int) -> SerialLink:
        """Open a serial device. Raises LinkLostError if it is absent, in use or not accessible, SetupError for an impossible speed.

        Without parity: a pseudo-terminal accepts it on the first open and raises on the next one.
        """
        try:
            # An inter-byte timeout sets VMIN to 1: then an empty port gives EAGAIN, and 0 bytes mean that it hung up.
            device = serial.Serial(port, baud, exclusive=True, timeout=0, write_timeout=0, inter_byte_timeout=0)
        except ValueError as error:
            raise SetupError(f"{port} cannot run at {baud} baud") from error
        except OSError as error:
            raise not_opened(port, error.errno, str(error)) from error
        except termios.error as error:
            raise not_opened(port, error.args[0], str(error)) from error
        # USB adapters hold bytes back for 16 ms otherwise. Pseudo-terminals and some adapters have no such mode.
        with contextlib.suppress(ValueError):
            device.set_low_latency_mode(True)
        return cls(port, device.fd, lambda: _shut(device))


class SocketLink(DescriptorLink):
    """A stream to a Unix socket. Made by `open`; fills `Link`."""

    @classmethod
    async def open(cls, path: str) -> SocketLink:
        """Connect. Raises LinkLostError if nothing listens there, or it is not accessible."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await asyncio.get_running_loop().sock_connect(connection, path)
        except OSError as error:
            connection.close()
            raise not_opened(path, error.errno, str(error)) from error
        except BaseException:
            connection.close()
            raise
        return cls(path, connection.fileno(), connection.close)


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device's serial port or Unix socket, for a driver of another distribution. Fills `Line`."""

    port: str

    async def open(self, baud: int) -> Link:
        """Open it. Raises LinkLostError and SetupError."""
        if Path(self.port).is_socket():  # noqa: ASYNC240 - of a path of this machine
            return await SocketLink.open(self.port)
        return await SerialLink.open(self.port, baud)


def _shut(device: serial.Serial) -> None:
    """Close a port; unsent bytes are dropped, because waiting for them could take 30 s. Errors of a lost device are ignored."""
    with contextlib.suppress(OSError, termios.error):
        device.reset_output_buffer()
    with contextlib.suppress(OSError):
        device.close()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
