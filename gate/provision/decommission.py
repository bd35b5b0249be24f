"""Ends this gate: secures its log elsewhere, notifies the central server, wipes keys and records in a stated order, and proves that they are gone.

Nothing is wiped before the records that only this machine has are elsewhere, and keys go before the records that they sealed. Each file is
overwritten with zeros, synced to the disk, and removed. A progress file beside it survives a kill, and the next run continues from it; a finished one
is never written again. The proof searches every file that is left in the gate's folders for the secrets' own bytes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gate.audit.store import Store
from gate.device_certificate.credentials import DEVICE_PASSPHRASE, LOG_KEY, of_registers
from gate.programs.shared.config import Config
from gate.programs.shared.consoles import key_path
from gate.programs.sync.program import push, retire
from gate.provision.installation import UNITS
from gate.provision.log_key import log_vkey
from gate.provision.progress import folder_of
from gate.provision.steps import LaterStepError, Step, StepError, step_errors
from gate_core import durable
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import AuditError, BadFormatError, StoreError
from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.note import Note
from gate_core.audit_format.spool import Spool
from gate_core.command_line.output import Exit
from gate_core.mirror_client.errors import SyncError
from gate_core.settings.config_file import ConfigError
from gate_verify.verify import Known, verify
from models.cohort import files_in

REMAINS: Final = (
    "overwritten and removed, as far as the file system tells; what a flash memory keeps below its own bookkeeping (wear levelling, spare "
    "blocks), and what a snapshot or a backup holds, is out of reach: destroy the medium, or encrypt it before it is used"
)
NEEDLE_BYTES_MIN: Final = 8
_CHUNK_BYTES: Final = 1024 * 1024


def roots_of(config: Config) -> tuple[Path, ...]:
    """Return this gate's folders, which are searched at the end."""
    paths = config.paths
    named = (paths.keys, paths.identity, paths.state, paths.spool, paths.inbox, paths.models)
    return tuple(dict.fromkeys(map(Path, named)))


def decommission_steps(config: Config, progress: Progress, report: Path, export: Path | None) -> Iterator[Step]:
    """Yield this gate's steps. `export`: the destination of its log if the central server does not have all of it."""
    carry, tell = partial(_carry, config, export), partial(_tell, config)
    return wiping_steps(parts_of(config), progress, report, roots=roots_of(config), carry=carry, tell=tell)


def parts_of(config: Config) -> tuple[Part, ...]:
    """Return the parts in the order of wiping: keys; decisions about models; data of people and shown pictures; what the keys signed and sealed."""
    paths = config.paths
    state, keys = Path(paths.state), Path(paths.keys)
    cameras = [getattr(device, "credentials", "") for device in (config.camera, config.page)]
    console_keys = key_path(config).parent
    named = tuple(dict.fromkeys(Path(one) for one in cameras if "/" in one))
    asked = config.registers
    for_registers = () if asked is None else tuple(map(of_registers, asked.credentials))
    sealed = (LOG_KEY, DEVICE_PASSPHRASE, *for_registers)
    drop_ins = tuple(UNITS / one.drop_in for one in sealed if one.is_loaded(keys, UNITS))
    named = (*named, *(path for one in for_registers for path in (keys / one.name, one.sealed(keys))))
    lists = () if asked is None else (Path(asked.folder), Path(asked.incoming))
    has_console = config.console is not None or console_keys.exists()
    parts = (
        Part("log_key", tuple(sorted(keys.glob("log*"))) or (keys / "log.key",), secret=True),
        Part("device_key", (Path(paths.identity), *sorted(keys.glob("device*"))), secret=True),
        Part("console_key", (console_keys,) if has_console else (), secret=True),
        Part("credentials", named, secret=True),
        Part("registers", lists, secret=True),
        Part("units", drop_ins),
        Part("acceptance", (Path(paths.models) / "accepted.json",)),
        Part("cohort", files_in(Path(paths.models))),
        Part("proofs", (folder_of(config),)),
        Part("lane", (state / "lane",)),  # who ordered what last
        Part("database", (state / "audit",)),
        Part("spool", (Path(paths.spool), Path(paths.inbox))),
    )
    return tuple(part for part in parts if part.paths)


