"""The log's proof that it could take a record: a value is written as a record is, and read back, again and again.

Promise: the log does not grow by it, and a record that waits goes first. A proof counts for a while, until one fails or a record is
refused; then another is asked for soon. A writer that hangs gives none.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from gate.programs.log.context import Timing
from gate.programs.shared.aligned_timer import loop_s
from gate_core.programs.task_groups import wait_at_most

VALUE_BYTES: Final = 16


class Probe:
    """Asks `probe` for a proof every few seconds; it says whether it could write the value and read it back."""

    def __init__(self, probe: Callable[[bytes], Awaitable[bool]], timing: Timing) -> None:
        self._probe = probe
        self._timing = timing
        self._proven_at_s: float | None = None
        self._asked_at_s: float | None = None
        self._doubted = asyncio.Event()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            self._asked_at_s = loop_s()
            self._doubted.clear()
            is_proven = await self._probe(secrets.token_bytes(VALUE_BYTES))
            self._proven_at_s = loop_s() if is_proven and not self._doubted.is_set() else None
            self._asked_at_s = None
            if self._proven_at_s is not None:
                await wait_at_most(self._doubted, self._timing.proof_every_s)
            if self._proven_at_s is None:
                await asyncio.sleep(self._timing.proof_again_s)

    def doubt(self) -> None:
        """Forget the proof: a record was refused."""
        self._proven_at_s = None
        self._doubted.set()

    @property
    def is_able(self) -> bool:
        """True while the last proof is fresh."""
        return self._proven_at_s is not None and loop_s() - self._proven_at_s <= self._timing.proven_max_s

    @property
    def is_alive(self) -> bool:
        """False while a proof has been asked for in vain for long: yes or no, an answer comes from a writer that lives."""
        return self._asked_at_s is None or loop_s() - self._asked_at_s <= self._timing.proof_answer_max_s
