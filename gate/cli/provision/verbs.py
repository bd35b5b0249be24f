"""The verbs of `gate provision` besides `init`: find-reader, enrol, rotate-log-key, seal, decommission and report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from gate.cli.configuration import configured, endings
from gate.provision.steps import StepError, carry_out
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, emit_json, fail, note, real, say, tell
from gate_core.settings import environment

if TYPE_CHECKING:
    from gate.provision.steps import StepReport

_ID_MAX: Final = 128
_VKEY_MAX: Final = 2048


def show(
    schema: str,
    reports: Iterator[StepReport],
    *,
    as_json: bool,
    more: Callable[[], dict[str, object]] = dict,
    afterwards: str = "",
) -> NoReturn:
    """Run the steps and print each; ends the command. `more`: for the JSON document; `afterwards`: for people when all is done."""
    done = []
    for report in reports:
        done.append(report)
        if not as_json:
            say(f"{report.state.value:8} {report.id:14} {report.detail}")
    if as_json:
        emit_json(schema, {"steps": [{"id": r.id, "state": r.state.value, "detail": r.detail} for r in done], **more()})
    failure = next((report.failure for report in done if report.failure is not None), None)
    if afterwards and failure is None and not as_json:
        say(afterwards)
    raise typer.Exit(int(failure or Exit.OK))


def find_reader(
    port: Annotated[str, typer.Argument(help="A serial line, or /dev/input/by-id/…-event-kbd.")],
    listen_s: Annotated[float, typer.Option(min=0.1, max=600, help="How long to wait for a document.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Find out which document reader hangs on a port. Put a document on it again and again meanwhile: most only talk."""
    import asyncio

    from gate.programs.shared.devices import mrz_readers
    from gate_core.errors import DriverError

    with endings({DriverError: Exit.UNREACHABLE}):
        found = asyncio.run(mrz_readers.find_reader(port, listen_s=listen_s))
    settings = found.settings if found else None
    driver = settings.driver if settings else None
    profile = mrz_readers.profile_of(settings) if settings else None
    baud = mrz_readers.baud_of(settings) if settings else None
    detail = found.detail if found else "nothing answered, and nothing that came was known"
    fields = {"found": found is not None, "driver": driver, "profile": profile, "baud": baud, "detail": detail}
    told = f"driver {driver}{f', profile {profile}' if profile else ''}, {baud} baud; " if found else ""
    tell("provision.find-reader/1", fields, f"{port}: {told}{detail}", as_json=as_json)
    raise typer.Exit(int(Exit.OK if found else Exit.NO))


