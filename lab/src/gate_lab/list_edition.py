"""Making an edition of a list, on its agency's own machine: what it says of itself from a TOML file, its numbers a line each, its names a line each.

    UTO L898902C3                   issuer and number, as the MRZ spells them
    {"reference":"A-17","names":["ERIKSSON, ANNA MARIA"],"born":"1974-08-12"}

Whatever a gate would refuse is refused here first, with its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate.lists.entries import Entries, Named, digest_of, written, written_delta
from gate.lists.errors import BadListError, NotNewerError, ShrunkError
from gate.lists.header import NAMES_MAX, NUMBERS_MAX, About, Delta, Header, Hours, Place, Serial, Text, signed
from gate.lists.names import People
from gate_core import durable
from gate_core.audit_format.note import Signer

_NAMED: Final = msgspec.json.Decoder(Named)


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a list says of itself, as its agency writes it (docs/protocols/signed-lists.md)."""

    agency: str
    name: str
    serial: Serial
    about: About
    purpose: Text
    basis: Text
    instructions: Text
    first: Annotated[datetime, msgspec.Meta(tz=True)]
    last: Annotated[datetime, msgspec.Meta(tz=True)]
    age_max_hours: Hours
    priority: int
    copies_at: tuple[Place, ...]
    copies_kept_hours: Hours
    names_allowed: bool = False
    shrinks: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition that nobody has signed yet, and its file: of entries, or of a delta."""

    header: Header
    entries: bytes
    digests: Sequence[bytes]
    people: Sequence[Named]


def write(out: Path, made: Edition, change: Edition | None, signer: Signer) -> tuple[Path, Path | None]:
    """Sign an edition, and the delta to it if there is one; write each note after its entries. Returns the notes. Raises OSError."""
    note = out / f"{made.header.name}-{made.header.serial}.note"
    before = None if change is None else change.header.delta
    delta = None if before is None else note.with_name(f"{note.stem}-from-{before.serial}.note")
    durable.make_folder(out)
    if not made.header.withdrawn:
        durable.write(note.with_suffix(".entries"), made.entries)
    durable.write(note, signed(made.header, signer))
    if change is not None and delta is not None:
        durable.write(delta.with_suffix(".delta"), change.entries)
        durable.write(delta, signed(change.header, signer))
    return note, delta


def edition(said: Said, digests: Sequence[bytes], people: Sequence[Named], issued: datetime) -> Edition:
    """An edition of these entries. Raises BadListError."""
    People(people)
    entries = written(digests, people)
    fields = {name: getattr(said, name) for name in said.__struct_fields__}
    counted = {
        "issued": issued,
        "numbers": len(digests),
        "names": len(people),
        "entries": hashlib.sha256(entries).hexdigest(),
    }
    try:
        header = msgspec.convert(msgspec.to_builtins(fields | counted), Header)
    except ValueError as error:  # msgspec's own errors are among these
        raise BadListError(str(error)) from error
    return Edition(header, entries, digests, people)


def delta(made: Edition, before: Header, held: Entries) -> Edition:
    """The delta that leads to this edition from one before: its header, and its file. Raises ListError for what no gate would take in its place."""
    if (made.header.agency, made.header.name) != (before.agency, before.name):
        raise BadListError(f"the edition before is another list, {before.name} of {before.agency}")
    if made.header.serial <= before.serial:
        raise NotNewerError(f"has serial {made.header.serial}, and the edition before has {before.serial}")
    if made.header.withdrawn or before.withdrawn:
        raise BadListError("there is no delta to a list that is withdrawn, or from one")
    if lost := made.header.lost(before):
        raise ShrunkError(lost)
    numbers, people = set(made.digests), set(made.people)
    were, knew = set(held.digests()), set(held.people)
    file = written_delta(sorted(numbers - were), sorted(were - numbers), list(people - knew), list(knew - people))
    told = Delta(serial=before.serial, entries=before.entries, sha256=hashlib.sha256(file).hexdigest())
    return replace(made, header=msgspec.structs.replace(made.header, delta=told), entries=file)


def digests_in(lines: Iterable[str], secret: bytes) -> list[bytes]:
    """The digests of issuers and numbers, a line each; empty lines are passed over. Raises BadListError with the line."""
    found: dict[bytes, None] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise BadListError(f"line {number}: an issuer and a number, with a space between them")
        try:
            found[digest_of(secret, *words)] = None
        except ValueError as error:
            raise BadListError(f"line {number}: no document has such a number") from error
        if len(found) > NUMBERS_MAX:
            raise BadListError(f"line {number}: more than {NUMBERS_MAX} numbers")
    return sorted(found)


def people_in(lines: Iterable[str]) -> list[Named]:
    """People, a line each; empty lines are passed over. Raises BadListError with the line."""
    found: dict[Named, None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            person = _NAMED.decode(line)
            People([person])
        except (msgspec.DecodeError, BadListError) as error:
            raise BadListError(f"line {number}: {error}") from error
        found[person] = None
        if len(found) > NAMES_MAX:
            raise BadListError(f"line {number}: more than {NAMES_MAX} names")
    return list(found)
