"""Ends this gate: secures its log elsewhere, tells the central server, and names what is wiped, in which order.

`gate.provision.key_wipe` does the wiping and proves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gate.audit.store import Store
from gate.identity.credentials import DEVICE_PASSPHRASE, LOG_KEY, of_registers
from gate.programs.shared.config import Config
from gate.programs.shared.consoles import key_path
from gate.programs.sync.program import push, retire
from gate.provision.installation import UNITS
from gate.provision.key_wipe import Part, Progress, wiping_steps
from gate.provision.log_key import log_vkey
from gate.provision.progress import folder_of
from gate.provision.steps import LaterStepError, Step, StepError
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import AuditError, BadFormatError, StoreError
from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.note import Note
from gate_core.audit_format.spool import Spool
from gate_core.mirror_client.errors import SyncError
from gate_core.settings.config_file import ConfigError
from gate_verify.verify import Known, verify
from models.cohort import files_in


def roots_of(config: Config) -> tuple[Path, ...]:
    """The folders of this gate, which are searched at the end."""
    paths = config.paths
    named = (paths.keys, paths.identity, paths.state, paths.spool, paths.inbox, paths.models)
    return tuple(dict.fromkeys(map(Path, named)))


def decommission_steps(config: Config, progress: Progress, report: Path, export: Path | None) -> Iterator[Step]:
    """The steps for this gate. `export` is where its log goes when the central server has not all of it."""
    carry, tell = partial(_carry, config, export), partial(_tell, config)
    return wiping_steps(parts_of(config), progress, report, roots=roots_of(config), carry=carry, tell=tell)


def parts_of(config: Config) -> tuple[Part, ...]:
    """What goes, in this order: keys first, then what was decided about models, made of people and shown of this gate, then what they signed and sealed."""
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
        Part("proofs", (folder_of(config),)),
        Part("lane", (state / "lane",)),  # who ordered what last
        Part("database", (state / "audit",)),
        Part("spool", (Path(paths.spool), Path(paths.inbox))),
    )


def _carry(config: Config, export: Path | None) -> str:
    """Have the log at the central server, or in a folder. Raises StepError."""
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

    try:
        mirrored = asyncio.run(push(config))["mirrored"]
    except (ConfigError, SyncError, OSError) as error:
        return 0, str(error)
    return mirrored if isinstance(mirrored, int) else 0, "it has not taken them"


def _exported(config: Config, folder: Path, entries: int) -> str:

    try:
        tiles(Outlet(Path(config.paths.spool)), folder)
    except (AuditError, OSError) as error:
        raise StepError(f"the log cannot be exported into {folder}: {error}") from error
    report = verify(folder, log_vkey(config), known=Known(at_least=entries))
    if not report.intact:
        raise StepError(f"what was exported into {folder} does not verify: {report.problems[0]}")
    return f"all {entries} entries are in {folder}, verified"


def _tell(config: Config) -> str:
    """Have the central server refuse the gate; without it the gate ends as well, and says what is left to do there."""
    if config.sync is None:
        return "no central server is configured"
    try:
        asyncio.run(retire(config))
    except (ConfigError, SyncError, OSError) as error:
        return f"NOT told ({error}): run gate central revoke {config.gate_id} there"
    return f"its certificate is refused there from now on; two approvers retire it for good: gate central retire {config.gate_id} --order NOTE there"
