"""A list's header: a C2SP signed note in which the owning agency states its subject, permitted use and entries. Pure.

    portcullis list/1
    age_max_hours = 24
    agency = "police.example"
    …                               a line a field, in order, each value as JSON in ASCII: one way to write each header

A header is trusted by the signature of one of its agency's keys, which the site's configuration names. It has the SHA-256 of the
entries; a delta is authenticated by the resulting whole list. `gate.lists.stored_list` decides whether it replaces the stored list.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from gate.lists.errors import BadListError
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Note, Signer, Verifier

FIRST_LINE: Final = "portcullis list/1"
NOTE_BYTES_MAX: Final = 16 * 1024
NUMBERS_MAX: Final = 4_000_000  # of one list: 128 MB of digests
NAMES_MAX: Final = 50_000
ANYWHERE: Final = "*"
YEAR_MAX: Final = 9000  # of an edition: what is added to its date must still be one

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=24 * 366)]
Serial = Annotated[int, msgspec.Meta(ge=1, le=(1 << 53) - 1)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Place = Annotated[str, msgspec.Meta(pattern=r"^(?:\*|[a-z0-9][a-z0-9-]{0,62})$")]


class About(enum.Enum):
    """The subject of its entries, for officers."""

    LOST_DOCUMENTS = "lost_documents"  # lost, stolen or not valid any more
    WANTED = "wanted"
    MISSING = "missing"  # people who may need protection
    NO_ENTRY = "no_entry"
    OTHER = "other"


class Delta(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A delta's basis: the serial and entries of the list that it changes, and the SHA-256 of its own file."""

    serial: Serial
    entries: Digest
    sha256: Digest


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One edition of a list. `first` and `last`: its validity; `age_max_hours` after `issued` a gate treats it as unknown.

    `copies_at`: the gates that may store a copy (`*`: every gate that receives it; none: online queries only), for
    `copies_kept_hours` after `issued`, or until the next edition. `shrinks`: at most half as many entries are intended.
    `withdrawn`: it is void, without entries. `priority`: 1 is checked first. `entries`: SHA-256 of the whole file of entries.
    """

    agency: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    serial: Serial
    about: About
    purpose: Text
    basis: Text
    instructions: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    issued: Moment
    first: Moment
    last: Moment
    age_max_hours: Hours
    priority: Annotated[int, msgspec.Meta(ge=1, le=9)]
    copies_at: Annotated[tuple[Place, ...], msgspec.Meta(max_length=1000)]
    copies_kept_hours: Hours
    numbers: Annotated[int, msgspec.Meta(ge=0, le=NUMBERS_MAX)]
    names: Annotated[int, msgspec.Meta(ge=0, le=NAMES_MAX)]
    names_allowed: bool
    entries: Digest
    delta: Delta | None = None
    shrinks: bool = False
    withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        if wrong := next(self._contradictions(), ""):
            raise ValueError(wrong)

    def _contradictions(self) -> Iterator[str]:
        if self.issued.year > YEAR_MAX:
            yield "it is issued in a year that nobody reckons with"
        if not all(words.isprintable() for words in (self.purpose, self.basis, self.instructions)):
            yield "it has words that cannot be shown: each is one line of letters, signs and spaces"
        if self.last <= self.first:
            yield "it ends before it begins"
        if self.names and not self.names_allowed:
            yield "it has names, and does not allow them"
        if self.withdrawn and (self.numbers or self.names):
            yield "it is withdrawn, and has entries"
        if self.delta is not None and self.delta.serial >= self.serial:
            yield "it is a delta of a later edition"

    def lost(self, before: Header) -> str:
        """Return which count has at least halved since the edition before, without declaration; empty: none."""
        if before.withdrawn or self.withdrawn or self.shrinks:
            return ""
        for what, was, now in (("numbers", before.numbers, self.numbers), ("names", before.names, self.names)):
            if was and now * 2 <= was:
                return f"has {now} {what} after {was}, and does not say that this is meant"
        return ""

    @property
    def text(self) -> str:
        """The signed text."""
        fields = msgspec.to_builtins(self)
        lines = (f"{key} = {json.dumps(fields[key], sort_keys=True)}\n" for key in sorted(fields))
        return f"{FIRST_LINE}\n{''.join(lines)}"

    @classmethod
    def parse(cls, text: str) -> Header:
        """Parse a note's text. Raises BadListError."""
        first, *lines = text.split("\n")
        if first != FIRST_LINE or lines[-1:] != [""]:
            raise BadListError(f"is no header of a list: {FIRST_LINE!r}, and a line a field")
        try:
            fields = {key: json.loads(value) for key, _, value in (line.partition(" = ") for line in lines[:-1])}
            header = msgspec.convert(fields, cls)
        except (ValueError, RecursionError) as error:  # msgspec's own errors are among these
            raise BadListError(f"is no header of a list: {str(error)[:200]}") from error
        if header.text != text:
            raise BadListError("is no header of a list: it has another spelling")
        return header

    def may_be_copied(self, gate: str, now: datetime) -> bool:
        """True if a gate may store a copy now."""
        allowed = ANYWHERE in self.copies_at or gate in self.copies_at
        return allowed and now < self.issued + timedelta(hours=self.copies_kept_hours)

    def is_old(self, now: datetime) -> bool:
        """True if it was issued too long ago to prove that a person is not on it, or in the future."""
        return not self.issued <= now <= self.issued + timedelta(hours=self.age_max_hours)

    def holds(self, now: datetime) -> bool:
        """True within its validity."""
        return self.first <= now < self.last


def signed(header: Header, signer: Signer) -> bytes:
    """Return the header as a note, signed by its agency."""
    return Note(header.text, ()).with_signatures([signer.sign(header.text)]).to_bytes()


def believed(raw: bytes, keys: Sequence[Verifier]) -> Header:
    """Return the header if one of these keys has signed it. Raises BadListError."""
    if len(raw) > NOTE_BYTES_MAX:
        raise BadListError(f"is no header of a list: longer than {NOTE_BYTES_MAX} bytes")
    try:
        note = Note.parse(raw)
        note.verify_any(keys)
    except (BadFormatError, BadSignatureError) as error:
        raise BadListError(f"is not signed by its agency: {error}") from error
    return Header.parse(note.text)
