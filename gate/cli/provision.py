"""`gate provision`: a technician's way from a bare machine to a gate in service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.output import Exit, emit_json, fail, note, refuse_configuration, say
from gate.programs.shared import config as configuration
from gate.programs.shared.clock import now
from gate.programs.shared.config import Config, ConfigError
from gate.provision.answers import Answers
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
    carry_out,
)

if TYPE_CHECKING:
    from gate.provision.init_steps import Site

app = typer.Typer()
_ID_MAX = 128

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

Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
# The options of init by the keys that their answers have in a file, where these are others.
_OPTIONS = {
    "barrier.port": "--barrier",
    "barrier.driver": "--barrier-driver",
    "barrier.profile": "--profile",
    "first_barrier.port": "--first-barrier",
    "sensors.port": "--sensors",
    "sensors.profile": "--sensors-profile",
    "swipe.port": "--swipe",
    "swipe.driver": "--swipe-driver",
    "swipe.profile": "--swipe-profile",
    "page.source": "--page",
    "chip.driver": "--chip",
    "camera.address": "--camera",
    "auditors": "--auditor",
    "gate_id": "--gate-id",
}


@app.callback(invoke_without_command=True)
def way(
    context: typer.Context,
    answers: Annotated[
        Path | None, typer.Option(help="A file of answers (TOML); without one they are asked for on the terminal.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="One folder for everything, instead of the system's.")] = None,
    again: Annotated[list[str] | None, typer.Option(help="A step to be done again; repeatable.")] = None,
    wait_s: Annotated[float, typer.Option(min=1, max=900, help="How long the technician may take for an act.")] = 90.0,
    as_json: Json = False,
) -> None:
    """From a bare machine to a gate in service, step by step; ends with the acceptance report. Run again, it goes on where it stopped."""
    if context.invoked_subcommand is not None:
        return
    from gate.cli.provision_way import Place, go
    from gate.provision.init_steps import init_steps
    from gate.provision.way import TITLES

    steps = again or []
    if unknown := set(steps) - TITLES.keys():
        fail(Exit.USAGE, f"--again {min(unknown)}: there is no such step; there are {', '.join(TITLES)}")
    place = root.resolve() if root else None
    path = place / "gate.toml" if place else configuration.DEFAULT_PATH
    go(
        Place(path, _kept_in(path, place), place),
        answers_file=answers,
        again=steps,
        wait_s=wait_s,
        as_json=as_json,
        init=lambda given, where: init_steps(given, where, read=_site, make_log_key=_make_log_key),
        check=_site,
    )


def _kept_in(path: Path, root: Path | None) -> Path:
    """Where what is kept of the way lies: in the gate's state, also before there is a configuration."""
    from gate.programs.shared.config import Paths
    from gate.provision.course import FOLDER

    try:
        state = configuration.load(path).paths.state
    except ConfigError:
        state = str(root / "state") if root else Paths().state
    return Path(state) / FOLDER


@app.command()
def init(
    context: typer.Context,
    operator: Annotated[str, typer.Option(help="The operator's domain, the first half of the log's origin.")],
    gate_id: Annotated[str, typer.Option(help="This gate's name: small letters, digits, hyphens.")],
    camera: Annotated[str, typer.Option(help="The camera's address.")],
    auditor: Annotated[list[str], typer.Option(help="An auditor's age recipient; twice at least.")],
    barrier: Annotated[
        str, typer.Option(help="The barrier's serial line; none: the gate watches an officer work (mode = shadow).")
    ] = "",
    swipe: Annotated[str, typer.Option(help="The MRZ reader's serial line; none: the page is read by picture.")] = "",
    page: Annotated[
        str, typer.Option(help="A document camera's address or device, or the folder of a scanner's service.")
    ] = "",
    officers: Annotated[
        str,
        typer.Option(help="The officers' authority's public key, from gate officer authority init; none: no officers."),
    ] = "",
    profile: Annotated[
        str, typer.Option(help="The barrier's profile in drivers/profiles/barrier, or the path of your own.")
    ] = "portcullis-sim",
    barrier_driver: Annotated[
        str, typer.Option(help="modbus, modbus-tcp, framed or contacts: what the barrier's profile is for.")
    ] = "modbus",
    first_barrier: Annotated[
        str, typer.Option(help="The first of two doors' serial line, with a board as the barrier's; none: one door.")
    ] = "",
    sensors: Annotated[
        str, typer.Option(help="The sensor unit's serial line: between two doors, or in the cabinet of a lane of one.")
    ] = "",
    sensors_profile: Annotated[
        str, typer.Option(help="The sensor unit's profile in drivers/profiles/sensors, or the path of your own.")
    ] = "portcullis-sim",
    swipe_driver: Annotated[str, typer.Option(help="elyctis, stx, text, imager or keyboard.")] = "elyctis",
    swipe_profile: Annotated[str, typer.Option(help="For stx and imager: a profile of drivers/profiles/readers.")] = "",
    chip: Annotated[str, typer.Option(help="pcsc or direct.")] = "pcsc",
    chip_socket: Annotated[str, typer.Option(help="The chip reader's socket, when not the usual one.")] = "",
    purpose: Annotated[str, typer.Option(help="demo, trial or service.")] = "service",
    root: Annotated[Path | None, typer.Option(help="One folder for everything, instead of the system's.")] = None,
    as_json: Json = False,
) -> None:
    """Write the configuration, make the keys, fetch the models. What exists is kept."""
    from gate.provision.init_steps import init_steps

    answers = Answers(
        purpose=purpose,
        operator=operator,
        gate_id=gate_id,
        barrier_port=barrier,
        barrier_driver=barrier_driver,
        barrier_profile=profile,
        first_barrier_port=first_barrier,
        sensors_port=sensors,
        sensors_profile=sensors_profile,
        swipe_port=swipe,
        swipe_driver=swipe_driver,
        swipe_profile=swipe_profile,
        page=page,
        chip_driver=chip,
        chip_socket=chip_socket,
        camera=camera,
        recipients=tuple(auditor),
        officers=officers,
        root=root.resolve() if root else None,
    )
    if problems := answers.problems():
        fail(Exit.USAGE, "; ".join(f"{_OPTIONS.get(one.key, f'--{one.key}')}: {one.why}" for one in problems))
    path = (answers.root / "gate.toml") if answers.root else configuration.DEFAULT_PATH
    steps = init_steps(answers, path, read=_site, make_log_key=_make_log_key, given=_given(context))
    _show("provision.init/1", carry_out(steps), as_json=as_json, afterwards=_next(path, answers))


