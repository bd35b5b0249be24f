"""Reads a bundle: one file of JSON lines that an auditor carries away (docs/protocols/audit-log.md).

Read as a stream, one line at a time; what is remembered of an entry is its hash, and of a key its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gate_verify.cosigners import Cosigners
from gate_verify.findings import StructureError, UnreadableError
from gate_verify.handover import KeyRing
from gate_verify.judge import HOUR_MAX, Header, Judge, header_in_a_line, one_spelling
from gate_verify.signed_note import exact_base64

FORMAT = "portcullis-audit/1"
LINE_BYTES_MAX = 256 * 1024
READ_BYTES = 1024 * 1024  # at once
_KEY, _CT, _LEAF, _END = b'{"key":"', b'{"ct":"', b'","leaf":"', b'"}\n'


@dataclass(frozen=True, slots=True)
class Opening:
    """The first line: the signed checkpoint, and where the entries begin."""

    checkpoint: bytes
    since: int
    frontier: bytes
    size: int
    handovers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyLine:
    """An age file."""

    wrapped: bytes


class EntryLine(NamedTuple):
    """A leaf and its sealed body, and the leaf's header if reading the line gave it."""

    leaf: bytes
    sealed: bytes
    header: Header | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The last line: the number of lines of each kind."""

    entries: int
    keys: int


Line = Opening | KeyLine | EntryLine | Closing


def lines(file: BinaryIO) -> Iterator[Line]:
    """Yield the lines. Raises StructureError at the first one that cannot be read."""
    number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX:
            raise StructureError(f"line {number} is too long")
        if not raw.endswith(b"\n"):
            raise StructureError(f"line {number} is cut off")
        try:
            yield _usual(raw) or _line(one_spelling(raw[:-1]))
        except StructureError as error:
            raise StructureError(f"line {number}: {error}") from error


def verify_bundle(path: Path, ring: KeyRing, cosigners: Cosigners, hour_max: str) -> Judge:
    """Judge a bundle. Raises UnreadableError when it cannot be read at all."""
    try:
        with path.open("rb", buffering=READ_BYTES) as file:
            return judge_bundle(file, ring, cosigners, hour_max)
    except OSError as error:
        raise UnreadableError(f"cannot read {path.name}: {error.strerror}") from error


def judge_bundle(file: BinaryIO, ring: KeyRing, cosigners: Cosigners | None = None, hour_max: str = HOUR_MAX) -> Judge:
    """Judge an open bundle. Raises OSError."""
    stream, judge = lines(file), Judge(ring)
    try:
        opening = _opening(stream)
        judge = Judge(ring, since=opening.since, frontier=opening.frontier, cosigners=cosigners, hour_max=hour_max)
    except StructureError as error:
        judge.findings.add(str(error))
        return judge
    try:
        _verify_lines(stream, judge, opening)
    except StructureError as error:
        judge.findings.add(str(error))
    judge.handovers(opening.handovers)
    head = judge.checkpoint(opening.checkpoint)
    if head is not None and head.size != opening.size:
        judge.findings.add(f"line 1 speaks of {opening.size} entries, its checkpoint of {head.size}")
    return judge


def _opening(stream: Iterator[Line]) -> Opening:
    opening = next(stream, None)
    if not isinstance(opening, Opening):
        raise StructureError("line 1 is not the beginning of a bundle")
    return opening


def _verify_lines(stream: Iterator[Line], judge: Judge, opening: Opening) -> None:
    pending: str | None = None
    entries = keys = 0
    for line in stream:
        match line:
            case EntryLine(leaf, sealed, header):
                used = judge.entry(leaf, sealed, header)
                if pending is not None and used != pending:
                    judge.findings.add(f"key {pending} is not the one that entry {judge.tree.size - 1} uses")
                pending = None
                entries += 1
            case KeyLine(wrapped):
                if pending is not None:
                    judge.findings.add(f"key {pending} is used by no entry after it")
                pending = judge.key(wrapped)
                if pending in judge.keys_used:
                    judge.findings.add(f"key {pending} comes after an entry that uses it")
                keys += 1
            case Closing():
                if line != Closing(entries, keys) or pending is not None:
                    judge.findings.add("the last line counts other lines than there are")
                if next(stream, None) is not None:
                    judge.findings.add("something follows the last line")
                return
            case Opening():
                judge.findings.add("a second beginning stands inside the bundle")
    judge.findings.add(f"the bundle is cut off after {entries} of {opening.size - opening.since} entries")


def _usual(raw: bytes) -> KeyLine | EntryLine | None:
    """Parse a key or entry in its canonical spelling without a JSON parser, for speed. Returns None for other lines: `_line` parses them."""
    if not raw.endswith(_END):
        return None
    if raw.startswith(_KEY):
        return KeyLine(exact_base64(raw[len(_KEY) : -len(_END)]))
    middle = raw.rfind(_LEAF)
    if middle < 0 or not raw.startswith(_CT):
        return None
    found = header_in_a_line(raw[middle + len(_LEAF) : -len(_END)].decode("latin-1"))
    return None if found is None else EntryLine(found[0], exact_base64(raw[len(_CT) : middle]), found[1])


def _line(fields: dict[str, Any]) -> Line:
    match fields:
        case {"bundle": str(name), "checkpoint": str(note), "frontier": str(frontier), "since": since, "size": size}:
            words = fields.get("handovers", [])
            is_known = set(fields) <= {"bundle", "checkpoint", "frontier", "handovers", "since", "size"}
            are_words = isinstance(words, list) and all(isinstance(one, str) for one in words)
            if name != FORMAT or not (is_known and are_words and _counts(since, size) and since <= size < 2**63):
                raise StructureError(f"not the beginning of a bundle of format {FORMAT}")
            told = tuple(one.encode(errors="replace") for one in words)
            return Opening(note.encode(errors="replace"), since, exact_base64(frontier), size, told)
        case {"key": str(wrapped)} if len(fields) == 1:
            return KeyLine(exact_base64(wrapped))
        case {"ct": str(sealed), "leaf": str(leaf)} if len(fields) == 2:
            return EntryLine(leaf.encode(errors="replace"), exact_base64(sealed))
        case {"entries": entries, "keys": keys} if len(fields) == 2 and _counts(entries, keys):
            return Closing(entries, keys)
        case _:
            raise StructureError("not a line of a bundle")


def _counts(*values: object) -> bool:
    return all(type(value) is int and value >= 0 for value in values)
