"""A crossing's child process as its parent sees it, and the warm spare that waits for the next crossing.

A child that dies, hangs or was never fit is one thing to its parent: ChildLostError, with a reason. Its end is the erasure
of everything that it saw, so `end` returns only when the kernel has taken the process away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from typing import Any, Generic, TypeVar

from gate.channel import messages
from gate.channel.sockets import PICTURE_BYTES_MAX, ChannelError, Connection, adopt
from gate.programs.racing import first_of

START_DEADLINE_S = 20.0
SILENCE_MAX_S = 3.0  # a child says four times a second that it lives
GRACE_S = 0.25  # to close the camera by itself; then SIGKILL
TAKE_DEADLINE_S = 10.0
PROBE_DEADLINE_S = 5.0
QUEUE_MAX = 64  # at the limit the child waits; it never holds more than a few messages
PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 10.0

log = logging.getLogger("vision")

Said = TypeVar("Said")
FACES = "gate.programs.vision_child"


class ChildLostError(Exception):
    """A child process died, hangs, or cannot work; the message says which."""


class Process(Generic[Said]):
    """One child that says `Said`. `start` returns it prepared; `receive` gives what it says; `end` is the erasure."""

    def __init__(self, process: asyncio.subprocess.Process, connection: Connection[Said]) -> None:
        self.detail: dict[str, Any] = {}
        self.lost = asyncio.Event()
        self._process = process
        self._connection = connection
        self._queue: asyncio.Queue[Said] = asyncio.Queue(maxsize=QUEUE_MAX)
        self._reason = ""
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, module: str, prepare: messages.Message, *, incoming: Any) -> Process[Said]:  # noqa: ANN401 - a union
        """Start a child of this module and wait until its models are proved. Raises ChildLostError."""
        ours, theirs = socket.socketpair()
        try:
            process = await _spawn(module, theirs)
            connection: Connection[Said] = await adopt(ours, incoming=incoming, bytes_max=PICTURE_BYTES_MAX)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = cls(process, connection)
        try:
            await child.send(prepare)
            async with asyncio.timeout(START_DEADLINE_S):
                child.detail = await child._prepared()
        except TimeoutError as error:
            await child.end()
            raise ChildLostError(f"a child was not ready after {START_DEADLINE_S:.0f} s") from error
        except BaseException:
            await child.end()
            raise
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def send(self, message: messages.Message) -> None:
        """Send one message. Raises ChildLostError."""
        try:
            await self._connection.send(message)
        except ChannelError as error:
            raise ChildLostError("the child is gone or does not read") from error

    async def receive(self) -> Said:
        """The next message other than signs of life. Raises ChildLostError when there will be none."""
        if self._queue.empty():
            getting = asyncio.ensure_future(self._queue.get())
            losing = asyncio.ensure_future(self.lost.wait())
            try:
                await asyncio.wait((getting, losing), return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    return getting.result()
            finally:
                getting.cancel()
                losing.cancel()
            raise ChildLostError(self._reason)
        return self._queue.get_nowait()

    async def end(self) -> None:
        """End the child, kindly for a moment, and return when the process is gone."""
        self._connection.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self._process.wait()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _prepared(self) -> dict[str, Any]:
        while True:
            message = await self.receive()
            if isinstance(message, messages.Prepared):
                return message.detail
            if isinstance(message, messages.Unfit):
                raise ChildLostError(message.reason)

    async def _read(self) -> None:
        """Read for as long as the child lives and says so."""
        deadline_s = START_DEADLINE_S  # it loads its models with its loop at rest
        try:
            while True:
                async with asyncio.timeout(deadline_s):
                    message = await self._connection.receive()
                if isinstance(message, messages.Prepared):
                    deadline_s = SILENCE_MAX_S
                if not isinstance(message, messages.Alive):
                    await self._queue.put(message)
        except TimeoutError:
            self._reason = "the child hangs"
        except ChannelError as error:
            self._reason = f"the child is lost: {error}"
        finally:
            self.lost.set()


async def _spawn(module: str, end: socket.socket) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", module, str(os.getpid()))
    spawning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*command, stdin=end.fileno(), stdout=asyncio.subprocess.DEVNULL)
    )
    try:
        return await asyncio.shield(spawning)
    except OSError as error:
        raise ChildLostError(f"a child cannot be started: {error.strerror}") from error
    except asyncio.CancelledError:
        process = await spawning  # it may run by now, and nobody else knows of it
        process.kill()
        await process.wait()
        raise


Faces = Process[messages.FromChild]


class Spare:
    """Keeps one prepared child at hand. `problem` says why there is none, when there is a reason."""

    def __init__(self, prepare: messages.Prepare) -> None:
        self.problem = ""
        self._prepare = prepare
        self._child: Faces | None = None
        self._changed = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._wanted.set()

    @property
    def child(self) -> Faces | None:
        """The waiting child."""
        return self._child

    def want(self) -> None:
        """Have a spare again, unless there is one."""
        if self._child is None:
            self._wanted.set()

    async def keep(self) -> None:
        """Start a child whenever one is wanted and none is there; a lost one is replaced. For ever, until cancelled."""
        pause_s = PAUSE_MIN_S
        try:
            while True:
                await self._wanted.wait()
                try:
                    child: Faces = await Process.start(FACES, self._prepare, incoming=messages.FromChild)
                except ChildLostError as error:
                    await self._set(None, problem=str(error))
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, PAUSE_MAX_S)
                    continue
                pause_s = PAUSE_MIN_S
                self._wanted.clear()
                try:
                    await self._set(child, problem="")
                except asyncio.CancelledError:
                    await child.end()
                    raise
                await first_of(self._watch(child), self._until_wanted())
        finally:
            if self._child is not None:
                await self._child.end()

    async def take(self) -> Faces:
        """Take the spare, waiting for one that is being prepared. Raises ChildLostError."""
        try:
            async with asyncio.timeout(TAKE_DEADLINE_S), self._changed:
                await self._changed.wait_for(lambda: self._child is not None or self.problem != "")
                child, self._child = self._child, None
        except TimeoutError as error:
            raise ChildLostError("no child is ready") from error
        if child is None:
            raise ChildLostError(self.problem)
        return child

    async def probe_camera(self) -> str | None:
        """Let the spare see whether the camera gives a frame: None when it does, or why not. Raises ChildLostError."""
        async with self._changed:  # nobody takes it meanwhile
            child = self._child
            if child is None:
                raise ChildLostError(self.problem or "no child is ready")
            await child.send(messages.ProbeCamera())
            try:
                async with asyncio.timeout(PROBE_DEADLINE_S):
                    while not isinstance(message := await child.receive(), messages.CameraProbed):
                        pass
            except TimeoutError as error:
                raise ChildLostError("the camera was not probed in time") from error
            return None if message.ok else message.reason

    async def _watch(self, child: Faces) -> None:
        """A spare that dies before its crossing is replaced; one that was taken is its taker's to end."""
        await child.lost.wait()
        async with self._changed:
            ours = self._child is child
            self._child = None if ours else self._child
        if not ours:
            await self._wanted.wait()
            return
        log.warning("spare_lost")
        await child.end()
        self.want()

    async def _until_wanted(self) -> None:
        await self._wanted.wait()

    async def _set(self, child: Faces | None, *, problem: str) -> None:
        if problem and problem != self.problem:
            log.error("no_spare", extra={"reason": problem})
        async with self._changed:
            self._child, self.problem = child, problem
            self._changed.notify_all()
