"""`gate status`: queries the running programs over their Unix sockets, and prints the result."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gate.channel.row import OPERATORS
from gate.cli.configuration import configuration_errors
from gate.programs.shared.config import load
from gate.programs.shared.program_status import ProgramStatus, Silence
from gate.programs.shared.status_client import ask_all
from gate.programs.shared.status_page import StatusPage
from gate_core.command_line.output import Exit, emit_json, note, say
from gate_core.programs import clock
from gate_core.settings.environment import path_from_environment

WATCH_S = 1.0


def show(config: Path | None, *, watch: bool, as_json: bool) -> Exit:
    """Query and print, repeatedly with `watch`; return the exit code. Raises typer.Exit for an invalid configuration."""
    with configuration_errors(config):
        settings = load(config or path_from_environment())
    while True:
        answers = ask_all(settings)
        page = StatusPage(settings, answers, clock.is_synchronised(), _start_page)
        try:
            if as_json:
                emit_json("gate.status/1", page.fields())
            else:
                say(page.line() if watch else page.page())
        except BrokenPipeError:  # the reader has closed the pipe
            sys.stdout = None
            return Exit.NO
        if not watch:
            code = _code(answers)
            if code is Exit.NOT_PERMITTED:
                note(f"gate: this user may not ask the programs; root and members of {OPERATORS} may")
            return code
        time.sleep(WATCH_S)


def _start_page(folder: Path) -> Path:
    from gate.programs.screens.kiosk_start import start_page

    return start_page(folder)


def _code(answers: ProgramStatus) -> Exit:
    """Return the exit code."""
    if Silence.NO_RIGHT in answers.answers.values():
        return Exit.NOT_PERMITTED
    if answers.is_away("lane"):
        return Exit.UNREACHABLE
    return Exit.OK if answers.ok else Exit.NO
