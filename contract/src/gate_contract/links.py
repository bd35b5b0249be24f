"""Bad lines: wrappers round a link that do to its bytes what cables and adapters do. Each draws from its own seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from gate_core.errors import LinkLostError
from gate_core.ports.drivers import Link


class Wrapped:
    """Passes everything on; the bad lines change one thing each."""

    def __init__(self, inner: Link) -> None:
        self.inner = inner

    async def read(self, bytes_max: int) -> bytes:
        return await self.inner.read(bytes_max)

    async def write(self, payload: bytes) -> None:
        await self.inner.write(payload)

    def discard(self) -> bytes:
        return self.inner.discard()

    def close(self) -> None:
        self.inner.close()


class OneByteAtATime(Wrapped):
    """Gives single bytes to whoever reads."""

    async def read(self, bytes_max: int) -> bytes:  # noqa: ARG002 - as the port has it
        return await self.inner.read(1)


class RandomLoss(Wrapped):
    """Loses whole frames on their way out."""

    def __init__(self, inner: Link, *, seed: int, share: float = 0.2) -> None:
        super().__init__(inner)
        self._chance = random.Random(seed)
        self._share = share

    async def write(self, payload: bytes) -> None:
        if self._chance.random() >= self._share:
            await self.inner.write(payload)


class BitFlips(Wrapped):
    """Flips bits on their way out, each with the same chance."""

    def __init__(self, inner: Link, *, seed: int, share: float) -> None:
        super().__init__(inner)
        self._chance = random.Random(seed)
        self._share = share

    async def write(self, payload: bytes) -> None:
        worn = bytearray(payload)
        for at in range(8 * len(worn)):
            if self._chance.random() < self._share:
                worn[at // 8] ^= 1 << at % 8
        await self.inner.write(bytes(worn))


class ByteLoss(Wrapped):
    """Loses and invents single bytes on their way out."""

    def __init__(self, inner: Link, *, seed: int, share: float) -> None:
        super().__init__(inner)
        self._chance = random.Random(seed)
        self._share = share

    async def write(self, payload: bytes) -> None:
        worn = bytearray()
        for byte in payload:
            if self._chance.random() < self._share:
                worn.append(self._chance.randrange(256))
            if self._chance.random() >= self._share:
                worn.append(byte)
        if worn:
            await self.inner.write(bytes(worn))


class Bursts(Wrapped):
    """Overwrites a run of bytes with noise in some frames, and says noise before them."""

    def __init__(self, inner: Link, *, seed: int, share: float) -> None:
        super().__init__(inner)
        self._chance = random.Random(seed)
        self._share = share

    async def write(self, payload: bytes) -> None:
        if self._chance.random() < self._share:
            at, length = self._chance.randrange(len(payload)), self._chance.randint(1, 12)
            noise = self._chance.randbytes(length)
            payload = (
                self._chance.randbytes(length) + payload[:at] + noise[: len(payload) - at] + payload[at + length :]
            )
        await self.inner.write(payload)


class Delay(Wrapped):
    """Holds frames back for a random time, in order. Must be made on a running loop; `close` ends it."""

    def __init__(self, inner: Link, *, seed: int, delay_s_max: float) -> None:
        super().__init__(inner)
        self._chance = random.Random(seed)
        self._delay_s_max = delay_s_max
        self._free_at_s = 0.0

    async def write(self, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._free_at_s = max(self._free_at_s, loop.time() + self._chance.random() * self._delay_s_max)
        loop.call_at(self._free_at_s, self._deliver, payload)

    def _deliver(self, payload: bytes) -> None:
        sending = self.inner.write(payload)
        try:
            sending.send(None)  # a link in memory takes bytes without waiting
        except (StopIteration, LinkLostError):
            return
        raise RuntimeError("only a link in memory can be delayed")


class Troubled(Wrapped):
    """The board's end of a wire on which something can go wrong: then `trouble` says what is heard in place of an answer."""

    def __init__(self, inner: Link, trouble: Callable[[], Callable[[bytes], list[bytes]] | None]) -> None:
        super().__init__(inner)
        self._trouble = trouble

    async def write(self, payload: bytes) -> None:
        trouble = self._trouble()
        for said in [payload] if trouble is None else trouble(payload):
            await self.inner.write(said)


class Echo(Wrapped):
    """A two-wire adapter that hears itself: every byte written comes back before the answer."""

    def __init__(self, inner: Link) -> None:
        super().__init__(inner)
        self._echo = bytearray()

    async def read(self, bytes_max: int) -> bytes:
        if self._echo:
            heard = bytes(self._echo[:bytes_max])
            del self._echo[:bytes_max]
            return heard
        return await self.inner.read(bytes_max)

    async def write(self, payload: bytes) -> None:
        self._echo += payload
        await self.inner.write(payload)

    def discard(self) -> bytes:
        self._echo.clear()
        return self.inner.discard()