def _carry(config: Config, export: Path | None) -> str:
    """Make sure that the central server, or a folder, has the log. Raises StepError."""
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
    """Return the number of the log's entries, and how many of them are in the spool."""
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
    """Make the central server refuse the gate. If it is unreachable the gate ends anyway, and the text states what to do there."""
    if config.sync is None:
        return "no central server is configured"
    try:
        asyncio.run(retire(config))
    except (ConfigError, SyncError, OSError) as error:
        return f"NOT told ({error}): run gate central revoke {config.gate_id} there"
    return f"its certificate is refused there from now on; two approvers retire it for good: gate central retire {config.gate_id} --order NOTE there"


# ── the wiping ────────────────────────────────────────────────────────────────────────────────────────────────────────


_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]{40,}")


@dataclass(frozen=True, slots=True)
class Part:
    """One step's files, and folders with their content. The bytes of a `secret` part are searched for at the end."""

    id: str
    paths: tuple[Path, ...]
    secret: bool = False


class Found(msgspec.Struct):
    """A path's state before wiping, and now."""

    part: str
    before: str
    after: str


class Progress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was done, in a file of its own. `found`: each path's state before and now."""

    gate_id: str
    started_at: str
    carried: str = ""  # where the rest of the log is
    central: str = ""  # what became of telling it
    done: list[str] = []
    found: dict[str, Found] = {}
    unsearched: list[str] = []  # wiped by an earlier run: its bytes are unknown
    searched: dict[str, int] = {}  # how many strings of each part were looked for
    proof: str = ""  # what was proven: it came to its end
    remains: str = REMAINS

    @classmethod
    def read(cls, path: Path, gate_id: str, started_at: str, parts: tuple[Part, ...]) -> Progress:
        """Continue an earlier run, or begin. Raises StepError for an invalid file, or one about another gate, or about
        an earlier end since which there are files of these parts again.
        """
        try:
            progress = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls(gate_id=gate_id, started_at=started_at)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StepError(f"{path} is no report of an earlier run; move it away") from error
        is_over = progress.proof and any(_files(path for part in parts for path in part.paths))
        if is_over or progress.gate_id != gate_id:
            raise StepError(f"{path} tells of the end of {progress.gate_id} before; keep it elsewhere, move it away")
        return progress

    def write(self, path: Path) -> None:
        """Store it. Raises OSError."""
        durable.make_folder(path.parent)
        durable.write(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def wiping_steps(
    parts: tuple[Part, ...],
    progress: Progress,
    report: Path,
    *,
    roots: tuple[Path, ...],
    carry: Callable[[], str],
    tell: Callable[[], str],
) -> Iterator[Step]:
    """Yield the steps in order. `carry` makes sure that nothing is lost, and raises StepError; `tell` returns the
    result of notifying the central server, which may be unreachable. `roots`: folders that are searched at the end.
    """
    needles: dict[str, set[bytes]] = {}

    def kept(work: Callable[[], str], name: str) -> Callable[[], str]:
        def do() -> str:
            words = work()
            setattr(progress, name, words)
            _keep(progress, report)
            return words

        return do

    yield Step("records", kept(carry, "carried"), lambda: bool(progress.carried))
    yield Step("central", kept(tell, "central"), lambda: bool(progress.central))
    for part in parts:

        def wipe(part: Part = part) -> str:
            try:
                if part.secret:
                    needles[part.id] = set().union(*(_needles(one) for one in _files(part.paths)))
                return _wipe(part, progress, report)
            except OSError as error:
                raise StepError(f"cannot wipe {error.filename}: {error.strerror}; repeat the command") from error

        yield Step(part.id, wipe, lambda part=part: part.id in progress.done)  # type: ignore[misc]

    def prove() -> str:
        progress.unsearched = [one.id for one in parts if one.secret and one.id not in needles]
        progress.searched = {name: len(values) for name, values in needles.items()}
        _keep(progress, report)
        left = [str(one) for one in _files(roots) if one != report and _holds(one, set().union(*needles.values()))]
        still = [str(path) for part in parts for path in part.paths if any(_files((path,)))]
        if left or still:
            raise StepError(f"not gone: {', '.join([*left, *still][:5])}", Exit.NO)
        count = sum(progress.searched.values())
        unknown = ", ".join(progress.unsearched)
        behind = f"; not looked for, wiped by an earlier run: {unknown}" if unknown else ""
        return f"none of {count} secret strings is in a file below {', '.join(map(str, roots))}{behind}"

    yield Step("proof", kept(prove, "proof"), lambda: bool(progress.proof), lambda: progress.proof)


def _wipe(part: Part, progress: Progress, report: Path) -> str:
    """Wipe one part and note each path's state before and after. Raises OSError, and StepError if the report cannot be written."""
    for path in part.paths:
        known = progress.found.get(str(path))
        now = progress.found[str(path)] = Found(part.id, known.before if known else _state(path), "not yet")
        _keep(progress, report)
        for one in _files((path,)):
            durable.wipe(one)
        if path.is_dir() and not path.is_symlink():
            for one in path.iterdir():
                shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
            durable.sync(path)
        now.after = _state(path)
    progress.done.append(part.id)
    _keep(progress, report)
    return "; ".join(f"{path}: {progress.found[str(path)].before}" for path in part.paths)


def _keep(progress: Progress, report: Path) -> None:
    with step_errors(OSError, doing=f"cannot write {report}"):
        progress.write(report)


def _state(path: Path) -> str:
    sizes = [one.lstat().st_size for one in _files((path,))]
    if path.is_dir() and not path.is_symlink():
        return f"{len(sizes)} files, {sum(sizes)} bytes" if sizes else "empty"
    return f"{sizes[0]} bytes" if sizes else "absent"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield everything at and below these paths except folders; links are not followed."""
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            if os.path.lexists(path):
                yield path
            continue
        for parent, folders, files in os.walk(path):
            yield from (Path(parent) / one for one in files)
            yield from (Path(parent) / one for one in folders if (Path(parent) / one).is_symlink())


def _needles(path: Path) -> set[bytes]:
    """Return the strings to search for a secret file: its long runs of Base64, also decoded, its lines, the key of a
    note's key file, and the whole content. Other content beside keys is public.
    """
    raw = _read(path)
    if path.suffix in {".pem", ".toml", ".vkey"} and b"PRIVATE KEY" not in raw:
        return set()
    lines = raw.splitlines()
    runs = [*_BASE64.findall(raw), *(line.split(b"+", 4)[-1] for line in lines if line.startswith(b"PRIVATE+"))]
    found = {one for one in (raw, raw.strip(), *lines, *runs) if not one.startswith(b"-----")}
    for run in runs:
        with contextlib.suppress(binascii.Error):
            found.add(base64.b64decode(run, validate=True)[1:])  # without the kind of a note's key
    return {one for one in found if len(one) >= NEEDLE_BYTES_MIN}


def _read(path: Path) -> bytes:
    if not stat.S_ISREG(path.lstat().st_mode):
        return b""
    with path.open("rb") as file:
        return file.read(_CHUNK_BYTES)


def _holds(path: Path, needles: set[bytes]) -> bool:
    """True if a file contains one of these strings, at any offset."""
    if not needles or not stat.S_ISREG(path.lstat().st_mode):
        return False
    overlap, tail = max(map(len, needles)), b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            window = tail + chunk
            if any(one in window for one in needles):
                return True
            tail = window[-overlap:]
    return False
