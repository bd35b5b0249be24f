r"""A list's entries in one file: document numbers as digests under the agency's key, and names if the list permits them.

    "portcullis entries/1\n"  numbers (4 bytes, big-endian)  bytes of the names (4)
    32 bytes a number          HMAC-SHA256 of each number, in order, none twice
    the names                  a line each, JSON: {"born":"1974-08-12","names":["ERIKSSON, ANNA MARIA"],"reference":"A-17"}

A delta is a file of the same form: the added entries, then the removed ones. Numbers are looked up in the file on the disk. The digests
protect a list that is stolen without the agency's key; a gate has that key, and there are few enough numbers to try them all.
"""

from __future__ import annotations

import bisect
import hashlib
import hmac
import mmap
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

import msgspec

from gate.lists.errors import BadListError
from gate.lists.header import NAMES_MAX, NUMBERS_MAX, Header
from gate_core.ordinary import open_ordinary

DIGEST_BYTES: Final = 32
SECRET_BYTES_MIN: Final = 32
NAME_CHARACTERS_MAX: Final = 120  # of one spelling
SPELLINGS_MAX: Final = 16
ENTRIES_MAGIC: Final = b"portcullis entries/1\n"
DELTA_MAGIC: Final = b"portcullis delta/1\n"
_COUNTS: Final = struct.Struct(">II")
_NAMES_BYTES_MAX: Final = 32 * 1024 * 1024
FILE_BYTES_MAX: Final = 2 * (NUMBERS_MAX * DIGEST_BYTES + _NAMES_BYTES_MAX + 64)
_Entry = TypeVar("_Entry")
_Kind = TypeVar("_Kind", bound="_Part")
_NUMBER: Final = re.compile(r"[0-9A-Z]{1,22}")  # as long as a card's with what is carried over (ICAO 9303-5 §4.2.4)
_ISSUER: Final = re.compile(r"[A-Z]{1,3}")

Spelling = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Born = Annotated[str, msgspec.Meta(pattern=r"^(?:\d{4}(?:-\d{2}-\d{2})?)?$")]


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, repr_omit_defaults=True):
    """A person on a list. Each spelling is `SURNAME, GIVEN NAMES` in a script that `gate.lists.latin` knows; `born`: a day, a year or empty.

    `reference`: the owner's own, which identifies a hit to them.
    """

    reference: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._/-]{1,64}$")]
    names: Annotated[tuple[Spelling, ...], msgspec.Meta(min_length=1, max_length=SPELLINGS_MAX)]
    born: Born = ""

    def __repr__(self) -> str:
        """Never shows a name."""
        return "Named(…)"


def digest_of(secret: bytes, issuer: str, number: str) -> bytes:
    """Return the digest of a document's number, in MRZ letters. Raises ValueError for an impossible number."""
    issuer, number = issuer.replace("<", ""), number.replace("<", "").replace(" ", "").upper()
    if len(secret) < SECRET_BYTES_MIN or _ISSUER.fullmatch(issuer) is None or _NUMBER.fullmatch(number) is None:
        raise ValueError("no document has such a number, or the agency's key is too short")
    return hmac.digest(secret, f"number/1\n{issuer}\n{number}".encode(), "sha256")


class _Part:
    """Digests and names, at their place in a file."""

    def __init__(self, view: mmap.mmap, start: int) -> None:
        if len(view) < start + _COUNTS.size:
            raise BadListError("its entries are cut off")
        self.numbers, names_bytes = _COUNTS.unpack_from(view, start)
        self._view = view
        self._first = start + _COUNTS.size
        self._names_at = self._first + self.numbers * DIGEST_BYTES
        self.end = self._names_at + names_bytes
        if self.numbers > NUMBERS_MAX or names_bytes > _NAMES_BYTES_MAX or len(view) < self.end:
            raise BadListError("its entries are cut off, or too many")
        before = b""
        for at in range(self._first, self._names_at, DIGEST_BYTES):
            digest = view[at : at + DIGEST_BYTES]
            if digest <= before:
                raise BadListError("its numbers are not in order, or stand there twice")
            before = digest

    def has(self, digest: bytes) -> bool:
        """True if this number is on the list."""
        places = range(self._first, self._names_at, DIGEST_BYTES)
        at = bisect.bisect_left(places, digest, key=lambda at: self._view[at : at + DIGEST_BYTES])
        return at < self.numbers and self._view[places[at] : places[at] + DIGEST_BYTES] == digest

    def digests(self) -> list[bytes]:
        """All of them, in order."""
        raw = self._view[self._first : self._names_at]
        return [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]

    def names(self) -> tuple[Named, ...]:
        """Return all people on the list. Raises BadListError."""
        lines = self._view[self._names_at : self.end].splitlines()
        if len(lines) > NAMES_MAX:
            raise BadListError(f"it has more than {NAMES_MAX} names")
        try:
            return tuple(_DECODER.decode(line) for line in lines)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # their messages contain no values
            raise BadListError(f"one of its names cannot be read: {error}") from error


