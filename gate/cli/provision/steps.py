"""How the steps of a verb of `gate provision` are shown, and with which exit code it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn

import typer

from gate.provision.steps import (
    AwayStepError,
    ConfigurationStepError,
    ContentStepError,
    ForbiddenStepError,
    LaterStepError,
    NoStepError,
    Report,
    StepError,
    StepState,
)
from gate_core.command_line.output import Exit, emit_json, say

_CODES: dict[type[StepError] | None, Exit] = {
    None: Exit.OK,
    StepError: Exit.IO_ERROR,
    ConfigurationStepError: Exit.CONFIG,
    ContentStepError: Exit.BAD_DATA,
    AwayStepError: Exit.UNREACHABLE,
    ForbiddenStepError: Exit.NOT_PERMITTED,
    LaterStepError: Exit.TRY_LATER,
    NoStepError: Exit.NO,
}


def show(
    schema: str,
    reports: Iterator[Report],
    *,
    as_json: bool,
    more: Callable[[], dict[str, object]] = dict,
    afterwards: str = "",
) -> NoReturn:
    """Do the steps and tell of each; ends the command. `more` is for the JSON document, `afterwards` for people when all is done."""
    done = []
    for report in reports:
        done.append(report)
        if not as_json:
            say(f"{report.state.value:8} {report.id:14} {report.detail}")
    if as_json:
        emit_json(schema, {"steps": [{"id": r.id, "state": r.state.value, "detail": r.detail} for r in done], **more()})
    failure = next((report.failure for report in done if report.state is StepState.FAILED), None)
    if afterwards and failure is None and not as_json:
        say(afterwards)
    raise typer.Exit(int(_CODES[failure]))
