"""How often each barrier driver grants twice on lines whose answers come late, reordered, doubled or in bursts.

Contacts have no answers that could be late: their kernel takes its time instead. What counts is the board's own count of the grants that it heard
for one call of `grant`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

from fakes.contacts_gate import ContactsBench, contacts_bench
from fakes.line_bench import LINES, LineBench, line_bench

from gate_contract.cable import Trouble
from gate_contract.virtual_time import pass_time, run_virtual
from gate_core.errors import DriverError
from gate_core.ports.values import Direction

DRIVERS = (*LINES, "contacts")
LATE_S_MAX = 2.0
TTL_MS = 5000
POLL_S = 0.1
POLLS = 4  # between two grants
Standing = LineBench | ContactsBench
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


@dataclass(slots=True)
class Found:
    """Of so many calls of `grant`: those whose grant stood, and those that granted twice."""

    grants: int = 0
    stood: int = 0
    doubled: int = 0


@contextlib.asynccontextmanager
async def standing(driver: str, trouble: Trouble, seed: int = 1) -> AsyncIterator[Standing]:
    """A driver before its board, not connected yet."""
    if driver == "contacts":
        chance = random.Random(seed)
        async with contacts_bench() as contacts:
            contacts.slow = lambda: pass_time(chance.uniform(*trouble.late_s) * (chance.random() < trouble.share))
            yield contacts
        return
    async with line_bench(driver, trouble=trouble, seed=seed) as made:
        yield made


def on_late_line(driver: str, trouble: Trouble, *, count: int, seed: int = 1) -> Found:
    """So many calls of `grant`, with the polls and revocations of a lane between them, in virtual time."""
    return run_virtual(_grants(driver, trouble, count, seed))


async def _grants(driver: str, trouble: Trouble, count: int, seed: int) -> Found:
    found = Found()
    async with standing(driver, trouble, seed) as stands:
        barrier = stands.barrier
        for _ in range(count):
            before = stands.grants(Direction.ENTRY)
            stood = await _is_done(barrier.grant(Direction.ENTRY, TTL_MS))
            found.grants += 1
            found.stood += stood
            if stood:
                with contextlib.suppress(AssertionError):
                    stands.pass_through(Direction.ENTRY)
            found.doubled += stands.grants(Direction.ENTRY) - before > 1
            stands.told.events.clear()  # which is counted anew each time
            await _rest(stands)
    return found


def after_prompt_seconds(driver: str, plan: list[float]) -> int:
    """How often the board hears one call's grant, on a line that was prompt for twelve seconds and then answers so late."""

    async def story() -> int:
        trouble = Trouble(share=0.0, requests_lost=0.0)
        async with standing(driver, trouble) as stands:
            barrier = stands.barrier
            await barrier.connect()
            for _ in range(120):
                await barrier.status()
                await asyncio.sleep(0.1)
            trouble.plan = list(plan)
            before = stands.grants(Direction.ENTRY)
            for _ in range(2):
                await _is_done(barrier.status())
            await _is_done(barrier.grant(Direction.ENTRY, TTL_MS))
            return stands.grants(Direction.ENTRY) - before

    return run_virtual(story())


async def _rest(stands: Standing) -> None:
    """Until the next traveller: the lane takes back what may stand, polls, and connects anew when the line is lost."""
    barrier = stands.barrier
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
