"""One thread for calls that block, used by one adapter and seen by nobody else.

Calls run one after another. A call whose waiter has gone is not begun; one that is under way runs to its end and its
result is dropped. The thread is a daemon: a call that never returns does not keep the program from ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
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
        answered: Future[Answer] = Future()

        def job() -> None:
            if not answered.set_running_or_notify_cancel():
                return
            try:
                answered.set_result(work())
            except BaseException as error:  # noqa: BLE001 - carried over to the waiter, whatever it is
                answered.set_exception(error)

        self._jobs.put(job)
        async with asyncio.timeout(deadline_s):
            return await asyncio.wrap_future(answered)

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
