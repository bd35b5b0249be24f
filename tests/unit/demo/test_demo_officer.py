"""The demo's officer keeps a line to the lane through whatever becomes of its program, and leaves none open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from pathlib import Path
from typing import Any

from core_fakes.shifts import shift

from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate_demo import officer as robots
from gate_demo.officer import Officer


async def test_a_lane_that_shows_views_and_takes_no_orders_is_hung_up_on(short_path: Path) -> None:
    asked = 0

    async def show(connection: Connection[Any]) -> None:
        nonlocal asked
        asked += 1
        with contextlib.suppress(Exception):
            await connection.receive()

    views, orders = short_path / "lane" / "lane.sock", short_path / "orders" / "orders.sock"
    officer = Officer(views=views, orders=orders, shift=shift(), on_view=lambda _: None)
    async with serve(CHANNELS.lane, views, show):
        running = asyncio.ensure_future(officer.run())
        async with asyncio.timeout(30):
            while asked < 2:  # noqa: ASYNC110 - the robot has no event to wait for
                await asyncio.sleep(robots.RECONNECT_S / 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        gc.collect()  # a line that was left open is a ResourceWarning, which fails the test
