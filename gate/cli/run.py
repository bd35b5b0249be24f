"""`gate run`: one program, or all of them as supervised children."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.run_one import PROGRAMS, allowed, run_one
from gate_core.command_line.options import ConfigFile
from gate_core.command_line.output import Exit, fail, note
from gate_core.settings.environment import path_from_environment

if TYPE_CHECKING:
    from gate.programs.shared.config import Config


def command(
    program: str | None = typer.Argument(None, help=f"One of {', '.join(PROGRAMS)}; all of them when left out."),
    config: ConfigFile = None,
) -> None:
    """Run the programs of the appliance."""
    if program is not None:
        if program not in PROGRAMS:
            fail(Exit.USAGE, f"no program {program}: one of {', '.join(PROGRAMS)}")
        run_one(program, config)
        return
    settings = allowed(None, config)
    _refuse_a_second_instance(settings)
    asyncio.run(_run_all(settings, config or path_from_environment()))


def _refuse_a_second_instance(settings: Config) -> None:
    """Programs that find another instance end, and would be restarted for ever."""
    from gate.channel.errors import NoPlaceError
    from gate.channel.place import only_instance

    for name in settings.programs:
        try:
            with only_instance(settings.runtime(name)):
                pass
        except NoPlaceError as error:
            fail(Exit.IO_ERROR, f"{name}: {error}")


async def _run_all(settings: Config, config: Path) -> None:
    from gate.programs.shared.supervisor import Child, Family

    children = [
        Child(name, config, output=None, on_start=lambda name: note(f"started {name}")) for name in settings.programs
    ]
    family = Family(children)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with family.running():
        await stop.wait()
