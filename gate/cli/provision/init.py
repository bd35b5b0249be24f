"""`gate provision init`: converts its options to answers, and runs the steps of installation."""

from __future__ import annotations

import re
from typing import Annotated, Final, NoReturn

import typer

from gate.cli.provision.verbs import show
from gate_core.command_line.options import Json, Root
from gate_core.command_line.output import Exit, fail, real
from gate_core.settings import environment

# Each option: its answer's key in a file of answers, and the keys of gate.toml that it is about.
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "purpose": ("purpose", "purpose"),
    "operator": ("operator", "operator"),
    "gate_id": ("gate_id", "gate_id"),
    "barrier": ("barrier.port", "barrier.port"),
    "barrier_driver": ("barrier.driver", "barrier.driver", "first_barrier.driver"),
    "profile": ("barrier.profile", "barrier.profile", "first_barrier.profile"),
    "first_barrier": ("first_barrier.port", "first_barrier.port"),
    "sensors": ("sensors.port", "sensors.port"),
    "sensors_profile": ("sensors.profile", "sensors.profile"),
    "swipe": ("swipe.port", "swipe.port"),
    "swipe_driver": ("swipe.driver", "swipe.driver"),
    "swipe_profile": ("swipe.profile", "swipe.profile"),
    "page": ("page.source", "page.address", "page.path"),
    "page_link": ("page.link", "page.certificate_sha256", "page.authorities", "page.plain_http_risk"),
    "chip": ("chip.driver", "chip.driver"),
    "chip_socket": ("chip.socket", "chip.socket"),
    "camera": ("camera.address", "camera.address"),
    "camera_link": ("camera.link", "camera.certificate_sha256", "camera.authorities", "camera.plain_http_risk"),
    "pad": ("pad.socket", "camera.pad.socket"),
    "pad_profile": ("pad.profile", "camera.pad.profile"),
    "pad_user": ("pad.user", "camera.pad.user"),
    "auditor": ("auditors", "audit.recipients"),
    "officers": ("officers", "officers.authority"),
    "results_kept_days": ("notice.results_kept_days", "notice.results_kept_days"),
    "contact": ("notice.contact", "notice.contact"),
    "notice_address": ("notice.address", "notice.address"),
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
    from gate.provision.answers import by_key
    from gate.provision.installation import installation_steps
    from gate.provision.steps import carry_out
    from gate_core.settings.toml_file import FileError

    try:
        answers = by_key({_OPTIONS[name][0]: context.params[name] for name in _OPTIONS}, "gate provision init")
    except FileError as error:
        _refuse([(one.key, one.problem) for one in error.problems])
    folder = real(root) if root else None
    path = folder / "gate.toml" if folder else environment.DEFAULT_PATH
    sources = {name: context.get_parameter_source(name) for name in _OPTIONS}
    named = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    asked_for = {key for name in named for key in _OPTIONS[name][1:]}
    steps = installation_steps(answers, path, folder, given=asked_for)
    named_root, named_config = (f" --root {folder}", f" --config {path}") if folder else ("", "")
    afterwards = (
        f"next     gate provision{named_root} goes on from here, step by step, to the acceptance report; "
        f"or by hand: gate trust import, gate provision enrol, gate selftest{named_config}"
    )
    show("provision.init/1", carry_out(steps), as_json=as_json, afterwards=afterwards)


def _refuse(wrong: list[tuple[str, str]]) -> NoReturn:
    """End with each option's error."""
    options = {key: f"--{name.replace('_', '-')}" for name, (key, *_) in _OPTIONS.items()}
    said = [
        f"{options.get(key, key)}: {re.sub(r'[a-z_]+[.][a-z_]+', lambda found: options.get(found[0], found[0]), why)}"
        for key, why in wrong
    ]
    fail(Exit.USAGE, "; ".join(said))
