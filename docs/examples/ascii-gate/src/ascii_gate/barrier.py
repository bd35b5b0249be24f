"""The driver of the ASCII gate: one request at a time on the line, every reply with the board's status.

A grant whose reply is lost is written again only when a later status proves that it never arrived (safety invariant 3).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Literal

from ascii_gate import protocol
from gate_core.ports.drivers import (
    Alarm,
    BadFrameError,
    BarrierDriver,
    BarrierFacts,
    BarrierStatus,
    Direction,
    DriverSettings,
    LampColour,
    LeafPosition,
    Line,
    Link,
    LinkLostError,
    NoReplyError,
    NotWellError,
    RefusedError,
)

REPLY_S = 0.25
FRESH_S = 0.3  # an older status does not speak for the lane
TRIES = 3  # of a request that may be carried out more than once
GRANTS_MAX = 2
READ_BYTES = 256


class AsciiGate(DriverSettings, frozen=True, kw_only=True):
    """The keys of [barrier.code.settings]."""

    baud: Literal[9600, 19200] = 9600
    facts: ClassVar = BarrierFacts(grant_ends_by="controller_ttl", ttl_ms=range(1000, 30_001), verified="simulator")

    def open(self, line: Line) -> BarrierDriver:
        """Return the driver, not yet connected."""
        return AsciiBarrier(line, self.baud)


class AsciiBarrier:
    """One board. Fills `gate_core.ports.drivers.BarrierDriver`."""

    has_lamp = False

    def __init__(self, line: Line, baud: int) -> None:
        self.grant_written_at_s: float | None = None
        self._line, self._baud = line, baud
        self._link: Link | None = None
        self._turn = asyncio.Lock()
        self._number = self._withdrawals = 0
        self._latest: BarrierStatus | None = None
        self._latest_at_s = 0.0
        self._counts = {"requests": 0, "silences": 0, "bad_lines": 0}

    async def connect(self, *, revoke: bool = True) -> None:
        self.close()
        async with self._turn:
            self.close()  # another task connected meanwhile
            self._withdrawals += 1
            self._number = -1  # the first request has number 0: the board forgets those of before
            self._link = await self._line.open(self._baud)
        await self.status()
        if revoke:
            await self.revoke()

    async def status(self) -> BarrierStatus:
        return await self._ask("?")

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        if ttl_ms not in AsciiGate.facts.ttl_ms:
            raise ValueError(f"time to live of {ttl_ms} ms")
        withdrawals = self._withdrawals

        def wanted() -> None:
            if withdrawals != self._withdrawals:
                raise RefusedError("withdrawn while it was under way")

        def note() -> None:
            wanted()
            self.grant_written_at_s = _now_s()

        is_fresh = self._latest is not None and _now_s() - self._latest_at_s < FRESH_S
        before = self._latest if is_fresh else await self.status()
        assert before is not None
        if _is_emergency(before) or _granted(before):
            raise RefusedError("a grant is outstanding, or an emergency is on")
        letter = "E" if direction is Direction.ENTRY else "X"
        for _ in range(GRANTS_MAX):
            with contextlib.suppress(NoReplyError):
                await self._ask("G", letter, str(ttl_ms), tries=1, before_written=note)
                wanted()
                return
            seen = await self.status()  # the line keeps its order: a status without the grant proves that it was lost
            wanted()
            if _granted(seen):
                return
            if (seen.count_entry, seen.count_exit) != (before.count_entry, before.count_exit):
                break  # somebody passed: it was used already
        raise NoReplyError("the board does not answer a grant")

    async def revoke(self) -> None:
        self.withdraw()
        seen = self._latest
        if seen is None or _is_emergency(seen):
            seen = await self.status()
        if not _is_emergency(seen):  # in an emergency nothing closes (safety invariant 7)
            await self._ask("C")

    async def release(self) -> None:
        await self._ask("R")

    def withdraw(self) -> None:
        self._withdrawals += 1

    async def lamp(self, colour: LampColour) -> None:
        """This board has none."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        letters = [letter for letter, alarm in protocol.ALARMS.items() if alarm in alarms]
        await self._ask("A", "".join(letters) or "-")

    async def end_emergency(self) -> None:
        await self._ask("N")

    async def check(self) -> str:
        try:
            await self.connect()
            seen = await self.status()
        finally:
            self.close()
        if seen.position is not LeafPosition.CLOSED:
            raise NotWellError(f"the leaf is {seen.position.value}, not closed; look for what blocks it")
        return f"ASCII gate, closed; {seen.count_entry} entries and {seen.count_exit} exits since its start"

    def describe(self) -> Mapping[str, int]:
        return dict(self._counts)

    def close(self) -> None:
        self._latest = None
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _ask(
        self, *words: str, tries: int = TRIES, before_written: Callable[[], None] = lambda: None
    ) -> BarrierStatus:
        """Send one request and return the status in its reply. Raises LinkLostError, NoReplyError and RefusedError."""
        async with self._turn:
            if self._link is None:
                raise LinkLostError("the barrier is not connected")
            self._number = self._number % 999 + 1 if self._number >= 0 else 0
            before_written()
            for _ in range(tries):
                found = await self._exchange(self._link, protocol.request(self._number, *words))
                if found is not None:
                    break
                self._counts["silences"] += 1
            else:
                raise NoReplyError("the board does not answer")
            if self._latest is not None and found.status.restarts != self._latest.restarts:
                self.close()
                raise LinkLostError("the board was powered up anew")
            self._latest, self._latest_at_s = found.status, _now_s()
        if not found.done:
            raise RefusedError(f"the board refuses {words[0]}")
        return found.status

    async def _exchange(self, link: Link, payload: bytes) -> protocol.Reply | None:
        self._counts["requests"] += 1
        try:
            link.discard()
            await link.write(payload)
            async with asyncio.timeout(REPLY_S):
                return await self._reply(link)
        except TimeoutError:
            return None
        except LinkLostError:
            self.close()
            raise

    async def _reply(self, link: Link) -> protocol.Reply:
        """The reply to the latest request; a late one of another request is passed over."""
        buffer = b""
        while True:
            buffer += await link.read(READ_BYTES)
            used = 1
            while buffer and used:
                try:
                    found, used = protocol.decode(buffer)
                except BadFrameError:
                    self._counts["bad_lines"] += 1
                    found, used = None, buffer.find(b"\r") + 1 or len(buffer)
                buffer = buffer[used:]
                if found is not None and found.number == self._number:
                    return found


def _granted(status: BarrierStatus) -> bool:
    return bool(status.grants_left_entry or status.grants_left_exit)


def _is_emergency(status: BarrierStatus) -> bool:
    return status.fire or status.emergency_open


def _now_s() -> float:
    return asyncio.get_running_loop().time()
