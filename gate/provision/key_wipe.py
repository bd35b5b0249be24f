"""Wipes a gate's keys and records in a stated order, and proves that they are gone.

Promises: nothing is wiped before the records that only this machine has are elsewhere. Keys are wiped before the records that they sealed. Each
file is overwritten with zeros, synced to the disk, and removed. A progress file beside it survives a kill, and the next run continues from it; a
finished one is never written again. The proof searches every file that is left in the gate's folders for the secrets' own bytes. Copies that a
flash memory keeps internally are out of reach, and the report says so. Left to the caller: whether programs run, what is mirrored, and how the
central server is told.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gate.provision.steps import Step, StepError, step_errors
from gate_core import durable
from gate_core.command_line.output import Exit

REMAINS: Final = (
    "overwritten and removed, as far as the file system tells; what a flash memory keeps below its own bookkeeping (wear levelling, spare "
    "blocks), and what a snapshot or a backup holds, is out of reach: destroy the medium, or encrypt it before it is used"
)
NEEDLE_BYTES_MIN: Final = 8
_CHUNK_BYTES: Final = 1024 * 1024
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]{40,}")


@dataclass(frozen=True, slots=True)
class Part:
    """What goes in one step: files, and folders with all that is in them. Of a `secret` part the bytes are looked for at the end."""

    id: str
    paths: tuple[Path, ...]
    secret: bool = False


class Found(msgspec.Struct):
    """A path, before it was wiped and now."""

    part: str
    before: str
    after: str


class Progress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was done, in a file of its own. `found` tells of each path how it was before and how it is now."""

    gate_id: str
    started_at: str
    carried: str = ""  # where the rest of the log is
    central: str = ""  # what became of telling it
    done: list[str] = []
    found: dict[str, Found] = {}
    unsearched: list[str] = []  # wiped by an earlier run: its bytes are known to nobody
    searched: dict[str, int] = {}  # how many strings of each part were looked for
    proof: str = ""  # what was proven: it came to its end
    remains: str = REMAINS

    @classmethod
    def read(cls, path: Path, gate_id: str, started_at: str, parts: tuple[Part, ...]) -> Progress:
        """Go on with an earlier run, or begin. Raises StepError for a file that is none, or tells of an end before this gate's: another gate's, or
        one since which there are files of these parts again.
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
        """Keep it. Raises OSError."""
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
    """The steps in their order. `carry` sees to it that nothing is lost, and raises StepError; `tell` says what became of telling the central
    server, which may be away. `roots` are the folders that are searched at the end.
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
        behind = (
            f"; not looked for, wiped by an earlier run: {', '.join(progress.unsearched)}"
            if progress.unsearched
            else ""
        )
        return f"none of {count} secret strings is in a file below {', '.join(map(str, roots))}{behind}"

    yield Step("proof", kept(prove, "proof"), lambda: bool(progress.proof), lambda: progress.proof)


def _wipe(part: Part, progress: Progress, report: Path) -> str:
    """Wipe one part and note each path before and after. Raises OSError, and StepError when the report cannot be written."""
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
    """Everything at and below some paths that is no folder; no link is followed."""
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            if os.path.lexists(path):
                yield path
            continue
        for parent, folders, files in os.walk(path):
            yield from (Path(parent) / one for one in files)
            yield from (Path(parent) / one for one in folders if (Path(parent) / one).is_symlink())


def _needles(path: Path) -> set[bytes]:
    """What to look for of a secret file: each long run of Base64 in it, also decoded, its lines, the key of a note's key file, and the whole
    of it. What lies beside keys is public.
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
    """Whether a file holds one of these strings, wherever it begins."""
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
