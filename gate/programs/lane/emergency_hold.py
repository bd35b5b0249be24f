"""Holds doors open in an emergency from the lane program's first moment, before its log, lists and devices are ready.

A released leaf closes by itself: the board with the shortest time keeps it open for 3 s, and the lane repeats its order
each second. So after a death of the lane, the first order must follow within 2 s: this module loads only the barrier
drivers and waits for nothing. The lane takes over when it is ready, in this process, after the line is closed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from gate.channel.message import Status
from gate.programs.shared.devices.barriers import barrier
from gate.programs.shared.status import serve_status
from gate_core.errors import DriverError
from gate_core.ports.drivers import BarrierDriver

if TYPE_CHECKING:
    from gate.programs.shared.config import Config

STATE_FILE: Final = "state.json"
STATE_BYTES_MAX: Final = 64 * 1024
AGAIN_S: Final = 1.0
RECONNECT_S: Final = 0.25
TOLD_S_MAX: Final = 5.0  # after that, doors without an order no longer delay the rest


def state_bytes(path: Path) -> bytes:
    """Return a state file's content, with one extra byte if it is too long. Raises OSError, also for a folder."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        return file.read(STATE_BYTES_MAX + 1)


def is_held(state_file: Path) -> bool:
    """True if the state file says that the host held doors open. `state_file` reads the rest later, with types."""
    try:
        return json.loads(state_bytes(state_file))["state"]["emergency"]["held"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


@contextlib.asynccontextmanager
async def held_open(config: Config) -> AsyncIterator[None]:
    """Hold all doors open, and show the emergency screen, while the block runs. Raises SetupError."""
    drivers = [barrier(one) for one in (config.first_driven, config.driven) if one is not None]
    told = [asyncio.Event() for _ in drivers]
    async with serve_status(config, "lane", _status):
        holding = [asyncio.ensure_future(_hold(*one)) for one in zip(drivers, told, strict=True)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_S_MAX):
                await asyncio.gather(*(door.wait() for door in told))
        holding.append(asyncio.ensure_future(_show(config)))
        try:
            yield
        finally:
            for one in holding:
                one.cancel()
            await asyncio.gather(*holding, return_exceptions=True)
            for driver in drivers:
                driver.close()


async def _hold(driver: BarrierDriver, told: asyncio.Event) -> NoReturn:
    while True:
        try:
            await driver.connect(revoke=False)
            while True:
                await driver.release()
                told.set()
                await asyncio.sleep(AGAIN_S)
        except DriverError:
            driver.close()
            await asyncio.sleep(RECONNECT_S)


async def _show(config: Config) -> NoReturn:
    from gate.channel.screen_messages import View  # noqa: PLC0415 - the doors are opened first
    from gate.programs.lane.views import Views  # noqa: PLC0415
    from gate_core.evidence.screen import Guidance, Screen  # noqa: PLC0415

    views = Views(status=_status, purpose=config.purpose, asked=lambda _: None)
    views.show(View(Screen.EMERGENCY, Guidance.NONE, None, None, config.purpose))
    async with views.serve(config.socket("lane")):
        await asyncio.Event().wait()
    raise AssertionError("this event is never set")


def _status() -> Status:
    return Status("lane", "degraded", {"state": "emergency", "in_service": False})
