"""The lane program's entry: an emergency that an earlier run left is held open at once, then everything else is loaded and the lane begins.

`gate.programs.lane.lane` is the composition root. A thread loads it while the doors are held: its modules take a second or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from pathlib import Path

from gate.programs.lane.emergency_hold import STATE_FILE, held_open, is_held
from gate.programs.shared.config import Config
from gate_core import durable

FOLDER = "lane"


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """The lane program. Ends when `stop` is set. Raises ConfigError for lists that this gate must not use, and for what nobody approved."""
    folder = Path(config.paths.state) / FOLDER
    durable.make_folder(folder, mode=0o700)
    async with contextlib.AsyncExitStack() as ending:
        if is_held(folder / STATE_FILE):
            await ending.enter_async_context(held_open(config))
        await asyncio.to_thread(importlib.import_module, "gate.programs.lane.lane")
        from gate.programs.lane import lane  # noqa: PLC0415 - loaded by now

        prepared = await lane.prepare(config, state_folder=folder)
    await lane.serve(prepared, stop=stop)
