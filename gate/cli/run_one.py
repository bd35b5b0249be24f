"""Run one program, as its unit does, with the configuration that it may start with. Loads no command-line library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.channel.row import PROGRAMS
from gate.cli.configuration import configuration_errors, configured
from gate_core.command_line.output import Exit, fail
from gate_core.programs.process import end_with_supervisor, loading
from gate_core.settings.environment import path_from_environment

if TYPE_CHECKING:
    from pathlib import Path

    from gate.programs.shared.config import Config


__all__ = ["PROGRAMS", "allowed", "run_one"]


def run_one(program: str, config: Path | None) -> int:
    """Run one of `PROGRAMS` until it is told to stop; return its exit code."""
    from gate.channel.errors import NoPlaceError

    with loading():
        from gate.programs.shared.runner import run_program

        settings = allowed(program, config)
    try:
        with configuration_errors(config):
            end_with_supervisor()
            run_program(program, settings)
    except (OSError, NoPlaceError) as error:
        fail(Exit.IO_ERROR, f"{program}: {error}")
    return Exit.OK


def allowed(program: str | None, config: Path | None) -> Config:
    """Return the configuration if this program, or all of them for None, may start with it. Ends the command if not."""
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
    return settings
