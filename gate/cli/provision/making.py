"""`gate provision init` and `find-reader`: what makes a gate of a bare machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.provision.steps import show
from gate.programs.shared import config as configuration
from gate.provision.answers import Answers
from gate.provision.steps import ConfigurationStepError, StepError, carry_out
from gate_core.command_line.options import Json, Root
from gate_core.command_line.output import Exit, emit_json, fail, real, say
from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gate.provision.init_steps import Site
    from gate.provision.steps import Step

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
    "camera.link": "--camera-link",
    "page.link": "--page-link",
    "pad.socket": "--pad",
    "pad.profile": "--pad-profile",
    "pad.user": "--pad-user",
    "auditors": "--auditor",
    "gate_id": "--gate-id",
    "notice.results_kept_days": "--results-kept-days",
    "notice.contact": "--contact",
    "notice.address": "--notice-address",
}


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
    camera_link: Annotated[
        str,
        typer.Option(
            help="A network camera's certificate, by its SHA-256, or its authorities' file; of http, why that is accepted."
        ),
    ] = "",
    page_link: Annotated[str, typer.Option(help="The same of the document camera.")] = "",
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
    pad: Annotated[
        str,
        typer.Option(help="The socket of a sensor's service that tells a person from a picture; none: no such sensor."),
    ] = "",
    pad_profile: Annotated[
        str, typer.Option(help="The sensor's profile in drivers/profiles/pad, or the path of your own.")
    ] = "",
    pad_user: Annotated[str, typer.Option(help="Whom the sensor's service runs as; none: root.")] = "",
    results_kept_days: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, help="For how many days results of checks are kept; service needs it."),
    ] = None,
    contact: Annotated[str, typer.Option(help="Where travellers ask and complain, as their notice says.")] = "",
    notice_address: Annotated[str, typer.Option(help="Where the whole notice is published, https://….")] = "",
    purpose: Annotated[str, typer.Option(help="demo, trial or service.")] = "service",
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Write the configuration, make the keys, fetch the models. What exists is kept."""
    notice = {"results_kept_days": results_kept_days, "contact": contact, "address": notice_address}
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
        camera_link=camera_link,
        page_link=page_link,
        pad_socket=pad,
        pad_profile=pad_profile,
        pad_user=pad_user,
        recipients=tuple(auditor),
        officers=officers,
        notice={key: value for key, value in notice.items() if value},
        root=real(root) if root else None,
    )
    if problems := answers.problems():
        fail(Exit.USAGE, "; ".join(f"{_OPTIONS.get(one.key, f'--{one.key}')}: {one.why}" for one in problems))
    path = (answers.root / "gate.toml") if answers.root else environment.DEFAULT_PATH
    show(
        "provision.init/1",
        carry_out(making_steps(answers, path, given=_given(context))),
        as_json=as_json,
        afterwards=_next(path, answers),
    )


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
        "camera_link": ("camera.certificate_sha256", "camera.authorities", "camera.plain_http_risk"),
        "page_link": ("page.certificate_sha256", "page.authorities", "page.plain_http_risk"),
        "pad": ("camera.pad.socket",),
        "pad_profile": ("camera.pad.profile",),
        "pad_user": ("camera.pad.user",),
        "auditor": ("audit.recipients",),
        "officers": ("officers.authority",),
        "results_kept_days": ("notice.results_kept_days",),
        "contact": ("notice.contact",),
        "notice_address": ("notice.address",),
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


def making_steps(answers: Answers, path: Path, *, given: Collection[str] | None = None) -> Iterator[Step]:
    """The steps that make the gate of these answers, with its configuration in `path`."""
    from gate.provision.init_steps import init_steps

    return init_steps(answers, path, read=site_of, make_log_key=_make_log_key, log_key_of=_log_key_of, given=given)


def _make_log_key(path: Path, origin: str) -> str:
    from gate.programs.provisioning.log_key import make_key, publish

    vkey = make_key(path, origin)
    publish(path, origin)
    return vkey


def _log_key_of(path: Path, origin: str) -> str:
    from gate.programs.provisioning.log_key import vkey_of

    try:
        return vkey_of(path, origin)
    except StepError as error:
        raise StepError(
            f"{error}; a gate with another purpose begins a log of its own: see From trial to service in the technician's guide"
        ) from error


def site_of(path: Path) -> Site:
    """What the configuration says to the steps. Raises ConfigurationStepError."""
    from gate.cli.provision.ending import running
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
        identities=Path(paths.identity),
        sync_runs=lambda: running(config, ("sync",)) is not None,
        models=Path(paths.models),
        face_profile=config.face.profile,
        drop_in=vision_drop_in(
            hosts=[reach.host for reach in reached if reach.host is not None],
            folders=[reach.folder for reach in reached if reach.folder is not None],
        ),
    )


def find_reader(
    port: Annotated[str, typer.Argument(help="A serial line, or /dev/input/by-id/…-event-kbd.")],
    listen_s: Annotated[float, typer.Option(min=0.1, max=600, help="How long to wait for a document.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Find out which document reader hangs on a port. Put a document on it again and again meanwhile: most only talk."""
    import asyncio

    from gate.programs.shared.devices import mrz_readers
    from gate_core.errors import DriverError

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
