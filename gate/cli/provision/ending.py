"""`gate provision decommission`: puts the end of a gate together from its configuration; what is wiped and proven is `gate.provision`'s."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gate.channel.row import PROGRAMS
from gate.cli.provision.steps import show
from gate.programs.shared import config as configuration
from gate.provision.steps import LaterStepError, StepError, carry_out
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, note, real, refuse_configuration
from gate_core.programs.clock import now
from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gate.programs.shared.config import Config
    from gate.provision.decommission import Part, Progress
    from gate.provision.steps import Step

_ID_MAX: Final = 128


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

    from gate.provision.decommission import Progress
    from gate_core.audit_format.record import time_text

    path = config or environment.path_from_environment()
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
        progress = Progress.read(file, settings.gate_id, time_text(now()), parts_of(settings))
    except StepError as error:
        fail(Exit.BAD_DATA, str(error))
    steps = steps_of(settings, progress, file, export)
    show(
        "provision.decommission/1",
        carry_out(steps),
        as_json=as_json,
        more=lambda: {"report": str(file), **to_builtins(progress)},
    )


def steps_of(config: Config, progress: Progress, report: Path, export: Path | None) -> Iterator[Step]:
    """The steps for this gate."""
    from gate.provision.decommission import decommission_steps

    parts, paths = parts_of(config), config.paths
    roots = tuple(
        dict.fromkeys(
            Path(one) for one in (paths.keys, paths.identity, paths.state, paths.spool, paths.inbox, paths.models)
        )
    )
    if export is not None and any(real(export).is_relative_to(real(root)) for root in roots):
        fail(Exit.USAGE, f"--export {export}: that is one of the folders that are wiped")
    return decommission_steps(
        parts, progress, report, roots=roots, carry=partial(_carry, config, export), tell=partial(_tell, config)
    )


def parts_of(config: Config) -> tuple[Part, ...]:
    """What goes, in this order: keys first, then what was decided about models, made of people and shown of this gate, then what they signed and sealed."""
    from gate.programs.shared.consoles import key_path
    from gate.provision.course import FOLDER
    from gate.provision.decommission import Part
    from gate.provision.init_steps import UNITS
    from gate.provision.sealing import DEVICE_PASSPHRASE, LOG_KEY, of_registers
    from models.cohort import files_in

    paths = config.paths
    state, keys = Path(paths.state), Path(paths.keys)
    cameras = [getattr(device, "credentials", "") for device in (config.camera, config.page)]
    road = key_path(config).parent
    named = tuple(dict.fromkeys(Path(one) for one in cameras if "/" in one))
    asked = config.registers
    for_registers = () if asked is None else tuple(map(of_registers, asked.credentials))
    sealed = (LOG_KEY, DEVICE_PASSPHRASE, *for_registers)
    drop_ins = tuple(UNITS / one.drop_in for one in sealed if one.is_loaded(keys, UNITS))
    named = (*named, *(path for one in for_registers for path in (keys / one.name, one.sealed(keys))))
    cohorts = files_in(Path(paths.models))
    lists = () if asked is None else (Path(asked.folder), Path(asked.incoming))
    return (
        Part("log_key", tuple(sorted(keys.glob("log*"))) or (keys / "log.key",), secret=True),
        Part("device_key", (Path(paths.identity), *sorted(keys.glob("device*"))), secret=True),
        *((Part("console_key", (road,), secret=True),) if config.console is not None or road.exists() else ()),
        *((Part("credentials", named, secret=True),) if named else ()),
        *((Part("registers", lists, secret=True),) if lists else ()),
        *((Part("units", drop_ins),) if drop_ins else ()),
        Part("acceptance", (Path(paths.models) / "accepted.json",)),
        *((Part("cohort", cohorts),) if cohorts else ()),
        Part("proofs", (state / FOLDER,)),
        Part("lane", (state / "lane",)),  # who ordered what last
        Part("database", (state / "audit",)),
        Part("spool", (Path(paths.spool), Path(paths.inbox))),
    )


def running(config: Config, programs: Sequence[str] = PROGRAMS) -> str | None:
    """The first of these programs that runs, if one does."""
    from gate.channel.errors import NoPlaceError
    from gate.channel.place import only_instance

    for name in programs:
        if not config.runtime(name).is_dir():
            continue
        try:
            with only_instance(config.runtime(name)):
                pass
        except NoPlaceError:
            return name
    return None


def _carry(config: Config, export: Path | None) -> str:
    """Have the log at the central server, or in a folder. Raises StepError."""
    from gate_core.audit_format.errors import BadFormatError, StoreError

    try:
        entries, published = _entries(config)
    except (OSError, StoreError, BadFormatError) as error:
        raise StepError(f"the log cannot be read: {error}") from error
    if entries > published:
        raise LaterStepError(f"{entries - published} entries are not published; let the log program run and end once")
    if entries == 0:
        return "the log has no entry"
    if export is not None:
        return _exported(config, export, entries)
    mirrored, why = _pushed(config)
    if mirrored >= entries:
        return f"all {entries} entries are at the central server"
    raise LaterStepError(
        f"{entries - mirrored} of {entries} entries are on this machine only ({why}): bring the central server back, "
        "or name an empty folder on another disk with --export"
    )


def _entries(config: Config) -> tuple[int, int]:
    """How many entries the log has, and how many of them are in the spool."""
    from gate.audit.store import Store
    from gate_core.audit_format.checkpoint import Checkpoint
    from gate_core.audit_format.note import Note
    from gate_core.audit_format.spool import Spool

    note = Spool(Path(config.paths.spool)).checkpoint()
    published = 0 if note is None else Checkpoint.parse(Note.parse(note).text).size
    database = Path(config.paths.state) / "audit" / "log.sqlite"
    if not database.exists():
        return published, published
    store = Store(database)
    try:
        return max(published, store.head().frontier.size), published
    finally:
        store.close()


def _pushed(config: Config) -> tuple[int, str]:
    from gate.programs.sync.program import push
    from gate_core.mirror_client.errors import SyncError
    from gate_core.settings.config_file import ConfigError

    try:
        mirrored = asyncio.run(push(config))["mirrored"]
    except (ConfigError, SyncError, OSError) as error:
        return 0, str(error)
    return (mirrored, "it has not taken them") if isinstance(mirrored, int) else (0, "it has not taken them")


def _exported(config: Config, folder: Path, entries: int) -> str:
    from gate_core.audit_format import keys
    from gate_core.audit_format.errors import AuditError
    from gate_core.audit_format.export import Outlet, tiles
    from gate_verify.verify import Known, verify

    try:
        tiles(Outlet(Path(config.paths.spool)), folder)
        vkey = keys.load_public(Path(config.paths.keys) / "log.key", config.origin).vkey
    except (AuditError, OSError) as error:
        raise StepError(f"the log cannot be exported into {folder}: {error}") from error
    report = verify(folder, vkey, known=Known(at_least=entries))
    if not report.intact:
        raise StepError(f"what was exported into {folder} does not verify: {report.problems[0]}")
    return f"all {entries} entries are in {folder}, verified"


def _tell(config: Config) -> str:
    """Have the central server refuse the gate; without it the gate ends as well, and says what is left to do there."""
    from gate.programs.sync.program import retire
    from gate_core.mirror_client.errors import SyncError
    from gate_core.settings.config_file import ConfigError

    if config.sync is None:
        return "no central server is configured"
    try:
        asyncio.run(retire(config))
    except (ConfigError, SyncError, OSError) as error:
        return f"NOT told ({error}): run gate central revoke {config.gate_id} there"
    return f"its certificate is refused there from now on; two approvers retire it for good: gate central retire {config.gate_id} --order NOTE there"
