"""The mirror's receipts, and the newest approval that it knows, on their way from the inbox to the log's writer.

Promise: the inbox is another program's folder, and nothing in it holds up a record: it is looked into in a thread of its own, a
part at a time, and the writer's thread sees single receipts only. A problem costs one line when it begins and one when it ends.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gate.programs.shared.fault_latch import FaultLatch
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate.audit.inbox import Found, Inbox
    from gate.audit.mirror_keys import MirrorKeys
    from gate.audit.writer import Writer
    from gate.programs.log.newest_approval import NewestApproval
    from gate.programs.log.spool_publisher import Worker

log = logging.getLogger("gate.log")


class Receipts:
    """Takes receipts in. `refused` counts those that did not verify; without a mirror there are none."""

    def __init__(
        self,
        inbox: Inbox,
        writer: Writer,
        mirror: MirrorKeys | None,
        newest: NewestApproval,
        *,
        every_s: float,
        monotonic_ms: Callable[[], int],
        in_store: Worker,
        in_inbox: Worker,
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._mirror = mirror
        self._newest = newest
        self._every_s = every_s
        self._monotonic_ms = monotonic_ms
        self._in_store = in_store
        self._in_inbox = in_inbox
        self._trouble = FaultLatch(log, begins="inbox_problem", ends="inbox_well_again", each=False)
        self._is_in_doubt = False
        self.refused = 0

    async def begin(self) -> None:
        """Look once before the first record: what lies there may say that this log must take none."""
        if self._mirror is not None:
            self._report(await self._look(self._mirror))

    async def end(self) -> None:
        """Close the folder, in the middle of which the last look may have stopped."""
        await self._in_inbox(self._inbox.close)

    async def run(self, taken: Callable[[], None]) -> None:
        """Watch the inbox until cancelled; `taken` is called after each look."""
        while self._mirror is not None:
            self._report(await self._look(self._mirror))
            taken()
            await asyncio.sleep(self._every_s)

    async def _look(self, mirror: MirrorKeys) -> str:
        """Take in what lies there; returns what is wrong with it, in words."""
        problem = ""
        try:
            for found in await self._in_inbox(self._inbox.look):
                problem = await self._take(found, mirror) or problem
            problem = await self._newest.look() or problem
        except StoreError:
            return problem  # reported as the writer's problem; the receipts stay for later
        except OSError as error:
            return f"the inbox cannot be read: {error.strerror}"
        return problem

    async def _take(self, found: Found, mirror: MirrorKeys) -> str:
        """Take one in, or put it aside. Raises StoreError, and OSError when it cannot be put aside."""
        try:
            if found.is_of_keys:
                await self._in_inbox(mirror.take, found.note)
            else:
                await self._in_store(self._writer.take_receipt, found.note, mirror.newest, self._monotonic_ms())
        except (BadFormatError, BadSignatureError) as error:
            self.refused += 1
            await self._in_inbox(self._inbox.refuse, found)
            return f"a receipt was refused: {error}"
        await self._in_inbox(self._inbox.remove, found)
        return ""

    def _report(self, problem: str) -> None:
        """Say once when something is wrong with the inbox, and once when the whole of it was found well."""
        if problem:
            self._trouble.is_now(problem)
            self._is_in_doubt = True
        elif self._inbox.is_through:
            if not self._is_in_doubt:
                self._trouble.is_now("")
            self._is_in_doubt = False  # until the end of the next turn
