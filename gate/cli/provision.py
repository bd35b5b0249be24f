"""`gate provision`: a technician's way from a bare machine to a gate in service."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tomli_w
import typer

from gate import durable
from gate.cli.output import Exit, emit_json, fail, say
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config, ConfigError
from gate.provision.answers import Answers
from gate.provision.ownership import hand_over
from gate.provision.steps import ConfigurationStepError, Report, Step, StepError, StepState, carry_out

app = typer.Typer(no_args_is_help=True)

UNITS = Path("/etc/systemd/system")
BOOTED_BY_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
RELOAD_DEADLINE_S = 60.0


@app.callback()
def _noun() -> None:
    """From a bare machine to a gate in service."""


Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.command()
def init(
    operator: Annotated[str, typer.Option(help="The operator's domain, the first half of the log's origin.")],
    gate_id: Annotated[str, typer.Option(help="This gate's name: small letters, digits, hyphens.")],
    barrier: Annotated[str, typer.Option(help="The barrier's serial line.")],
    swipe: Annotated[str, typer.Option(help="The MRZ reader's serial line.")],
    camera: Annotated[str, typer.Option(help="The camera's address.")],
    auditor: Annotated[list[str], typer.Option(help="An auditor's age recipient; twice at least.")],
    officers: Annotated[
        str,
        typer.Option(help="The officers' authority's public key, from gate officer authority init; none: no officers."),
    ] = "",
    profile: Annotated[str, typer.Option(help="The barrier's profile in drivers/profiles.")] = "portcullis-sim",
    swipe_driver: Annotated[str, typer.Option(help="elyctis, stx, text, imager or keyboard.")] = "elyctis",
    swipe_profile: Annotated[str, typer.Option(help="For stx and imager: a profile of drivers/profiles/readers.")] = "",
    chip: Annotated[str, typer.Option(help="pcsc or direct.")] = "pcsc",
    chip_socket: Annotated[str, typer.Option(help="The chip reader's socket, when not the usual one.")] = "",
    purpose: Annotated[str, typer.Option(help="demo, trial or service.")] = "service",
    root: Annotated[Path | None, typer.Option(help="One folder for everything, instead of the system's.")] = None,
    as_json: Json = False,
) -> None:
    """Write the configuration, make the keys, fetch the models. What exists is kept."""
    answers = Answers(
        purpose=purpose,
        operator=operator,
        gate_id=gate_id,
        barrier_port=barrier,
        barrier_profile=profile,
        swipe_port=swipe,
        swipe_driver=swipe_driver,
        swipe_profile=swipe_profile,
        chip_driver=chip,
        chip_socket=chip_socket,
        camera=camera,
        recipients=tuple(auditor),
        officers=officers,
        root=root.resolve() if root else None,
    )
    if problems := answers.problems():
        fail(Exit.USAGE, "; ".join(problems))
    path = (answers.root / "gate.toml") if answers.root else configuration.DEFAULT_PATH
    _show("provision.init/1", carry_out(_steps(answers, path)), as_json=as_json)


def _steps(answers: Answers, path: Path) -> Iterator[Step]:
    """Each step reads what the ones before it left, so that a second run goes on where the first one stopped."""
    from gate.audit import keys
    from gate.audit.errors import AuditError
    from gate.provision import device_key

    yield Step("configuration", lambda: _write_configuration(answers, path), path.exists)
    config = _loaded(path)
    if config is None:
        return
    folders = [Path(name) for name in _folders(config)]

    def make_folders() -> str:
        for folder in folders:
            _make(folder)
        return ", ".join(str(folder) for folder in folders)

    yield Step("folders", make_folders, lambda: all(folder.is_dir() for folder in folders))
    log_key, device = (Path(config.paths.keys) / name for name in ("log.key", "device.key"))

    def make_log_key() -> str:
        try:
            vkey = keys.generate(log_key, config.origin).vkey
        except AuditError as error:
            raise StepError(str(error)) from error
        hand_over(log_key, "log")
        return vkey

    yield Step("log_key", make_log_key, log_key.exists)

    def make_device_key() -> str:
        try:
            device_key.generate(device)
        except device_key.DeviceKeyError as error:
            raise StepError(str(error)) from error
        hand_over(device, "sync")
        return str(device)

    yield Step("device_key", make_device_key, device.exists)
    yield _models_step(Path(config.paths.models), config.face.profile)
    if answers.root is None and BOOTED_BY_SYSTEMD.is_dir():
        yield _units_step(config)


def _make(folder: Path) -> None:
    try:
        durable.make_folder(folder, mode=0o750)
    except OSError as error:
        raise StepError(f"cannot make {folder}: {error.strerror}") from error


def _write_configuration(answers: Answers, path: Path) -> str:
    try:
        durable.make_folder(path.parent)
        durable.write(path, tomli_w.dumps(answers.table()).encode())
    except OSError as error:
        raise StepError(f"cannot write {path}: {error.strerror}") from error
    try:
        configuration.load(path)
    except ConfigError as error:
        path.unlink()
        raise ConfigurationStepError(str(error)) from error
    return str(path)


def _units_step(config: Config) -> Step:
    from gate.provision.units import VISION_DROP_IN, vision_drop_in

    addresses = [config.camera.address] if config.camera.driver == "network" else []
    page = config.page
    if page is not None and page.driver == "camera" and not page.address.startswith("/dev/"):
        addresses.append(page.address)
    text = vision_drop_in(
        hosts=[configuration.host_of(address) for address in addresses],
        folders=[page.path] if page is not None and page.driver == "folder" else [],
    )
    path = UNITS / VISION_DROP_IN

    def write_drop_in() -> str:
        try:
            durable.make_folder(path.parent)
            durable.write(path, text.encode())
            subprocess.run(["systemctl", "daemon-reload"], check=True, capture_output=True, timeout=RELOAD_DEADLINE_S)  # noqa: S607
        except (OSError, subprocess.SubprocessError) as error:
            raise StepError(f"{path} cannot be put into force: {error}") from error
        return str(path)

    return Step("units", write_drop_in, lambda: path.exists() and path.read_text() == text)


def _models_step(folder: Path, profile: str) -> Step:
    from models.errors import ModelError
    from models.fetch import fetch
    from models.site import load_for

    def fetch_models() -> str:
        try:
            return f"{len(fetch(load_for(folder), folder, profile=profile))} fetched into {folder}"
        except ModelError as error:
            raise StepError(str(error)) from error

    def all_there() -> bool:
        try:
            return all(model.is_intact(folder) for model in load_for(folder).needed_for(profile))
        except ModelError as error:
            raise StepError(str(error)) from error

    return Step("models", fetch_models, all_there)


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
                "profile": settings.profile if settings else None,
                "baud": mrz_readers.baud_of(settings) if settings else None,
                "detail": found.detail if found else "nothing answered, and nothing that came was known",
            },
        )
    elif found is None:
        say(f"{port}: nothing answered, and nothing that came was known")
    else:
        profile = f", profile {found.settings.profile}" if found.settings.profile else ""
        say(
            f"{port}: driver {found.settings.driver}{profile}, {mrz_readers.baud_of(found.settings)} baud; {found.detail}"
        )
    raise typer.Exit(int(Exit.OK if found is not None else Exit.NO))


@app.command()
def enrol(
    central: Annotated[str, typer.Option(help="The central server, HOST:PORT.")],
    ca: Annotated[Path, typer.Option(help="The operator's authority, a PEM file from gate central init.")],
    token: Annotated[str, typer.Option(help="The one-time token from gate central token.")],
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Replace the certificate that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Get the device certificate from the central server and write the [sync] table."""
    path = config or configuration.path_from_environment()
    try:
        settings = configuration.load(path)
    except ConfigError as error:
        fail(Exit.CONFIG, str(error))
    steps = _enrolment_steps(settings, path, central=central, ca=ca, token=token, again=again)
    _show("provision.enrol/1", carry_out(steps), as_json=as_json)


