"""An input device of the kernel as a link: opened, grabbed, read.

Grabbed, so that what the reader types reaches nobody else: neither a console nor the traveller's page. One ioctl and a read
are all that is needed, hence no library: python-evdev comes as source only and would need a compiler on every gate.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import stat

from gate_core.errors import BusyError, LinkLostError, SetupError, not_opened

EVIOCGRAB = 0x40044590  # linux/input.h: _IOW('E', 0x90, int)
INPUT_MAJOR = 13  # Documentation/admin-guide/devices.txt


class InputDevice:
    """One device, grabbed for us alone. Made by `open`; fills `Link`. Nothing can be written to it."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._fd = descriptor
        self._name = name
        self._closed = False
        self._reader: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, path: str) -> InputDevice:
        """Open and grab a device. Raises LinkLostError when it is absent or in use, SetupError when it is no input device."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise not_opened(path, error.errno, str(error.strerror)) from error
        try:
            _grab(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, path)

    async def read(self, bytes_max: int) -> bytes:
        """Wait for events and return at least one of them; the kernel gives whole ones only. Raises LinkLostError."""
        loop = asyncio.get_running_loop()
        while not (received := self._take(bytes_max)):
            self._reader = loop.create_future()
            loop.add_reader(self._fd, _wake, self._reader)
            try:
                await self._reader
            finally:
                if not self._closed:
                    loop.remove_reader(self._fd)
        return received

    async def write(self, payload: bytes) -> None:
        """Refuse. Raises LinkLostError: a driver that writes here was given the wrong link."""
        raise LinkLostError(f"{self._name} takes no bytes, {len(payload)} were meant for it")

    def discard(self) -> bytes:
        """Drop the events that have arrived, which are keys and no bytes. Raises LinkLostError."""
        while self._take(4096):
            pass
        return b""

    def close(self) -> None:
        """Let the device go, and its grab with it; wake whoever waits on it. May be called twice."""
        if self._closed:
            return
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._fd)
        if self._reader is not None:
            _wake(self._reader)
        with contextlib.suppress(OSError):  # it may be gone already
            os.close(self._fd)

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


def _grab(descriptor: int, path: str) -> None:
    """Make sure that it is an input device, and take it for us alone. Raises SetupError or LinkLostError."""
    found = os.fstat(descriptor)
    if not stat.S_ISCHR(found.st_mode) or os.major(found.st_rdev) != INPUT_MAJOR:
        raise SetupError(f"{path} is no input device")
    try:
        fcntl.ioctl(descriptor, EVIOCGRAB, 1)
    except OSError as error:
        kind = BusyError if error.errno == errno.EBUSY else LinkLostError
        raise kind(f"{path} cannot be grabbed: {error.strerror}") from error


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
