"""The log's proof that it could take a record: a value is written as a record is, and read back, again and again.

Promise: the log does not grow by it, and a record that waits goes first. `proven_s` is how long ago the last proof was given,
`asked_s` how long the one under way has been asked for: a writer that hangs answers none.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EVERY_S: Final = 5.0
PROVEN_MAX_S: Final = 15.0
ANSWER_MAX_S: Final = 10.0
VALUE_BYTES: Final = 16


class Probe:
    """Asks `probe` for a proof every few seconds; it says whether it could write the value and read it back."""

    def __init__(self, probe: Callable[[bytes], Awaitable[bool]]) -> None:
        self._probe = probe
        self._proven_at_s: float | None = None
        self._asked_at_s: float | None = None

    async def run(self) -> None:
        """Ask for ever."""
        clock_s = asyncio.get_running_loop().time
        while True:
            self._asked_at_s = clock_s()
            if await self._probe(secrets.token_bytes(VALUE_BYTES)):
                self._proven_at_s = clock_s()
            self._asked_at_s = None
            await asyncio.sleep(EVERY_S)

    @property
    def is_able(self) -> bool:
        """True while the last proof is fresh."""
        return self._proven_at_s is not None and _since_s(self._proven_at_s) <= PROVEN_MAX_S

    @property
    def is_alive(self) -> bool:
        """False while a proof has been asked for in vain for long: yes or no, an answer comes from a writer that lives."""
        return self._asked_at_s is None or _since_s(self._asked_at_s) <= ANSWER_MAX_S


def _since_s(at_s: float) -> float:
    return asyncio.get_running_loop().time() - at_s
