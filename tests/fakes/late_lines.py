"""Lines whose answers come late, reordered, doubled or in bursts, and how often each barrier driver grants twice on them.

Requests arrive at once, or are lost now and then; it is the answers that are troubled. A serial cable hands what is late to whoever has the port open by then, a
stream of Modbus TCP to its own connection alone. Contacts have no answers that could be late: their kernel takes its time instead.
What counts is the board's own count of the grants that it heard for one call of `grant`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from fakes.barrier import Bench
from fakes.contacts_gate import ContactsBench, contacts_bench
from fakes.doubled_grants import BOARDS, tried_board
from fakes.framed_boards import FramedBench
from fakes.modbus_boards import BoardBench

from drivers.links import Link
from drivers.modbus.frames import seal
from drivers.modbus.tcp import TcpLink
from gate_contract.links import RandomLoss, Wrapped
from gate_contract.virtual_time import pass_time, run_virtual
from gate_core.errors import DriverError, LinkLostError
from gate_core.ports.values import Direction

DRIVERS = (*BOARDS, "modbus-tcp", "contacts")
LATE_S_MAX = 2.0
TTL_MS = 5000
POLL_S = 0.1
POLLS = 4  # between two grants
_HEAD = struct.Struct(">HHH")
Way = Literal["late", "reordered", "doubled", "bursts"]


@dataclass(slots=True)
class Trouble:
    """What becomes of this `share` of the answers. `late_s` is drawn from least to most; a burst holds all answers for as long."""

    way: Way = "late"
    share: float = 0.1
    late_s: tuple[float, float] = (0.0, 0.0)
    requests_lost: float = 0.02
    plan: list[float] = field(default_factory=list)  # how late the next answers are, whatever else


DELAYS_S = (0.1, 0.3, 0.6, 1.0, 2.0)
TROUBLES = {
    "none": Trouble(),
    **{f"a tenth {late_s:g} s late": Trouble(late_s=(late_s, late_s)) for late_s in DELAYS_S},
    **{f"all {late_s:g} s late": Trouble(share=1.0, late_s=(late_s, late_s)) for late_s in DELAYS_S},
    "mixed": Trouble(late_s=(0.0, LATE_S_MAX)),
    "all mixed": Trouble(share=1.0, late_s=(0.0, LATE_S_MAX)),
    "seldom": Trouble(share=0.01, late_s=(0.0, LATE_S_MAX)),
    "reordered": Trouble("reordered"),
    "doubled": Trouble("doubled", late_s=(0.0, LATE_S_MAX)),
    "bursts": Trouble("bursts", share=0.02, late_s=(0.1, LATE_S_MAX)),
}


class Cable:
    """Carries a board's answers back, each in its time. Made on a running loop."""

    def __init__(self, trouble: Trouble, seed: int) -> None:
        self._trouble = trouble
        self._chance = random.Random(seed)
        self._held: list[Callable[[], None]] = []
        self._burst_until_s = 0.0
        self.newest: Link | None = None

    def host_end(self, link: Link) -> Link:
        """What the driver writes to: it loses a request now and then."""
        lost = self._trouble.requests_lost
        return RandomLoss(link, seed=self._chance.randrange(2**32), share=lost) if lost else link

    def board_end(self, link: Link, *, own: bool = False) -> Link:
        """What the board answers on. `own`: what is late comes out at this end or nowhere."""
        self.newest = link
        return _BoardEnd(link, self, own=own)

    def carry(self, arrive: Callable[[], None]) -> None:
        """An answer sets out."""
        trouble, loop = self._trouble, asyncio.get_running_loop()
        if trouble.plan:
            loop.call_later(trouble.plan.pop(0), arrive)
            return
        hit, late_s = self._chance.random() < trouble.share, self._chance.uniform(*trouble.late_s)
        if trouble.way == "bursts" and hit and loop.time() >= self._burst_until_s:
            self._burst_until_s = loop.time() + late_s
            loop.call_later(late_s, self._let_go)
        if (trouble.way == "reordered" and hit) or loop.time() < self._burst_until_s:
            self._held.append(arrive)
            return
        if trouble.way == "late" and hit:
            loop.call_later(late_s, arrive)
            return
        arrive()
        if trouble.way == "doubled" and hit:
            loop.call_later(late_s, arrive)
        if trouble.way == "reordered":
            self._let_go()  # what was overtaken

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for arrive in held:
            arrive()


class _BoardEnd(Wrapped):
    def __init__(self, inner: Link, cable: Cable, *, own: bool) -> None:
        super().__init__(inner)
        self._cable = cable
        self._own = own

    async def write(self, payload: bytes) -> None:
        self._cable.carry(lambda: self._arrive(payload))

    def _arrive(self, payload: bytes) -> None:
        link = self.inner if self._own or self._cable.newest is None else self._cable.newest
        with contextlib.suppress(StopIteration, LinkLostError):
            link.write(payload).send(None)  # a link in memory takes bytes without waiting


