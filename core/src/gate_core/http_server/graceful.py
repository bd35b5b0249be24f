"""The HTTP server that sleeps until it is told to end: uvicorn itself looks ten times a second whether it was."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import uvicorn

DATE_EVERY_S: Final = 1.0  # the date in the head of each answer is so old at most


class GracefulServer(uvicorn.Server):
    """uvicorn, told to end by `should_exit`: also from a signal's handler, as it does itself."""

    date_every_s = DATE_EVERY_S

    def __init__(self, config: uvicorn.Config) -> None:
        self._ends = False
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        """True once it was told to end."""
        return self._ends

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._ends = ends
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def main_loop(self) -> None:
        """Keep the date until told to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.date_every_s):
                    await self._woken.wait()
