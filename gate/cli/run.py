"""`gate run`: one program, or all of them as supervised children."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.channel.row import PROGRAMS
from gate.cli.configuration import configuration_errors, configured
from gate_core.command_line.options import ConfigFile
from gate_core.command_line.output import Exit, fail, note

if TYPE_CHECKING:
    from gate.programs.shared.config import Config


def command(
    program: str | None = typer.Argument(None, help=f"One of {', '.join(PROGRAMS)}; all of them when left out."),
    config: ConfigFile = None,
) -> None:
    """Run the programs of the appliance."""
    from gate.channel.errors import NoPlaceError
    from gate.programs.shared.runner import run_program
    from gate_core.programs.process import end_with_supervisor
    from gate_core.settings.environment import path_from_environment

    if program is not None and program not in PROGRAMS:
        fail(Exit.USAGE, f"no program {program}: one of {', '.join(PROGRAMS)}")
    settings = configured(config)
    with configuration_errors(config):
        # The lane asks the log besides which serial it began with. Code of other distributions is loaded after this.
        if program in {None, "vision"} or (program in {"lane", "registers"} and settings.has_outside_code):
            from gate.programs.shared.approval import approved

            approved(settings)
        if program in {None, "lane"}:
            from gate.programs.shared.approval import require_safe_files
            from gate.programs.shared.devices.profiles import require_profiles

            require_profiles(settings)
            require_safe_files(settings, config or path_from_environment())
    if program is None:
        _refuse_a_second_instance(settings)
        asyncio.run(_run_all(settings, config or path_from_environment()))
        return
    try:
        with configuration_errors(config):
            end_with_supervisor()
            run_program(program, settings)
    except (OSError, NoPlaceError) as error:
        fail(Exit.IO_ERROR, f"{program}: {error}")


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