def enrol(
    central: Annotated[str, typer.Option(help="The central server, HOST:PORT.")],
    ca: Annotated[Path, typer.Option(help="The operator's authority, a PEM file from gate central init.")],
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the one-time token from gate central token; left out: standard input, or asked."
        ),
    ] = None,
    config: ConfigFile = None,
    again: Annotated[
        bool, typer.Option("--again", help="A new key and certificate, in place of those that are there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Get the device certificate from the central server and write the table `sync` of the configuration."""
    from gate.provision.answer_checks import central_problem
    from gate.provision.enrolment import Central, approval_due, enrolment_steps
    from gate.provision.technician import read_token

    if wrong := central_problem(central, {}):
        fail(Exit.USAGE, f"--central {wrong}")
    path, settings = config or environment.path_from_environment(), configured(config)
    server = Central(central, ca, partial(read_token, token_file))
    steps = enrolment_steps(path, settings, server, again=again, due=partial(approval_due, path))
    show("provision.enrol/1", carry_out(steps), as_json=as_json)


def rotate_log_key(config: ConfigFile = None, as_json: Json = False) -> None:
    """Give the log a new key, to which the old one hands over: run it, restart gate-log, and run it again. Exit 75 in between."""
    from gate.provision.log_key import rotation

    show("provision.rotate-log-key/1", carry_out(rotation(configured(config))), as_json=as_json)


def seal(config: ConfigFile = None, as_json: Json = False) -> None:
    """Seal with this machine's TPM, each for its program: the log's key, the device's passphrase, and the keys and certificates for lists and registers.
    Exit 1 without one: files of mode 0600 stay.
    """
    from gate.provision.installation import sealing

    with endings({StepError: None}):
        steps = sealing(configured(config))
    show("provision.seal/1", carry_out(steps), as_json=as_json)


def decommission(
    yes: Annotated[str, typer.Option(help="This gate's id, in place of being asked to type it.")] = "",
    export: Annotated[
        Path | None,
        typer.Option(help="An empty folder on another disk for the log, when the central server has not all of it."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes; left out: beside the gate's folders.")
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """End this gate: retire it at the central server, wipe its keys and records, and prove it. Killed, it goes on when it is run again."""
    from msgspec import to_builtins

    from gate.provision.decommission import Progress, decommission_steps, parts_of, roots_of
    from gate.provision.site import running_program
    from gate_core.audit_format.record import time_text
    from gate_core.programs.clock import now

    settings = configured(config)
    if not yes:
        note(f"this wipes {settings.gate_id} for good; type its id to go on:")
    if (yes or sys.stdin.readline(_ID_MAX)).strip() != settings.gate_id:
        fail(
            Exit.USAGE, f"nothing was done: this gate is {settings.gate_id}, and that is to be typed, or given as --yes"
        )
    try:
        name = running_program(settings)
    except PermissionError as error:
        fail(Exit.NOT_PERMITTED, f"nothing was done: {error.filename} is closed to this user; run it as root")
    if name is not None:
        fail(Exit.TRY_LATER, f"{name} runs: systemctl stop portcullis.target, then repeat this")
    if export is not None and any(real(export).is_relative_to(real(root)) for root in roots_of(settings)):
        fail(Exit.USAGE, f"--export {export}: that is one of the folders that are wiped")
    file = report or Path(settings.paths.state) / "decommissioned.json"
    with endings({StepError: Exit.BAD_DATA}):
        progress = Progress.read(file, settings.gate_id, time_text(now()), parts_of(settings))
    show(
        "provision.decommission/1",
        carry_out(decommission_steps(settings, progress, file, export)),
        as_json=as_json,
        more=lambda: {"report": str(file), **to_builtins(progress)},
    )


def report(
    config: ConfigFile = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write into, instead of the gate's state.")] = None,
    verify: Annotated[Path | None, typer.Option(help="Check this report, page or document, and make none.")] = None,
    vkey: Annotated[
        Path | None, typer.Option(help="The log's public key to check with; the gate's own without one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the acceptance report anew and list what is missing for service, or check a report. Exit 1: it does not hold, or service refuses."""
    import msgspec

    from gate.provision.report import describe, sign

    path = config or environment.path_from_environment()
    with endings({StepError: None}):
        if verify is not None:
            _verify(verify, _key_text(vkey, path), as_json=as_json)
        described = describe(path)
        missing = described.missing_for_service
        if not as_json:
            for one in missing:
                say(f"missing  {one.id:19} {one.why}")
        refused = described.gate.purpose == "service" and bool(missing)
        made = None if refused and not described.key.vkey else sign(path, described, out=out)
    if as_json:
        shown = msgspec.to_builtins(described)
        fields = {"report": made, "missing_for_service": shown["missing_for_service"], "steps": shown["lines"]}
        emit_json("provision.report/1", fields)
    else:
        say(f"report   {'not signed: there is no key of a log in service' if made is None else made['page']}")
    raise typer.Exit(int(Exit.NO if refused else Exit.OK))


def _verify(file: Path, vkey: str, *, as_json: bool) -> None:
    """Print whether a report is valid; ends the command."""
    from gate.provision.acceptance import REPORT_BYTES_MAX, NoReportError, claimed
    from gate_core.audit_format.errors import BadFormatError

    try:
        with endings({NoReportError: Exit.BAD_DATA}, f"{file} is no acceptance report: "), file.open("rb") as opened:
            found = claimed(opened.read(REPORT_BYTES_MAX + 1))
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {file}: {error.strerror}")
    with endings({BadFormatError: Exit.BAD_DATA}, "the key to check with is none: "):
        holds = found.is_signed(vkey)
    said = (
        f"well     {file} is as the gate signed it, by the key of {found.origin}"
        if holds
        else f"WRONG    {file} was changed, or another key has signed it than that of {found.origin}"
    )
    tell("provision.verify/1", {"verified": holds, "log": found.origin}, said, as_json=as_json)
    raise typer.Exit(int(Exit.OK if holds else Exit.NO))


def _key_text(vkey: Path | None, path: Path) -> str:
    """Return the public key for the check. Raises StepError."""
    from gate.provision.log_key import log_vkey
    from gate.provision.report import configuration_of
    from gate.provision.steps import step_errors

    if vkey is None:
        try:
            return log_vkey(configuration_of(path))
        except StepError as error:
            raise StepError(f"{error}; give --vkey", error.code) from error
    try:
        with step_errors(OSError, doing=f"cannot read {vkey}"), vkey.open(encoding="utf-8") as file:
            return file.read(_VKEY_MAX).strip()
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{vkey} holds no key")
