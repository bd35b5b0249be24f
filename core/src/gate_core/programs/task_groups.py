"""Runs several loops until the first ends; and waits for an event with a time limit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any


async def run_until_first_exits(*loops: Coroutine[Any, Any, object]) -> None:
    """Run all until one ends, then cancel the others and wait for them. Raises what the first one raised."""
    running = [asyncio.ensure_future(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for task in done:
        task.result()


async def wait_at_most(event: asyncio.Event, within_s: float) -> bool:
    """Wait for the event, at most `within_s`; True if it was set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            return await event.wait()
    return False
