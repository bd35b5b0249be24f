"""Doors that are held open in an emergency from the first moment of the lane program, before its log, its lists and its parts are there.

A released leaf closes by itself: a board of the shortest known kind keeps it open for 3 s, and the lane repeats its order each second. So after
a death of the lane this must give its first order within 2 s. It loads little (no machine, no inference, no document child) and asks nobody.
The lane proper takes over when it is ready: both are one process, and the line is let go before the lane opens it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Final, NoReturn

from drivers.barrier.settings import BarrierSettings
from gate.channel import messages
from gate.passage.events import Event, PartBack
from gate.passage.evidence import Door
from gate.passage.screen import Guidance, Screen
from gate.programs.lane.parts import BarrierKeeper
from gate.programs.lane.views import Views
from gate.programs.shared.config import Config
from gate.programs.shared.devices.barriers import barrier
from gate.programs.shared.status import serve_status

AGAIN_S: Final = 1.0


@contextlib.asynccontextmanager
async def held_open(config: Config) -> AsyncIterator[None]:
    """Hold every door open and show the way out while the block runs. Raises NoPlaceError, and SetupError for a barrier that can never work."""
    doors = ((config.first_driven, Door.FIRST), (config.driven, Door.LAST))
    keepers = [_keeper(settings, door) for settings, door in doors if settings is not None]
    views = Views(status=_status, purpose=config.purpose, asked=lambda _: None)
    views.show(messages.View(Screen.EMERGENCY, Guidance.NONE, None, None, config.purpose))
    async with serve_status(config, "lane", _status), views.serve(config.socket("lane")):
        holding = [asyncio.ensure_future(one.run()) for one in keepers]
        holding.append(asyncio.ensure_future(_again(keepers)))
        try:
            yield
        finally:
            for one in holding:
                one.cancel()
            await asyncio.gather(*holding, return_exceptions=True)


def _keeper(settings: BarrierSettings, door: Door) -> BarrierKeeper:
    def heard(event: Event) -> None:
        if isinstance(event, PartBack):
            keeper.release()

    keeper = BarrierKeeper(
        barrier(settings), post=heard, poll_s=settings.poll_ms / 1000, door=door, holds_open=lambda: True
    )
    return keeper


async def _again(keepers: Collection[BarrierKeeper]) -> NoReturn:
    while True:
        await asyncio.sleep(AGAIN_S)
        for one in keepers:
            one.release()


def _status() -> messages.Status:
    """The lane's status until the lane proper is there."""
    return messages.Status("lane", "degraded", {"state": "emergency", "in_service": False})
