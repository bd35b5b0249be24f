"""Handle of a child process for its parent: start, messages, descriptors, end.

A child that dies, hangs or cannot work raises ChildLostError with a reason. A child's end erases all data that it held,
so `end` returns only when the process is gone.

ChildLostError       the child died, hangs, or does not read
└── UnfitError       the child reported that it cannot work, and why
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL
from typing import Any, Final, Generic, TypeVar

from gate.channel import child_messages
from gate.channel.errors import BadMessageError, ChannelError
from gate.channel.message import Message
from gate.channel.sockets import BYTES_MAX, CHILD_BYTES_MAX, Connection, adopt
from gate.programs.children import descriptors
from gate.programs.shared.supervisor import ERASING
from gate_core.settings.environment import environment_with

START_DEADLINE_S = 20.0
SILENCE_MAX_S = 3.0  # a child sends a sign of life once a second
GRACE_S = 0.25  # for the child to close its camera; then SIGKILL
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # no numpy threads: `confine` must reach all threads
QUEUE_MAX = 64  # at the limit the child waits; normally only a few

Said = TypeVar("Said", bound=Message)
WORDS_BYTES_MAX: Final = 4096  # per child; then the pipe is closed
WORDS_PIECES_MAX: Final = 64  # likewise: each becomes a log line
_UNREADABLE: Final = "?"

log = logging.getLogger(__name__)


class Words:
    """Logs the beginning of a child's standard error, within limits. `close` logs the rest.

    `theirs` is the child's end of a separate pipe; close it after the start. A compromised child with the parent's own
    standard error could flood the journal, or close its socket.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._left, self._pieces = WORDS_BYTES_MAX, 0
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)
        self._open = True
        asyncio.get_running_loop().add_reader(self._ours, self._listen)

    def close(self) -> None:
        """Log what is still in the pipe, and close it."""
        while self._listen():
            pass
        self._shut()

    def _listen(self) -> bool:
        """Log one piece; False if there is nothing to read, or the pipe is closed."""
        if not self._open:
            return False
        try:
            content = os.read(self._ours, self._left)
        except BlockingIOError:
            return False
        self._left -= len(content)
        self._pieces += 1
        if content:
            said = content.decode("ascii", "replace").strip()
            text = "".join(one if one.isprintable() else _UNREADABLE for one in said)
            log.warning("child_said", extra={"of": self._module, "text": text})
        if not content or not self._left or self._pieces == WORDS_PIECES_MAX:
            self._shut()
        return self._open

    def _shut(self) -> None:
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._ours)
            os.close(self._ours)


class ChildLostError(Exception):
    """A child process died, hangs, or cannot work; the message gives the reason."""


class UnfitError(ChildLostError):
    """A child process reports that it cannot work, and why; a new one would report the same."""


class Process(Generic[Said]):
    """One child, which sends messages of type `Said`. `start` returns it prepared; `end` erases its data."""

    def __init__(
        self, process: asyncio.subprocess.Process, connection: Connection[Said], way: socket.socket, words: Words
    ) -> None:
        self.detail: dict[str, object] = {}
        self.lost = asyncio.Event()
        self._process = process
        self._way = way
        self._words = words
        self._connection = connection
        self._queue: asyncio.Queue[Said] = asyncio.Queue(maxsize=QUEUE_MAX)
        self._reason = ""
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls,
        module: str,
        prepare: Message,
        *,
        incoming: Any,  # noqa: ANN401 - a union
        ends: bool = True,
    ) -> Process[Said]:
        """Start a child of this module and wait until it is prepared. `ends` False: it overwrites memory that it frees.

        Once prepared, its messages are limited to BYTES_MAX, so that a compromised child cannot block the parent with
        long messages. Raises ChildLostError.
        """
        ours, theirs = socket.socketpair()
        our_way, their_way = descriptors.pair()
        words = Words(module)
        try:
            way, streams = their_way.fileno(), {"stdin": theirs.fileno(), "stdout": DEVNULL, "stderr": words.theirs}
            process = await spawn(module, str(way), ends=ends, pass_fds=(way,), **streams)
            connection: Connection[Said] = await adopt(ours, incoming=incoming, bytes_max=CHILD_BYTES_MAX)
        except BaseException:
            ours.close()
            our_way.close()
            words.close()
            raise
        finally:
            theirs.close()
            their_way.close()
            os.close(words.theirs)
        child = cls(process, connection, our_way, words)
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

    async def send(self, message: Message) -> None:
        """Send one message. Raises ChildLostError."""
        try:
            await self._connection.send(message)
        except ChannelError as error:
            raise ChildLostError("the child is gone or does not read") from error

    def hand(self, label: bytes, descriptor: int) -> None:
        """Send a descriptor to the child; the caller still closes its own. Raises ChildLostError."""
        try:
            descriptors.hand(self._way, label, descriptor)
        except OSError as error:
            raise ChildLostError("the child is gone or takes nothing that it is handed") from error

    async def receive(self) -> Said:
        """Return the next message that is no sign of life. Raises ChildLostError if the child is lost."""
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
        """Close the connection, kill the child after GRACE_S, and return when the process is gone."""
        self._connection.close()
        self._way.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        while not self._queue.empty():
            self._queue.get_nowait()  # drop unread messages, which may hold a picture
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self._process.wait()
        await kill(self._process)
        self._words.close()

    async def _prepared(self) -> dict[str, object]:
        while True:
            message = await self.receive()
            if isinstance(message, child_messages.Prepared):
                return message.detail
            if isinstance(message, child_messages.Unfit):
                raise UnfitError(message.reason)

    async def _read(self) -> None:
        """Read messages until the child is lost or silent."""
        deadline_s = START_DEADLINE_S  # it sends no signs of life while it loads its models
        try:
            while True:
                async with asyncio.timeout(deadline_s):
                    message = await self._connection.receive()
                if isinstance(message, child_messages.Prepared):
                    if deadline_s == SILENCE_MAX_S:
                        raise BadMessageError("it says a second time that it is prepared")
                    deadline_s = SILENCE_MAX_S
                    self._connection.take_no_more_than(BYTES_MAX)
                if not isinstance(message, child_messages.Alive):
                    await self._queue.put(message)
                del message  # otherwise the traceback of a cancellation keeps it
        except TimeoutError:
            self._reason = "the child hangs"
        except ChannelError as error:
            self._reason = f"the child is lost: {error}"
        finally:
            self.lost.set()


async def spawn(module: str, *arguments: str, ends: bool = True, **streams: Any) -> asyncio.subprocess.Process:  # noqa: ANN401 - as they are
    """Start a process of this module, with the parent's pid as argument. Raises ChildLostError."""
    # -P: no imports from the working folder, which the child's sandbox would then have to allow; in service it is "/".
    code = "from gate_core.programs.process import run_module; run_module()"
    command = (sys.executable, "-P", "-c", code, module, str(os.getpid()), *arguments)
    environment = environment_with(ONE_THREAD, without=ERASING if ends else ())
    spawning = asyncio.ensure_future(asyncio.create_subprocess_exec(*command, env=environment, **streams))
    try:
        return await asyncio.shield(spawning)
    except OSError as error:
        raise ChildLostError(f"a child cannot be started: {error.strerror}") from error
    except asyncio.CancelledError:
        await kill(await spawning)  # it may already run, and has no other owner
        raise


async def kill(process: asyncio.subprocess.Process) -> None:
    """Kill the process, and return when it is gone."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
