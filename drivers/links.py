"""Byte links to devices, and the only user of the serial library.

A link carries bytes both ways and knows nothing of frames. It promises that whoever waits in `read` or `write` wakes when
the device goes away or the link is closed, always with LinkLostError. Framing, deadlines, retries and reconnecting are the
drivers' job. No thread is used or visible: the file descriptor is watched by the running event loop.
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
    """A link on a file descriptor that does not block. `shut` closes what it belongs to."""

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
        """Drop the bytes that have arrived and were not read, and say which. Raises LinkLostError."""
        dropped = b""
        for _ in range(_DISCARD_READS_MAX):
            if not (received := self._take(_DISCARD_BYTES)):
                break
            dropped += received
        return dropped

    def _take(self, bytes_max: int) -> bytes:
        """Return what has arrived, which may be nothing. Raises LinkLostError."""
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
        """Wait until the descriptor can be used, or `close` is called."""
        watch(self._fd, lambda: _wake(ready))
        try:
            await ready
        finally:
            if not self._closed:
                unwatch(self._fd)

    def close(self) -> None:
        """Close it and wake whoever waits on it. May be called twice."""
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
        """Open a serial device. Raises LinkLostError when it is absent, in use or not for us, SetupError for an impossible speed.

        No parity, ever: a pseudo-terminal accepts it on the first open and raises on the next one.
        """
        try:
            # An inter-byte timeout sets VMIN to 1: an empty port then says EAGAIN, and 0 bytes mean that it hung up.
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
        """Connect. Raises LinkLostError when nobody listens there, or not for us."""
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
    """Close a port; unsent bytes are dropped: waiting for them could take 30 s. The device may be gone already, and nothing is left to do with it."""
    with contextlib.suppress(OSError, termios.error):
        device.reset_output_buffer()
    with contextlib.suppress(OSError):
        device.close()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