def _enrolment_steps(config: Config, path: Path, *, central: str, ca: Path, token: str, again: bool) -> Iterator[Step]:
    from gate.audit import keys
    from gate.audit.errors import AuditError
    from gate.provision import device_key
    from gate.provision import enrol as enrolment

    folder = Path(config.paths.keys)
    files = {name: folder / name for name in ("central-ca.pem", "device.pem", "mirror.vkey")}
    table = {
        "address": central,
        "ca": str(files["central-ca.pem"]),
        "certificate": str(files["device.pem"]),
        "key": str(folder / "device.key"),
    }

    def get_certificate() -> str:
        try:
            log_vkey = keys.load(folder / "log.key", config.origin).verifier.vkey
            wanted = device_key.signing_request(folder / "device.key", config.gate_id)
            enrolled = enrolment.enrol(
                central, str(ca), gate_id=config.gate_id, token=token, signing_request=wanted, log_vkey=log_vkey
            )
            durable.write(files["central-ca.pem"], ca.read_bytes())
            durable.write(files["mirror.vkey"], enrolled.mirror_vkey.encode() + b"\n")
            durable.write(files["device.pem"], enrolled.certificate)  # last: it says that the step was done
        except (AuditError, device_key.DeviceKeyError, enrolment.EnrolError, OSError) as error:
            raise StepError(str(error)) from error
        return f"{config.gate_id} is enrolled at {central}"

    def write_table() -> str:
        try:
            whole = tomllib.loads(path.read_text())
            vkey = files["mirror.vkey"].read_text().strip()
            whole["sync"] = {**whole.get("sync", {}), **table, "mirror_vkey": vkey}
            with durable.writing(path) as draft:
                draft.write(tomli_w.dumps(whole).encode())
                draft.flush()
                configuration.load(Path(draft.name))
        except (OSError, ConfigError) as error:
            raise StepError(str(error)) from error
        return f"[sync] in {path}"

    def has_table() -> bool:
        return not again and all(getattr(config.sync, name, None) == value for name, value in table.items())

    yield Step("certificate", get_certificate, lambda: not again and all(one.exists() for one in files.values()))
    yield Step("configuration", write_table, has_table)


def _folders(config: Config) -> tuple[str, ...]:
    paths = config.paths
    return paths.state, paths.spool, paths.inbox, paths.models, paths.keys


def _loaded(path: Path) -> Config | None:
    try:
        return configuration.load(path)
    except ConfigError:
        return None  # the step before has said why


def _show(schema: str, reports: Iterator[Report], *, as_json: bool) -> None:
    done = []
    for report in reports:
        done.append(report)
        if not as_json:
            say(f"{report.state.value:8} {report.id:14} {report.detail}")
    if as_json:
        emit_json(schema, {"steps": [{"id": r.id, "state": r.state.value, "detail": r.detail} for r in done]})
    failed = next((report for report in done if report.state is StepState.FAILED), None)
    code = Exit.OK if failed is None else Exit.CONFIG if failed.configuration else Exit.IO_ERROR
    raise typer.Exit(int(code))
