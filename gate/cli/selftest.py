"""`gate selftest`: whether this gate is fit for travellers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import typer

from gate.cli.output import Exit, emit_json, refuse_configuration, say
from gate.programs.shared.config import ConfigError
from gate.programs.shared.runner import load_config


def command(
    config: Path | None = typer.Option(None, help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Try every device, model, list, the clock and the disk."""
    from gate.programs.selftest import TestOutcome, run_all
    from gate.programs.shared.devices.profiles import require_profiles

    try:
        settings = load_config(config)
        require_profiles(settings)
    except ConfigError as error:
        refuse_configuration(error, config)

    def show(outcome: TestOutcome) -> None:
        if not as_json:
            say(f"{'well ' if outcome.ok else 'WRONG'}  {outcome.id:9} {outcome.detail}  ({outcome.took_ms} ms)")

    outcomes = asyncio.run(run_all(settings, on_outcome=show))
    ok = all(outcome.ok for outcome in outcomes)
    if as_json:
        emit_json("selftest/1", {"ok": ok, "checks": [asdict(outcome) for outcome in outcomes]})
    raise typer.Exit(int(Exit.OK if ok else Exit.NO))
