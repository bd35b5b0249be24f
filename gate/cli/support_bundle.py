"""`gate support-bundle`: one file with what a maker needs to find a fault, without personal data."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from gate.cli.configuration import configured, file_errors
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, tell


def command(
    out: Path | None = typer.Option(
        None,
        help="The file to write, a tar that is not there yet; in this folder, named by gate and time, when left out.",
    ),
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Collect versions, configuration, status, self-test, journal and counters. No names, no secrets, nothing of a traveller."""
    from gate.programs.selftest import run_all
    from gate.programs.shared.status import hear_all
    from gate.programs.support.bundle import NEVER, collect, journal_of_our_units, write
    from gate_core import durable
    from gate_core.programs import clock

    settings = configured(config)
    made_at = clock.now()
    out = out or Path(f"portcullis-support-{settings.gate_id}-{made_at:%Y%m%dT%H%M%SZ}.tar")
    if out.exists():
        fail(Exit.IO_ERROR, f"{out} is there already and is kept; name another file")
    bundle = asyncio.run(collect(settings, told_by=hear_all, tests=run_all, journal=journal_of_our_units))
    with file_errors(doing=f"cannot write {out}"), durable.writing(out, mode=0o600, new_only=True) as file:
        write(bundle, file, made_at)
    fields = {"out": str(out), **bundle.manifest(made_at), "schema": "support-bundle/1"}
    said = [f"  {part.name:20} {len(part.content):8} bytes  {part.says}" for part in bundle.parts]
    said += [f"  missing: {one}" for one in bundle.missing]
    said += [f"  never in it: {one}" for one in NEVER]
    tell("support-bundle/1", fields, str(out), *said, as_json=as_json)
