"""One thread for calls that block, used by one adapter and seen by nobody else.

Calls run one after another. A call whose waiter has gone is not begun; one that is under way runs to its end and its
result is dropped. The thread is a daemon: a call that never returns does not keep the program from ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
_Job = Callable[[], None]


class Worker:
    """A thread that lives from the first call until `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, work: Callable[[], Answer], *, deadline_s: float) -> Answer:
        """Run `work` in the thread. Raises what it raises, and TimeoutError when it does not end in time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()

        def job() -> None:
            if answered.cancelled():
                return
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 - carried over to the waiter, whatever it is
                _deliver(loop, answered, error=error)
            else:
                _deliver(loop, answered, answer=answer)

        self._jobs.put(job)
        async with asyncio.timeout(deadline_s):
            return await answered

    def post(self, work: Callable[[], None]) -> None:
        """Run `work`, which must not raise, after the calls that wait; nobody hears of its end."""
        self._jobs.put(work)

    def close(self) -> None:
        """Let the thread end after the call that is under way."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _deliver(
    loop: asyncio.AbstractEventLoop,
    answered: asyncio.Future[Answer],
    *,
    answer: Answer | None = None,
    error: BaseException | None = None,
) -> None:
    """Hand the outcome to the loop, which may have been closed meanwhile."""

    def settle() -> None:
        if answered.done():
            return
        if error is not None:
            answered.set_exception(error)
        else:
            answered.set_result(answer)  # type: ignore[arg-type]

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more
