"""The log's proof that it could take a record: it counts until one fails, or until a record is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gate.programs.log.context import Timing
from gate.programs.log.server import Probe

SOON = Timing(proof_again_s=0.02, proof_every_s=60.0)


class Disk:
    """What a proof finds. While `hangs` is set none comes to an end."""

    def __init__(self) -> None:
        self.is_well = True
        self.asked = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def prove(self, _: bytes) -> bool:
        self.asked += 1
        await self.goes_on.wait()
        return self.is_well


@contextlib.asynccontextmanager
async def probing(disk: Disk) -> AsyncIterator[Probe]:
    probe = Probe(disk.prove, SOON)
    task = asyncio.ensure_future(probe.run())
    try:
        yield probe
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(probe: Probe, *, able: bool) -> None:
    async with asyncio.timeout(5):
        while probe.is_able is not able:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


async def test_before_the_first_proof_nothing_is_proven() -> None:
    disk = Disk()
    assert not Probe(disk.prove, SOON).is_able
    async with probing(disk) as probe:
        await until(probe, able=True)


async def test_a_refused_record_takes_the_proof_away_at_once_and_another_is_asked_for_soon() -> None:
    disk = Disk()
    async with probing(disk) as probe:
        await until(probe, able=True)
        assert disk.asked == 1
        probe.doubt()
        assert not probe.is_able
        await until(probe, able=True)
        assert disk.asked == 2


async def test_a_proof_that_fails_takes_the_one_before_away() -> None:
    disk = Disk()
    async with probing(disk) as probe:
        await until(probe, able=True)
        disk.is_well = False
        probe.doubt()
        await asyncio.sleep(0.2)
        assert not probe.is_able
        assert disk.asked > 2
        disk.is_well = True
        await until(probe, able=True)


async def test_a_proof_that_was_asked_for_before_a_record_was_refused_proves_nothing() -> None:
    disk = Disk()
    disk.goes_on.clear()
    async with probing(disk) as probe:
        await asyncio.sleep(0.02)
        probe.doubt()
        disk.goes_on.set()
        await asyncio.sleep(0)
        assert not probe.is_able
        await until(probe, able=True)
        assert disk.asked == 2
