"""Sends a running gate what a captured program might, over each of its sockets, and counts what a program holds."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.hostile_bytes import flood, framed

from gate.channel.row import Channel

ANSWER_S = 0.2
BROKEN_FRAMES = (
    b"\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x00\x00\x00\x40half",
    b"GET / HTTP/1.1\r\n\r\n",
)


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds."""

    descriptors: int
    resident_kib: int

    @classmethod
    def by(cls, pid: int) -> Held:
        process = Path(f"/proc/{pid}")
        lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return cls(len(list((process / "fd").iterdir())), int(lines["VmRSS"].split()[0]))


@dataclass(slots=True)
class Fuzzer:
    """Talks nonsense on one channel, a message after another; `sent` counts those that the listener had the time to hear."""

    channel: Channel[Any, Any]
    path: Path
    rng: random.Random
    sent: int = 0
    hung_up: int = 0

    async def run(self, count: int) -> None:
        """Send so many, over as many connections as it takes."""
        while self.sent < count:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self.path))
            except OSError:
                await asyncio.sleep(0.05)
                continue
            try:
                await self._send_nonsense(reader, writer, count)
            except OSError:
                self.hung_up += 1
            finally:
                writer.transport.abort()
                await asyncio.sleep(0)

    async def _send_nonsense(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
        while self.sent < count:
            writer.write(self._nonsense())
            await writer.drain()
            self.sent += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    if not await reader.read(1 << 20):
                        self.hung_up += 1
                        return

    def _nonsense(self) -> bytes:
        if self.channel.to_listener is None:  # no messages, but a stream
            return self.rng.randbytes(self.rng.randrange(1, 400))
        if self.rng.random() < 0.05:
            return self.rng.choice(BROKEN_FRAMES)
        return framed(flood(self.channel.to_listener, self.rng))
