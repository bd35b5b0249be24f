"""A list's header: a C2SP signed note in which the agency that owns a list says what it is, what it may be used for, and which entries it has. Pure.

    portcullis list/1
    age_max_hours = 24
    agency = "police.example"
    …                               a line a field, in order, each value as JSON in ASCII: one way to write each header

A header is believed by the signature of one of its agency's keys, which the site's configuration names. What the entries are is said by their
SHA-256; a delta is signed by the whole list that it leads to. What a header means for the list that is held is `gate.lists.shelf`'s.
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
    """What its entries are, for the officer who meets one."""

    LOST_DOCUMENTS = "lost_documents"  # lost, stolen or not valid any more
    WANTED = "wanted"
    MISSING = "missing"  # people who may need protection
    NO_ENTRY = "no_entry"
    OTHER = "other"


class Delta(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a delta rests on: the serial and entries of the list that it changes, and the SHA-256 of its own file."""

    serial: Serial
    entries: Digest
    sha256: Digest


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One edition of a list. `first` and `last` bound when it holds; `age_max_hours` after `issued` a gate takes it for unknown.

    `copies_at` are the gates that may hold a copy (`*`: any that is given it; none: it may be asked for online alone), for
    `copies_kept_hours` after `issued`, or until the next edition. `shrinks`: that it has half as many entries, or fewer, is meant. `withdrawn`:
    it holds no more, and has no entries. `priority`: 1 is looked at first. `entries` is the SHA-256 of the whole file of entries.
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
        """Refuse what contradicts itself."""
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
        """What of the edition before is half gone, or more, where that is not said to be meant; empty: nothing is."""
        if before.withdrawn or self.withdrawn or self.shrinks:
            return ""
        for what, was, now in (("numbers", before.numbers, self.numbers), ("names", before.names, self.names)):
            if was and now * 2 <= was:
                return f"has {now} {what} after {was}, and does not say that this is meant"
        return ""

    @property
    def text(self) -> str:
        """What is signed."""
        fields = msgspec.to_builtins(self)
        lines = (f"{key} = {json.dumps(fields[key], sort_keys=True)}\n" for key in sorted(fields))
        return f"{FIRST_LINE}\n{''.join(lines)}"

    @classmethod
    def parse(cls, text: str) -> Header:
        """Read the text of a note. Raises BadListError."""
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
        """True when a gate may hold a copy now."""
        allowed = ANYWHERE in self.copies_at or gate in self.copies_at
        return allowed and now < self.issued + timedelta(hours=self.copies_kept_hours)

    def is_old(self, now: datetime) -> bool:
        """True when it was issued too long ago to say that somebody is not on it; and for one that is of a later time than now."""
        return not self.issued <= now <= self.issued + timedelta(hours=self.age_max_hours)

    def holds(self, now: datetime) -> bool:
        """True from its first moment until its last."""
        return self.first <= now < self.last


def signed(header: Header, signer: Signer) -> bytes:
    """The header as a note, signed by its agency."""
    return Note(header.text, ()).with_signatures([signer.sign(header.text)]).to_bytes()


def believed(raw: bytes, keys: Sequence[Verifier]) -> Header:
    """The header that one of these keys has signed. Raises BadListError."""
    if len(raw) > NOTE_BYTES_MAX:
        raise BadListError(f"is no header of a list: longer than {NOTE_BYTES_MAX} bytes")
    try:
        note = Note.parse(raw)
        note.verify_any(keys)
    except (BadFormatError, BadSignatureError) as error:
        raise BadListError(f"is not signed by its agency: {error}") from error
    return Header.parse(note.text)
