"""Verifies a log in any exported form, with everything that the auditor has of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate_verify.bundle import READ_BYTES, Line, lines, verify_bundle
from gate_verify.consistency import Comparison, Read, Receipt
from gate_verify.cosigners import Cosigners
from gate_verify.database import MAGIC, database_lines, verify_database
from gate_verify.findings import Report, StructureError, UnreadableError
from gate_verify.folder import folder_lines, verify_folder
from gate_verify.handover import KeyRing, is_handover, read_keys
from gate_verify.judge import HOUR_MAX
from gate_verify.signed_note import COSIGNER, NOTE_BYTES_MAX, read_head, read_vkey


@dataclass(frozen=True, slots=True)
class Known:
    """What the auditor knows besides the log's keys: a minimum number of entries `at_least`, the cosigners' keys (one
    per line, oldest first for each), and the last possible hour (`2026-11-25T10:00:00Z`).
    """

    at_least: int | None = None
    cosigners: str = ""
    hour_max: str = HOUR_MAX


def verify(path: Path, vkey: str, *others: Path, known: Known | None = None) -> Report:
    """Judge a log by its public keys, one per line, oldest first. The log is a bundle, a spool or tile folder, or a copy of the database.

    `others`: more copies of the same log, complete or in part, receipts (signed checkpoints in files of their own), and handovers of
    keys. All of them must agree.

    Every problem is in the report's `problems`. Raises UnreadableError if there is nothing to judge.
    """
    known = known or Known()
    ring = KeyRing(read_keys(vkey))
    cosigners = Cosigners(tuple(read_vkey(one, COSIGNER) for one in known.cosigners.split()))
    paths, again = _once((path, *others))
    names = [one.name if [two.name for two in paths].count(one.name) == 1 else str(one) for one in paths]
    given = [(one, name, kind_of(one)) for one, name in zip(paths, names, strict=True)]
    read = [
        Read(name, kind, _READERS[kind](one, ring, cosigners, known.hour_max))
        for one, name, kind in given
        if kind in _READERS
    ]
    if not read:
        raise UnreadableError(
            "only notes were given; what they are of is missing: a bundle, a spool or a copy of the database"
        )
    handovers = [(one, name) for one, name, kind in given if kind == "handover"]
    words = [f"{name}: {wrong}" for one, name in handovers for wrong in _word(one, ring, cosigners)]
    # After the logs, which show what became of the log's keys.
    receipts = [_receipt(one, name, ring, cosigners) for one, name, kind in given if kind == "receipt"]
    return Comparison(read, receipts, known.at_least, ring, cosigners).report(words, again)


def name_of(vkey: str) -> str:
    """Return the name of the log to which these keys belong. Raises UnreadableError."""
    return KeyRing(read_keys(vkey)).name


def contents(path: Path) -> Iterator[Line]:
    """Yield a log in any form as the lines of a bundle, for decryption; nothing is judged.

    Raises UnreadableError if it cannot be read at all, StructureError where it cannot be read further, and OSError.
    """
    match kind_of(path):
        case "folder":
            yield from folder_lines(path)
        case "database":
            yield from database_lines(path)
        case "receipt" | "handover" as kind:
            raise StructureError(f"it is a {kind}, without an entry")
        case _:
            with path.open("rb", buffering=READ_BYTES) as file:
                yield from lines(file)


_READERS = {"bundle": verify_bundle, "folder": verify_folder, "database": verify_database}


def kind_of(path: Path) -> str:
    """Return the log's form by its content, not by its name; anything unknown is taken for a bundle. Raises UnreadableError."""
    if path.is_dir():
        return "folder"
    raw = _content(path)
    if raw.startswith(MAGIC):
        return "database"
    if is_handover(raw):
        return "handover"
    try:
        read_head(raw)
    except StructureError:
        return "bundle"
    return "receipt"


def _content(path: Path) -> bytes:
    """Return the beginning of a file; of a pipe, nothing, without waiting for data."""
    try:
        with open(path, "rb", opener=_plain_file) as file:
            return file.read(NOTE_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror}") from error


def _plain_file(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is neither a file nor a folder")
    return descriptor


def _once(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return each file or folder once, by identity and not by name, and what was given twice."""
    found: dict[object, Path] = {}
    again: list[str] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise UnreadableError(f"cannot read {path}: {error.strerror}") from error
        thing = (status.st_dev, status.st_ino)
        if thing in found:
            again.append(f"anything by {path.name}: it was given twice, and counts once")
        found.setdefault(thing, path)
    return list(found.values()), again


def _receipt(path: Path, name: str, ring: KeyRing, cosigners: Cosigners) -> Receipt:
    note = _content(path)
    problems = ring.objections(note)
    try:
        found, wrong = cosigners.judge(note)
    except StructureError as error:
        return Receipt(name, None, (), (*problems, str(error)))
    return Receipt(name, None if problems or wrong else read_head(note), tuple(found), (*problems, *wrong))


def _word(path: Path, ring: KeyRing, cosigners: Cosigners) -> Iterator[str]:
    """Apply a handover in a file of its own; yield its problems."""
    note = _content(path)
    yield from dict.fromkeys((*ring.take([note]), *cosigners.take([note])))
