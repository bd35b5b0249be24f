"""The lane's state file: what must survive the lane program's death (`gate.passage.lasting_state`).

No order waits for it: a thread writes it, and the newest state replaces a waiting one.

| the lane dies | the next start reads |
| --- | --- |
| before the file has its name | the previous state; the order may have reached the board, but its officer got no answer |
| after that, by SIGKILL | the new state: the kernel has it |
| after that, by a power cut, before the file is on the disk | the new state, the previous one, or an unreadable file, which counts as lost |
| later | the new state |
| after a state could not be written | no file, since an older one would be believed. If the disk cannot delete either, the older one; in an emergency the log contradicts it |

An unreadable file, or a missing one after an unclean end, is a lost state: `gate.passage.lasting_state.UNKNOWN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from gate.passage.lasting_state import UNKNOWN, LastingEmergency, LastingState
from gate.programs.lane.emergency_hold import STATE_FILE as FILE
from gate.programs.lane.emergency_hold import is_held, state_bytes
from gate.programs.lane.records import Remembered
from gate_core import durable

RETRY_S: Final = 1.0  # a file that cannot be written is tried again

log = logging.getLogger("lane")


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    schema: int
    state: LastingState


class StateLostError(Exception):
    """A state file exists and cannot be read."""


def read_state(folder: Path) -> LastingState | None:
    """Return the state that the last run left; None without a file. Raises StateLostError."""
    try:
        content = state_bytes(folder / FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateLostError(f"{folder / FILE}: {error.strerror}") from error
    try:
        found = msgspec.json.decode(content, type=_Content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:  # a ValueError: a value that the types refuse
        raise StateLostError(f"{folder / FILE}: {error}") from error
    if found.schema != 1:
        raise StateLostError(f"{folder / FILE}: schema {found.schema}, this program knows 1")
    return found.state


def lasting_left(folder: Path, logged: Remembered) -> LastingState | None:
    """Return the last run's state, checked against the log; None: no file after a clean end, or at the first start."""
    try:
        found = read_state(folder)
    except StateLostError as error:
        why = str(error)
        if is_held(folder / FILE):  # by a newer version: still an emergency
            return LastingState(emergency=LastingEmergency(held=True))
    else:
        if logged.emergency and (found is None or found.emergency is None):
            why = f"the log knows of an emergency that has not ended, and {folder / FILE} does not"
        elif found is None and logged.running:
            why = f"no state file in {folder} after an unclean end"
        else:
            return found
    log.critical("state_lost", extra={"reason": why})
    return UNKNOWN


class StateFile:
    """Stores the newest state in the lane's folder. `written`: called with True or False, at first and on a change."""

    def __init__(self, folder: Path, written: Callable[[bool], None]) -> None:
        self._path = folder / FILE
        self._written = written
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._wanted: LastingState | None = None
        self._is_right: bool | None = None
        self._writing: asyncio.Future[None] | None = None

    def keep(self, state: LastingState) -> None:
        """Write this state after the current write. Never waits."""
        self._wanted = state
        if self._writing is None:
            self._write()

    async def drain(self, within_s: float) -> None:
        """Wait until the newest state is on the disk, at most `within_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._writing is not None and not self._writing.done():
                    await asyncio.wait({self._writing})

    def close(self) -> None:
        """Stop writing."""
        self._writer.shutdown(wait=False, cancel_futures=True)

    def _write(self) -> None:
        state = self._wanted
        assert state is not None, "a state was set"
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._writer, _replace, self._path, encoded(state))
        self._writing.add_done_callback(lambda done: self._done(done, state))

    def _done(self, done: asyncio.Future[None], state: LastingState) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None and not isinstance(error, OSError):
            raise error
        if self._is_right is not (error is None):
            self._is_right = error is None
            self._written(self._is_right)
        if error is not None:
            asyncio.get_running_loop().call_later(RETRY_S, self._write)
            return
        self._writing = None
        if self._wanted != state:
            self._write()


def encoded(state: LastingState) -> bytes:
    """Return the file's content for a state."""
    return msgspec.json.encode(_Content(schema=1, state=state))


def _replace(path: Path, content: bytes) -> None:
    """Rename the draft, which survives SIGKILL, then sync it. Raises OSError, and then leaves no older file."""
    draft = path.with_name(durable.DRAFT + path.name)
    try:
        _write(draft, path, content)
    except OSError:
        for one in (path, draft):
            with contextlib.suppress(OSError):
                one.unlink()
        raise


def _write(draft: Path, path: Path, content: bytes) -> None:
    with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        draft.replace(path)
        os.fsync(file.fileno())
    durable.sync(path.parent)
