"""A line in memory: a pair of links, for replays, simulations and tests of drivers."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from gate_core.errors import LinkLostError

GONE = "the other end is gone"
MEMORY_BYTES_MAX = 4096  # what a UART's driver keeps; at the limit the newest bytes are lost, as on an overrun


class MemoryLink:
    """One end of a pair in memory. Fills `Link` without a device or a thread, so it also runs on a virtual clock."""

    bytes_max: ClassVar[int] = MEMORY_BYTES_MAX

    def __init__(self) -> None:
        self._received = bytearray()
        self._reader: asyncio.Future[None] | None = None
        self._lost = ""  # why
        self.peer: MemoryLink | None = None

    async def read(self, bytes_max: int) -> bytes:
        """Wait for bytes and return at least one of them. Raises LinkLostError once either end is closed."""
        while not self._received:
            if self._lost:
                raise LinkLostError(self._lost)
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        taken = bytes(self._received[:bytes_max])
        del self._received[:bytes_max]
        return taken

    def discard(self) -> bytes:
        """Drop and return the bytes that have arrived unread."""
        dropped = bytes(self._received)
        self._received.clear()
        return dropped

    async def write(self, payload: bytes) -> None:
        """Put bytes into the other end's buffer; bytes beyond its limit are lost. Raises LinkLostError."""
        if self._lost or self.peer is None:
            raise LinkLostError(self._lost or GONE)
        self.peer.receive(payload)

    def receive(self, payload: bytes) -> None:
        """Add bytes from the other end."""
        self._received += payload[: self.bytes_max - len(self._received)]
        if self._reader is not None:
            _wake(self._reader)

    def close(self) -> None:
        """Simulate an unplugged cable: both ends are lost."""
        for end in (self, self.peer):
            if end is not None:
                end.lose()

    def lose(self, why: str = GONE) -> None:
        """Mark this end as lost; received bytes stay readable."""
        self._lost = why or GONE
        if self._reader is not None:
            _wake(self._reader)


def memory_pair() -> tuple[MemoryLink, MemoryLink]:
    """Return two ends of a cable: each reads what the other writes."""
    near, far = MemoryLink(), MemoryLink()
    near.peer, far.peer = far, near
    return near, far


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
