"""The lane program's entry: an emergency that an earlier run left is held open at once, then everything else is loaded and the lane begins.

`gate.programs.lane.lane` is the composition root. It is loaded while the doors are held, by a thread: its modules take a second or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from pathlib import Path

from gate import durable
from gate.passage.lasting import UNKNOWN, LastingState
from gate.programs.lane.state_file import StateLostError, read_state
from gate.programs.shared.config import Config

FOLDER = "lane"

log = logging.getLogger("lane")


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """The lane program. Ends when `stop` is set. Raises ConfigError for lists that this gate must not use, and for what nobody approved."""
    folder = Path(config.paths.state) / FOLDER
    durable.make_folder(folder, mode=0o700)
    left = _left(folder)
    async with contextlib.AsyncExitStack() as ending:
        if left is not None and left.emergency is not None and left.emergency.held:
            from gate.programs.lane.emergency_hold import held_open  # noqa: PLC0415 - what is not needed is not loaded

            await ending.enter_async_context(held_open(config))
        await asyncio.to_thread(importlib.import_module, "gate.programs.lane.lane")
        from gate.programs.lane import lane  # noqa: PLC0415 - loaded by now

        prepared = await lane.prepare(config, folder=folder, last=left)
    await lane.serve(prepared, stop=stop)


def _left(folder: Path) -> LastingState | None:
    """What the last run left; None: there is no file, and only the log knows whether there should be."""
    try:
        return read_state(folder)
    except StateLostError as error:
        log.critical("state_lost", extra={"reason": str(error)})
        return UNKNOWN