def _given(context: typer.Context) -> frozenset[str]:
    """The keys of gate.toml that options on the command line are about: what was left out asks for nothing."""
    keys = {
        "barrier": ("barrier.port",),
        "barrier_driver": ("barrier.driver", "first_barrier.driver"),
        "profile": ("barrier.profile", "first_barrier.profile"),
        "first_barrier": ("first_barrier.port",),
        "sensors": ("sensors.port",),
        "sensors_profile": ("sensors.profile",),
        "swipe": ("swipe.port",),
        "swipe_driver": ("swipe.driver",),
        "swipe_profile": ("swipe.profile",),
        "page": ("page.address", "page.path"),
        "chip": ("chip.driver",),
        "chip_socket": ("chip.socket",),
        "camera": ("camera.address",),
        "auditor": ("audit.recipients",),
        "officers": ("officers.authority",),
    }
    sources = {name: context.get_parameter_source(name) for name in context.params}
    named = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    return frozenset(key for name in named for key in keys.get(name, (name,)))


def _next(path: Path, answers: Answers) -> str:
    """What comes after init."""
    root = f" --root {answers.root}" if answers.root else ""
    config = f" --config {path}" if answers.root else ""
    return (
        f"next     gate provision{root} goes on from here, step by step, to the acceptance report; "
        f"or by hand: gate trust import, gate provision enrol, gate selftest{config}"
    )


def _make_log_key(path: Path, origin: str) -> str:
    from gate.programs.provisioning.log_key import make_key, publish

    vkey = make_key(path, origin)
    publish(path, origin)
    return vkey


def _site(path: Path) -> Site:
    """What the configuration says to the steps. Raises ConfigurationStepError."""
    from gate.programs.shared.devices.profiles import require_profiles
    from gate.provision.init_steps import Site
    from gate.provision.units import vision_drop_in

    try:
        config = configuration.load(path)
        require_profiles(config)
    except ConfigError as error:
        raise ConfigurationStepError(str(error.placed(path))) from error
    paths = config.paths
    reached = [device.reach for device in (config.camera, config.page) if device is not None]
    return Site(
        origin=config.origin,
        folders=tuple(Path(name) for name in (paths.state, paths.spool, paths.inbox, paths.models, paths.keys)),
        keys=Path(paths.keys),
        models=Path(paths.models),
        face_profile=config.face.profile,
        drop_in=vision_drop_in(
            hosts=[reach.host for reach in reached if reach.host is not None],
            folders=[reach.folder for reach in reached if reach.folder is not None],
        ),
    )