_DECODER: Final = msgspec.json.Decoder(Named)


class Entries(_Part):
    """The entries of one list, opened. `close` closes the file."""

    people: tuple[Named, ...]

    @classmethod
    def open(cls, path: Path, header: Header) -> Self:
        """Open the file to which a header belongs. Raises BadListError, and OSError."""
        view = _mapped(path)
        try:
            _require(view, header.entries, "its entries are not those that its header names")
            (found,) = _parts(view, ENTRIES_MAGIC, 1, cls)
            found.people = found.names()
            _require_count(found, header)
        except BaseException:
            view.close()
            raise
        return found

    def close(self) -> None:
        """Close the file."""
        self._view.close()


def _require_count(found: Entries, header: Header) -> None:
    if (found.numbers, len(found.people)) != (header.numbers, header.names):
        raise BadListError("it has not as many entries as its header says")


def written(digests: Sequence[bytes], people: Sequence[Named] = ()) -> bytes:
    """Return the file of these entries; for makers of lists."""
    return ENTRIES_MAGIC + _part(digests, people)


def written_delta(
    added: Sequence[bytes], removed: Sequence[bytes], named: Sequence[Named] = (), unnamed: Sequence[Named] = ()
) -> bytes:
    """Return the file of a delta."""
    return DELTA_MAGIC + _part(added, named) + _part(removed, unnamed)


def changed(held: Entries, path: Path, sha256: str) -> bytes:
    """Return the file of the entries after applying a delta to the stored ones. Raises BadListError, and OSError."""
    view = _mapped(path)
    try:
        _require(view, sha256, "its delta is not the one that its header names")
        added, removed = _parts(view, DELTA_MAGIC, 2, _Part)
        numbers = _after(set(held.digests()), set(added.digests()), set(removed.digests()))
        people = _after(set(held.people), set(added.names()), set(removed.names()))
    finally:
        view.close()
    return written(list(numbers), list(people))


def _after(held: set[_Entry], added: set[_Entry], removed: set[_Entry]) -> set[_Entry]:
    if added & held or removed - held:
        raise BadListError("its delta adds what is there, or takes away what is not")
    return (held - removed) | added


def _require(view: mmap.mmap, sha256: str, otherwise: str) -> None:
    if hashlib.sha256(view).hexdigest() != sha256:
        raise BadListError(otherwise)


def _part(digests: Sequence[bytes], people: Sequence[Named]) -> bytes:
    lines = b"".join(sorted(msgspec.json.encode(person, order="deterministic") + b"\n" for person in people))
    return _COUNTS.pack(len(digests), len(lines)) + b"".join(sorted(digests)) + lines


def _mapped(path: Path) -> mmap.mmap:
    descriptor = open_ordinary(path)
    try:
        if not 0 < os.fstat(descriptor).st_size <= FILE_BYTES_MAX:
            raise BadListError("its entries are none, or too many")
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)


def _parts(view: mmap.mmap, magic: bytes, count: int, kind: type[_Kind]) -> list[_Kind]:
    if view[: len(magic)] != magic:
        raise BadListError("its entries are written in another way")
    parts: list[_Kind] = []
    at = len(magic)
    for _ in range(count):
        parts.append(part := kind(view, at))
        at = part.end
    if at != len(view):
        raise BadListError("there is more behind its entries")
    return parts
