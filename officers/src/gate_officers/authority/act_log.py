"""The authority's log: an append-only file, one JSON line per act, on disk before the act is answered.

The service and the commands use the file at the same time. A writer takes the file's lock and first reads the lines
that others added. An incomplete last line (power cut) was never acknowledged; the next writer removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gate_core import durable
from gate_officers.authority.enrolment_history import ACT_BYTES_MAX, Act, People, line, read
from gate_officers.authority.errors import ActLogError

MODE: Final = 0o600
_READ_AT_ONCE: Final = 1024 * 1024


class ActLog:
    """The log at `path`, created if missing. `people` is the state after the lines read so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0  # file offset after the last complete line that was read
        self._lines = 0
        self._held = -1  # the locked descriptor while `adding` is active, else -1
        self.people = People()
        with self._explained():
            if not path.exists():
                with contextlib.suppress(FileExistsError):
                    durable.write(path, b"", mode=MODE, new_only=True)
        self.look()

    def look(self) -> People:
        """Read the lines that were added since, and return the state. Raises ActLogError."""
        with self._explained(), self._path.open("rb") as file:
            self._catch_up(file.fileno())
        return self.people

    @contextlib.contextmanager
    def adding(self) -> Iterator[People]:
        """Lock the file for the block, after reading all lines of other writers. Raises ActLogError."""
        with self._explained():
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            with self._explained():
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._catch_up(descriptor)
            self._held = descriptor
            yield self.people
        finally:
            self._held = -1
            os.close(descriptor)

    def add(self, act: Act) -> None:
        """Append an act, inside `adding`; synced to disk on return. Raises ActLogError, and then nothing was added."""
        text = line(act)
        if len(text) > ACT_BYTES_MAX:
            raise ActLogError("an act that is too long for the log")
        with self._explained():
            os.ftruncate(self._held, self._end)
            try:
                _write_whole(self._held, text, self._end)
            except OSError:
                os.ftruncate(self._held, self._end)
                raise
        self._take(text)

    def _catch_up(self, descriptor: int) -> None:
        if os.fstat(descriptor).st_size < self._end:
            raise ActLogError(f"{self._path} is shorter than it was; restore the whole file")
        rest, at = b"", self._end
        while piece := os.pread(descriptor, _READ_AT_ONCE, at):
            at += len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            for text in whole:
                self._take(text + b"\n")

    def _take(self, text: bytes) -> None:
        self._lines += 1
        try:
            self.people.take(read(text))
        except ValueError as error:
            raise ActLogError(f"{self._path} line {self._lines} is no act of an authority: {error}") from error
        self._end += len(text)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ActLogError(f"{self._path}: {error.strerror}") from error


def _write_whole(descriptor: int, text: bytes, at: int) -> None:
    if os.pwrite(descriptor, text, at) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)