@app.command("find-reader")
def find_reader(
    port: Annotated[str, typer.Argument(help="A serial line, or /dev/input/by-id/…-event-kbd.")],
    listen_s: Annotated[float, typer.Option(min=0.1, max=600, help="How long to wait for a document.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Find out which document reader hangs on a port. Put a document on it again and again meanwhile: most only talk."""
    import asyncio

    from drivers.errors import DriverError
    from gate.programs.shared.devices import mrz_readers

    try:
        found = asyncio.run(mrz_readers.find_reader(port, listen_s=listen_s))
    except DriverError as error:
        fail(Exit.UNREACHABLE, str(error))
    if as_json:
        settings = found.settings if found else None
        emit_json(
            "provision.find-reader/1",
            {
                "found": found is not None,
                "driver": settings.driver if settings else None,
                "profile": mrz_readers.profile_of(settings) if settings else None,
                "baud": mrz_readers.baud_of(settings) if settings else None,
                "detail": found.detail if found else "nothing answered, and nothing that came was known",
            },
        )
    elif found is None:
        say(f"{port}: nothing answered, and nothing that came was known")
    else:
        name = mrz_readers.profile_of(found.settings)
        profile = f", profile {name}" if name else ""
        say(
            f"{port}: driver {found.settings.driver}{profile}, {mrz_readers.baud_of(found.settings)} baud; {found.detail}"
        )
    raise typer.Exit(int(Exit.OK if found is not None else Exit.NO))


@app.command()
def enrol(
    central: Annotated[str, typer.Option(help="The central server, HOST:PORT.")],
    ca: Annotated[Path, typer.Option(help="The operator's authority, a PEM file from gate central init.")],
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the one-time token from gate central token; left out: standard input, or asked."
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="A new key and certificate, in place of those that are there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Get the device certificate from the central server and write the table `sync` of the configuration."""
    from gate.cli.token import read_token
    from gate.programs.provisioning.log_key import vkey_of
    from gate.provision.enrol_steps import Central, enrol_steps

    path = config or configuration.path_from_environment()
    try:
        settings = configuration.load(path)
    except ConfigError as error:
        refuse_configuration(error, path)
    steps = enrol_steps(
        path,
        Central(central, ca, partial(read_token, token_file)),
        gate_id=settings.gate_id,
        home=Path(settings.paths.identity),
        again=again,
        log_vkey=partial(vkey_of, Path(settings.paths.keys) / "log.key", settings.origin),
        check=_site,
        now=now,
    )
    _show("provision.enrol/1", carry_out(steps), as_json=as_json)


@app.command("rotate-log-key")
def rotate_log_key(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None, as_json: Json = False
) -> None:
    """Give the log a new key, to which the old one hands over: run it, restart gate-log, and run it again. Exit 75 in between."""
    from gate.programs.provisioning.log_key import make_key, vkey_of
    from gate.provision.log_key import rotate_steps

    try:
        settings = configuration.load(config or configuration.path_from_environment())
    except ConfigError as error:
        refuse_configuration(error, config)

    steps = rotate_steps(
        Path(settings.paths.keys),
        make=partial(make_key, origin=settings.origin),
        newest=partial(_handed_over_to, settings),
        vkey_of=partial(vkey_of, origin=settings.origin),
    )
    _show("provision.rotate-log-key/1", carry_out(steps), as_json=as_json)


def _handed_over_to(settings: Config) -> str | None:
    """The newest key of the published log, if one has handed over."""
    from gate.audit.errors import BadFormatError, BadSignatureError
    from gate.audit.export import Outlet
    from gate.audit.handover import Handover

    try:
        words = Outlet(Path(settings.paths.spool)).handovers()
        return Handover.parse(words[-1]).new.vkey if words else None
    except (OSError, BadFormatError, BadSignatureError) as error:
        raise StepError(f"the spool's handovers cannot be read: {error}") from error


@app.command()
def seal(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Json = False,
) -> None:
    """Seal the log's key with this machine's TPM, for the log program alone. Exit 1 where there is none: files of mode 0600 stay."""
    from gate.programs.provisioning.log_key import publish
    from gate.provision.init_steps import UNITS
    from gate.provision.sealing import has_tpm, seal_steps

    try:
        settings = configuration.load(config or configuration.path_from_environment())
    except ConfigError as error:
        refuse_configuration(error, config)
    if not has_tpm():
        fail(Exit.NO, "systemd finds no TPM that it can seal with: keys stay files of mode 0600")
    folder = Path(settings.paths.keys)
    try:
        publish(folder / "log.key", settings.origin)
    except StepError as error:
        fail(Exit.IO_ERROR, str(error))
    _show("provision.seal/1", carry_out(seal_steps(folder, UNITS)), as_json=as_json)


@app.command()
def decommission(
    yes: Annotated[str, typer.Option(help="This gate's id, in place of being asked to type it.")] = "",
    export: Annotated[
        Path | None,
        typer.Option(help="An empty folder on another disk for the log, when the central server has not all of it."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes; left out: beside the gate's folders.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Json = False,
) -> None:
    """End this gate: retire it at the central server, wipe its keys and records, and prove it. Killed, it goes on when it is run again."""
    from msgspec import to_builtins

    from gate.audit.record import time_text
    from gate.cli.decommission import running, steps_of
    from gate.provision.decommission import Progress

    path = config or configuration.path_from_environment()
    try:
        settings = configuration.load(path)
    except ConfigError as error:
        refuse_configuration(error, config)
    if not yes:
        note(f"this wipes {settings.gate_id} for good; type its id to go on:")
    if (yes or sys.stdin.readline(_ID_MAX)).strip() != settings.gate_id:
        fail(
            Exit.USAGE, f"nothing was done: this gate is {settings.gate_id}, and that is to be typed, or given as --yes"
        )
    try:
        name = running(settings)
    except PermissionError as error:
        fail(Exit.NOT_PERMITTED, f"nothing was done: {error.filename} is closed to this user; run it as root")
    if name is not None:
        fail(Exit.TRY_LATER, f"{name} runs: systemctl stop portcullis.target, then repeat this")
    file = report or Path(settings.paths.state) / "decommissioned.json"
    try:
        progress = Progress.read(file, settings.gate_id, time_text(now()))
    except StepError as error:
        fail(Exit.BAD_DATA, str(error))
    steps = steps_of(settings, progress, file, export)
    _show(
        "provision.decommission/1",
        carry_out(steps),
        as_json=as_json,
        more=lambda: {"report": str(file), **to_builtins(progress)},
    )


@app.command()
def report(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write into, instead of the gate's state.")] = None,
    verify: Annotated[Path | None, typer.Option(help="Check this report, page or document, and make none.")] = None,
    vkey: Annotated[
        Path | None, typer.Option(help="The log's public key to check with; the gate's own without one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the acceptance report anew and list what is missing for service, or check a report. Exit 1: it does not hold, or service refuses."""
    import msgspec

    from gate.programs.provisioning import reporting

    path = config or configuration.path_from_environment()
    try:
        if verify is not None:
            _verify(verify, _key_text(vkey, path), as_json=as_json)
        described = reporting.describe(path)
        missing = described.missing_for_service
        if not as_json:
            for one in missing:
                say(f"missing  {one.id:19} {one.why}")
        refused = described.gate.purpose == "service" and bool(missing)
        made = None if refused and not described.key.vkey else reporting.sign(path, described, out=out)
    except ConfigurationStepError as error:
        fail(Exit.CONFIG, str(error))
    except StepError as error:
        fail(Exit.IO_ERROR, str(error))
    if as_json:
        files = None if made is None else {"page": str(made.page), "document": str(made.document)}
        shown = msgspec.to_builtins(described)
        fields = {"report": files, "missing_for_service": shown["missing_for_service"], "steps": shown["lines"]}
        emit_json("provision.report/1", fields)
    else:
        say(f"report   {'not signed: there is no key of a log in service' if made is None else made.page}")
    raise typer.Exit(int(Exit.NO if refused else Exit.OK))


def _verify(file: Path, vkey: str, *, as_json: bool) -> None:
    """Say whether a report holds; ends the command."""
    from gate.audit.errors import BadFormatError
    from gate.programs.provisioning.reporting import is_signed
    from gate.provision.acceptance import REPORT_BYTES_MAX, NoReportError, claimed

    try:
        with file.open("rb") as opened:
            found = claimed(opened.read(REPORT_BYTES_MAX + 1))
        holds = is_signed(found, vkey)
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {file}: {error.strerror}")
    except NoReportError as error:
        fail(Exit.BAD_DATA, f"{file} is no acceptance report: {error}")
    except BadFormatError as error:
        fail(Exit.BAD_DATA, f"the key to check with is none: {error}")
    if as_json:
        emit_json("provision.verify/1", {"verified": holds, "log": found.origin})
    else:
        say(
            f"well     {file} is as the gate signed it, by the key of {found.origin}"
            if holds
            else f"WRONG    {file} was changed, or another key has signed it than that of {found.origin}"
        )
    raise typer.Exit(int(Exit.OK if holds else Exit.NO))


def _key_text(vkey: Path | None, path: Path) -> str:
    """The key to check with. Raises StepError."""
    from gate.programs.provisioning.reporting import configuration_of
    from gate.programs.provisioning.tasks import log_vkey

    if vkey is None:
        try:
            return log_vkey(configuration_of(path))
        except StepError as error:
            raise type(error)(f"{error}; give --vkey") from error
    try:
        with vkey.open(encoding="utf-8") as file:
            return file.read(2048).strip()
    except OSError as error:
        raise StepError(f"cannot read {vkey}: {error.strerror}") from error
    except UnicodeDecodeError:
        fail(Exit.BAD_DATA, f"{vkey} holds no key")


def _show(
    schema: str,
    reports: Iterator[Report],
    *,
    as_json: bool,
    more: Callable[[], dict[str, object]] = dict,
    afterwards: str = "",
) -> None:
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
