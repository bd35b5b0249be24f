"""`gate provision enrol`, `rotate-log-key` and `seal`: the gate's keys, the device's and the log's."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gate.cli.provision.making import site_of
from gate.cli.provision.steps import show
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.provision.answers import central_problem
from gate.provision.steps import StepError, carry_out
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, refuse_configuration
from gate_core.programs.clock import now
from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError


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
    from gate.cli.token import read_token
    from gate.programs.provisioning.log_key import vkey_of
    from gate.provision.enrol_steps import Central, enrol_steps
    from gate.provision.sealing import device_passphrase

    if wrong := central_problem(central):
        fail(Exit.USAGE, f"--central {wrong}")
    path = config or environment.path_from_environment()
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
        check=site_of,
        now=now,
        due=partial(_due, path),
        passphrase=partial(device_passphrase, Path(settings.paths.keys)),
    )
    show("provision.enrol/1", carry_out(steps), as_json=as_json)


def _due(path: Path) -> str:
    """What two persons have to sign before the lane begins with the configuration as it is now; empty: nothing."""
    from gate.programs.shared.approval import approved

    try:
        approved(configuration.load(path))
    except ConfigError as error:
        return f"before the gate is started again, two approvers sign anew (gate config show --canonical): {error}"
    return ""


def rotate_log_key(config: ConfigFile = None, as_json: Json = False) -> None:
    """Give the log a new key, to which the old one hands over: run it, restart gate-log, and run it again. Exit 75 in between."""
    from gate.programs.provisioning.log_key import make_key, vkey_of
    from gate.provision.log_key import rotate_steps

    try:
        settings = configuration.load(config or environment.path_from_environment())
    except ConfigError as error:
        refuse_configuration(error, config)

    steps = rotate_steps(
        Path(settings.paths.keys),
        make=partial(make_key, origin=settings.origin),
        newest=partial(_handed_over_to, settings),
        vkey_of=partial(vkey_of, origin=settings.origin),
    )
    show("provision.rotate-log-key/1", carry_out(steps), as_json=as_json)


def _handed_over_to(settings: Config) -> str | None:
    """The newest key of the published log, if one has handed over."""
    from gate_core.audit_format.errors import BadFormatError, BadSignatureError
    from gate_core.audit_format.export import Outlet
    from gate_core.audit_format.handover import Handover

    try:
        words = Outlet(Path(settings.paths.spool)).handovers()
        return Handover.parse(words[-1]).new.vkey if words else None
    except (OSError, BadFormatError, BadSignatureError) as error:
        raise StepError(f"the spool's handovers cannot be read: {error}") from error


def seal(
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Seal with this machine's TPM, each for its program: the log's key, the device's passphrase, and the keys and certificates for lists and registers.
    Exit 1 without one: files of mode 0600 stay.
    """
    from gate.cli.provision.ending import running
    from gate.programs.provisioning.log_key import publish
    from gate.provision.init_steps import UNITS
    from gate.provision.sealing import has_tpm, seal_steps

    try:
        settings = configuration.load(config or environment.path_from_environment())
    except ConfigError as error:
        refuse_configuration(error, config)
    if not has_tpm():
        fail(Exit.NO, "systemd finds no TPM that it can seal with: keys stay files of mode 0600")
    folder = Path(settings.paths.keys)
    steps = seal_steps(
        folder,
        UNITS,
        Path(settings.paths.identity),
        sync_runs=lambda: running(settings, ("sync",)) is not None,
        registers=() if settings.registers is None else settings.registers.credentials,
    )
    try:
        publish(folder / "log.key", settings.origin)
    except StepError as error:
        fail(Exit.IO_ERROR, str(error))
    show("provision.seal/1", carry_out(steps), as_json=as_json)
