"""A program that grants one passage and waits to be killed: `python -m gate.programs.provisioning.granting`, orders on standard input.

It says `open` once it has seen the leaf open, or one line that says why not. Left alone it ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

import msgspec

from drivers.barrier.settings import BarrierSettings
from gate.programs.shared.devices.barriers import barrier
from gate_core.errors import DriverError
from gate_core.ports.values import Direction, LeafPosition


async def grant_and_wait(settings: BarrierSettings, ttl_ms: int) -> None:
    """Grant, say when the leaf is open, and go on asking as a lane does."""
    driver = barrier(settings)
    await driver.connect()
    await driver.grant(Direction.ENTRY, ttl_ms)
    said = False
    while True:
        status = await driver.status()
        if status.position is LeafPosition.OPEN and not said:
            said = True
            sys.stdout.write("open\n")
            sys.stdout.flush()
        await asyncio.sleep(settings.poll_ms / 1000)


async def _main() -> None:
    order = json.loads(sys.stdin.readline())
    settings: BarrierSettings = msgspec.json.decode(order["settings"], type=BarrierSettings)
    working = asyncio.ensure_future(grant_and_wait(settings, int(order["ttl_ms"])))
    gone = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    try:
        await working
    except DriverError as error:
        # At once: this program ends only when the thread that reads its standard input does.
        sys.stdout.write(f"{error}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_main())
