"""`gate selftest`: whether this gate is fit for travellers, as far as the calling user may see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from gate.cli.configuration import configured
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, emit_json, say

if TYPE_CHECKING:
    from gate.programs.selftest import TestOutcome


def command(config: ConfigFile = None, as_json: Json = False) -> None:
    """Try every device, model, list, the clock and the disk, and whether the gate is in service.

    Exit 1: something is wrong, or the gate is out of service. 77: nothing is, and this user may not look at everything. 75: nothing is, and something
    was busy, or an officer has closed the lane.
    """
    from gate.programs.selftest import in_service, run_all
    from gate.programs.shared.devices.profiles import require_profiles

    settings = configured(config, require_profiles)

    def show(outcome: TestOutcome) -> None:
        if not as_json:
            word = outcome.state.value.replace("_", " ")
            say(f"{word if outcome.ok else word.upper():8}  {outcome.id:18} {outcome.detail}  ({outcome.took_ms} ms)")

    outcomes = asyncio.run(run_all(settings, on_outcome=show, more={"service": in_service}))
    if as_json:
        checks = [
            {"id": one.id, "ok": one.ok, "state": one.state.value, "detail": one.detail, "took_ms": one.took_ms}
            for one in outcomes
        ]
        emit_json("selftest/1", {"ok": all(one.ok for one in outcomes), "checks": checks})
    raise typer.Exit(int(code_of(outcomes)))


def code_of(outcomes: list[TestOutcome]) -> Exit:
    """Return the code of the worst result: defects come before tests that could not run."""
    from gate.programs.selftest import State

    found = {one.state for one in outcomes}
    if State.WRONG in found:
        return Exit.NO
    if State.NO_RIGHT in found:
        return Exit.NOT_PERMITTED
    return Exit.TRY_LATER if found & {State.BUSY, State.CLOSED} else Exit.OK
