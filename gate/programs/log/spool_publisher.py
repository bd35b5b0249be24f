"""Publishing: brings the spool up to the head of the log, beside the writing of records and never in its way.

The database and the spool have a thread each (`Worker`), so that a receipt never waits for the spool's syncs. When
publishing is due is left to the log program.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Self, TypeVar

from gate.audit.writer import Writer
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.audit_format.errors import StoreError
from gate_core.audit_format.spool import Spool, handover_path
from gate_core.audit_format.tiles import pieces_between

log = logging.getLogger("gate.log")

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One thread for blocking work of one kind, in the order it was given."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in the thread; cancelling the caller does not stop it."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(work, *args, **kwargs))


class Publisher:
    """Brings the spool up to the head of the log, in the pauses between records."""

    def __init__(self, writer: Writer, spool: Spool, in_store: Worker, in_spool: Worker, *, published: int) -> None:
        self._writer = writer
        self._spool = spool
        self._in_store = in_store
        self._in_spool = in_spool
        self.published = published
        # Held from the reading of a piece until it is written: whoever forgets keys holds it, too, or a key would come back into the spool behind them.
        self.between_pieces = asyncio.Lock()
        self._handovers = 0
        self._trouble = FaultLatch(
            log, begins="publishing_failed", ends="publishing_resumed", level=logging.ERROR, each=False
        )

    @property
    def problem(self) -> str:
        """Why it could not be done last, empty when it could."""
        return self._trouble.words

    async def catch_up(self) -> bool:
        """Publish what is missing; False when it could not be done and must be tried again."""
        standing = self._writer.standing
        # With the database in doubt or the disk full, the little that is left is for records.
        if standing.problem is not None or standing.checkpoint is None or standing.note is None:
            return standing.problem is None
        size, published, words = standing.checkpoint.size, self.published, self._writer.handovers
        try:
            if len(words) > self._handovers:
                new = {handover_path(number): word for number, word in enumerate(words)}
                await self._in_spool(self._spool.write, new)
                self._handovers = len(words)
            for piece in pieces_between(published, size):
                async with self.between_pieces:
                    files = await self._in_store(self._writer.files, piece, published)
                    await self._in_spool(self._spool.write, files)
            if published < size:
                files = await self._in_store(self._writer.upper_tiles, published, size)
                await self._in_spool(self._spool.write, files)
                await self._in_spool(self._spool.release, standing.note)
        except (OSError, StoreError) as error:
            self._trouble.is_now(f"the spool cannot be written: {error}")
            return False
        self.published = size
        self._trouble.is_now("")
        return True
