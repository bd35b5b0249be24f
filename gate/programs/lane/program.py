"""Entry point of the lane program. Holds doors open if an earlier run left an emergency; loads and starts the lane.

`gate.programs.lane.lane` is the composition root. A thread loads it while the doors are held, for a second or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from pathlib import Path

from gate.programs.lane.emergency_hold import STATE_FILE, held_open, is_held
from gate.programs.shared.config import Config
from gate_core import durable
from gate_core.programs.process import loading

FOLDER = "lane"


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """Run the lane program until `stop` is set. Raises ConfigError for unusable lists or a missing approval."""
    folder = Path(config.paths.state) / FOLDER
    durable.make_folder(folder, mode=0o700)
    async with contextlib.AsyncExitStack() as ending:
        if is_held(folder / STATE_FILE):
            await ending.enter_async_context(held_open(config))
        with loading():
            await asyncio.to_thread(importlib.import_module, "gate.programs.lane.lane")
        from gate.programs.lane import lane  # noqa: PLC0415 - loaded by now

        prepared = await lane.prepare(config, state_folder=folder)
    await lane.serve(prepared, stop=stop)