class _Gateway(Wrapped):
    """The board's end of a stream of Modbus TCP: its frames to the board, and the board's answers, each with its request's number."""

    def __init__(self, inner: Link) -> None:
        super().__init__(inner)
        self._numbers: deque[int] = deque()
        self._heard = bytearray()

    async def read(self, bytes_max: int) -> bytes:
        while len(self._heard) < _HEAD.size or len(self._heard) < _HEAD.size + _HEAD.unpack_from(self._heard)[2]:
            self._heard += await self.inner.read(bytes_max)
        number, _, length = _HEAD.unpack_from(self._heard)
        body = bytes(self._heard[_HEAD.size : _HEAD.size + length])
        del self._heard[: _HEAD.size + length]
        self._numbers.append(number)
        return seal(body)

    async def write(self, payload: bytes) -> None:
        body = payload[:-2]
        await self.inner.write(_HEAD.pack(self._numbers.popleft(), 0, len(body)) + body)


@dataclass(slots=True)
class Found:
    """Of so many calls of `grant`: those whose grant stood, and those that granted twice."""

    grants: int = 0
    stood: int = 0
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A driver on a troubled line, and what its board heard."""

    bench: Bench | BoardBench | FramedBench | ContactsBench
    heard: Callable[[], int]
    passes: Callable[[], None]


@contextlib.asynccontextmanager
async def standing(driver: str, trouble: Trouble, seed: int = 1) -> AsyncIterator[Standing]:
    """A driver before its board, not connected yet."""
    chance = random.Random(seed)
    if driver == "contacts":
        async with contacts_bench() as contacts:
            contacts.slow = lambda: pass_time(chance.uniform(*trouble.late_s) * (chance.random() < trouble.share))
            yield Standing(contacts, contacts.ordered, contacts.pass_through)
        return
    cable = Cable(trouble, seed)
    async with tried_board("portcullis-sim" if driver == "modbus-tcp" else driver) as tried:
        bench = tried.bench
        if isinstance(bench, BoardBench):
            bench.tick_s = 0.1  # nobody walks here, and hours pass
        if driver == "modbus-tcp":
            bench.host_line = lambda link: TcpLink(cable.host_end(link))
            bench.board_line = lambda link: _Gateway(cable.board_end(link, own=True))
        else:
            bench.host_line, bench.board_line = cable.host_end, cable.board_end
        yield Standing(bench, tried.heard, tried.passes)


def on_late_line(driver: str, trouble: Trouble, *, count: int, seed: int = 1) -> Found:
    """So many calls of `grant`, with the polls and revocations of a lane between them, in virtual time."""
    return run_virtual(_grants(driver, trouble, count, seed))


async def _grants(driver: str, trouble: Trouble, count: int, seed: int) -> Found:
    found = Found()
    async with standing(driver, trouble, seed) as stands:
        barrier = stands.bench.barrier
        for _ in range(count):
            before = stands.heard()
            stood = await _is_done(barrier.grant(Direction.ENTRY, TTL_MS))
            found.grants += 1
            found.stood += stood
            if stood:
                with contextlib.suppress(AssertionError):
                    stands.passes()
            found.doubled += stands.heard() - before > 1
            if isinstance(stands.bench, BoardBench | ContactsBench):
                stands.bench.told.events.clear()  # which is counted anew each time
            await _rest(stands)
    return found


def after_prompt_seconds(driver: str, plan: list[float]) -> int:
    """How often the board hears one call's grant, on a line that was prompt for twelve seconds and then answers so late."""

    async def story() -> int:
        trouble = Trouble(share=0.0, requests_lost=0.0)
        async with standing(driver, trouble) as stands:
            barrier = stands.bench.barrier
            await barrier.connect()
            for _ in range(120):
                await barrier.status()
                await asyncio.sleep(0.1)
            trouble.plan = list(plan)
            before = stands.heard()
            for _ in range(2):
                await _is_done(barrier.status())
            await _is_done(barrier.grant(Direction.ENTRY, TTL_MS))
            return stands.heard() - before

    return run_virtual(story())


async def _rest(stands: Standing) -> None:
    """Until the next traveller: the lane takes back what may stand, polls, and connects anew when the line is lost."""
    barrier = stands.bench.barrier
    if not await _is_done(barrier.revoke()):
        await _is_done(barrier.connect())
    for _ in range(POLLS):
        await _is_done(barrier.status())
        await asyncio.sleep(POLL_S)


async def _is_done(call: Awaitable[object]) -> bool:
    try:
        await call
    except DriverError:
        return False
    return True
