"""Handovers at the end of a shift: the open matters of each lane, signed by the officer who leaves and by each reader.

The browser signs with the shift key what its page showed. The signed texts are kept in one file, replaced atomically;
above HANDOVERS_MAX the oldest is dropped. Texts without a valid signature are refused; those found in the file are
counted and not shown. About travellers it holds only the ids of waiting crossings. The clock is an argument.

HandoverError      the file cannot be read or written; the message names it
├── NotOursError   the file does not hold handovers
└── OldPageError   the signed page is too old
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from gate_core import durable
from gate_core.orders import signed_text
from gate_core.orders.certificate import OFFICERS, ORDERING, Certificate, CertificateText, Who, open_text
from gate_core.orders.errors import ForgedError, OrderError
from gate_core.orders.signed_text import GateId, Kind, Moment, Text
from gate_officers.console.view import OPEN_MAX, OPEN_WORDS_MAX

BYTES_MAX: Final = 1024 * 1024
HANDOVER: Final = Kind("handover", 1, BYTES_MAX)
READING: Final = Kind("handover-read", 1, BYTES_MAX)
HANDOVERS_MAX: Final = 20
WORDS_MAX: Final = 500
PAGE_S: Final = 30 * 60  # maximum age of the page that is signed
CLOCK_S: Final = 60  # tolerance for a console clock that was set back meanwhile
_FILE_BYTES_MAX: Final = 3 * 1024 * 1024

_Words = Annotated[str, msgspec.Meta(max_length=OPEN_WORDS_MAX)]
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

log = logging.getLogger("gate.console")


class HandoverError(Exception):
    """The file cannot be read or written; the message names it."""


class NotOursError(HandoverError):
    """The file does not hold handovers; the message names it."""


class OldPageError(HandoverError):
    """The signed page is older than PAGE_S."""


class OpenAt(Text, frozen=True, kw_only=True):
    """The open matters of one lane, as text."""

    gate: GateId
    state: _Words
    things: Annotated[tuple[_Words, ...], msgspec.Meta(max_length=OPEN_MAX)]


class Handover(Text, frozen=True, kw_only=True):
    """The text that the leaving officer signs. `at`: when the page was made, in seconds since 1970."""

    at: Moment
    certificate: CertificateText
    open_at: Annotated[tuple[OpenAt, ...], msgspec.Meta(min_length=1, max_length=64)]
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)]


class Reading(Text, frozen=True, kw_only=True):
    """The text that a reader signs: the SHA-256 of each handover that the page showed."""

    at: Moment
    certificate: CertificateText
    handovers: Annotated[tuple[Digest, ...], msgspec.Meta(min_length=1, max_length=HANDOVERS_MAX)]


Said = TypeVar("Said", Handover, Reading)


@dataclass(frozen=True, slots=True)
class Read:
    """A reader's signature under a handover; `raw` is the signed text."""

    raw: bytes
    officer: str
    at: str


@dataclass(frozen=True, slots=True)
class Signed:
    """One handover; `raw` is the text signed by `by`."""

    raw: bytes
    by: Certificate
    at: str
    open_at: tuple[OpenAt, ...]
    words: str
    read: tuple[Read, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 by which a `Reading` names this handover."""
        return hashlib.sha256(self.raw).hexdigest()

    def among(self, covers: Callable[[str], bool]) -> Signed:
        """Return a copy with only the gates that `covers` accepts."""
        return replace(self, open_at=tuple(one for one in self.open_at if covers(one.gate)))

    def waits_for(self, officer: str) -> bool:
        """True if no one has read it and `officer` is not its writer."""
        return officer != self.by.officer and not self.read


class _Kept(msgspec.Struct, frozen=True):
    """One handover in the file."""

    signed: bytes
    read: tuple[bytes, ...] = ()


class Handovers:
    """The handovers of one console, newest first. `authority` is the authority's public key. Raises HandoverError."""

    def __init__(self, path: Path, authority: bytes) -> None:
        self._path = path
        self._authority = authority
        self.unsigned = 0
        self.kept = self._load()

    def of(self, covers: Callable[[str], bool]) -> tuple[Signed, ...]:
        """Return the handovers reduced to the gates that `covers` accepts."""
        return tuple(ours for one in self.kept if (ours := one.among(covers)).open_at)

    def sign(self, raw: bytes, viewer: Certificate, now_s: float) -> None:
        """Store a handover signed by `viewer`. Raises MalformedError, ForgedError and HandoverError."""
        said, by = self._proven(raw, Handover, HANDOVER)
        _require_new(said, by, viewer, now_s)
        if all(one.raw != raw for one in self.kept):  # a repeated request, after a lost answer, changes nothing
            self._keep((_signed(raw, said, by), *self.kept)[:HANDOVERS_MAX])

    def mark_read(self, raw: bytes, viewer: Certificate, now_s: float) -> None:
        """Store that `viewer` has read handovers. Raises MalformedError, ForgedError and HandoverError."""
        said, by = self._proven(raw, Reading, READING)
        _require_new(said, by, viewer, now_s)
        kept = tuple(_and_read(one, raw, said, by) for one in self.kept)
        if kept != self.kept:
            self._keep(kept)

    def _proven(self, raw: bytes, of: type[Said], kind: Kind) -> tuple[Said, Certificate]:
        """Verify a signed text; return it and its signer's certificate. Raises MalformedError and ForgedError."""
        signature, body = signed_text.split(raw, kind=kind)
        said = signed_text.read(body, of, kind=kind)
        by = open_text(said.certificate, self._authority)
        signed_text.require(signature, body, by.public, kind=kind)
        if Who.of(by) not in (OFFICERS if kind == READING else ORDERING):
            raise ForgedError(f"a {kind} is not for this role and party")
        if not by.not_before <= said.at < by.until:
            raise ForgedError(f"a {kind} from outside the shift")
        return said, by

    def _keep(self, kept: tuple[Signed, ...]) -> None:
        """Replace the file, without the oldest handovers if it were too long. Raises HandoverError."""
        while len(text := msgspec.json.encode([_Kept(one.raw, tuple(r.raw for r in one.read)) for one in kept])) > (
            _FILE_BYTES_MAX  # a longer file could not be read again
        ):
            kept = kept[:-1]
        try:
            durable.write(self._path, text, mode=0o600)
        except OSError as error:
            raise HandoverError(f"cannot write {self._path}: {error.strerror}") from error
        self.kept = kept

    def _load(self) -> tuple[Signed, ...]:
        try:
            with self._path.open("rb") as file:
                kept = msgspec.json.decode(file.read(_FILE_BYTES_MAX), type=tuple[_Kept, ...])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise HandoverError(f"cannot read {self._path}: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotOursError(f"{self._path} holds no handovers; move it away") from error
        found = tuple(one for stored in kept for one in self._ours(stored))
        if self.unsigned:
            log.warning("handovers_unsigned", extra={"count": self.unsigned})
        return found

    def _ours(self, stored: _Kept) -> Iterator[Signed]:
        """Yield a stored handover with its readings, without those that lack a valid signature; these are counted."""
        try:
            one = _signed(stored.signed, *self._proven(stored.signed, Handover, HANDOVER))
        except OrderError:
            self.unsigned += 1
            return
        for raw in stored.read:
            try:
                one = _and_read(one, raw, *self._proven(raw, Reading, READING))
            except OrderError:
                self.unsigned += 1
        yield one


def _signed(raw: bytes, said: Handover, by: Certificate) -> Signed:
    """Build a `Signed`. Raises ForgedError if it names a gate outside the signer's shift."""
    if not all(by.covers(one.gate) for one in said.open_at):
        raise ForgedError("a handover of a gate at which the shift is not worked")
    return Signed(raw, by, _moment(said.at), said.open_at, said.words)


def _and_read(one: Signed, raw: bytes, said: Reading, by: Certificate) -> Signed:
    """Add the reading, if it names this handover, covers one of its gates, and the reader has yet to read it."""
    if one.digest not in said.handovers or not one.waits_for(by.officer) or not one.among(by.covers).open_at:
        return one
    return replace(one, read=(*one.read, Read(raw, by.officer, _moment(said.at))))


def _require_new(said: Handover | Reading, by: Certificate, viewer: Certificate, now_s: float) -> None:
    """Raises ForgedError if the signer is not `viewer`, and OldPageError if the page is too old."""
    if by != viewer:
        raise ForgedError("signed by another key than the one that is signed in")
    if not -CLOCK_S <= now_s - said.at <= PAGE_S:
        raise OldPageError("this page is old: open it again")


def _moment(at_s: int) -> str:
    """Format seconds since 1970 as RFC 3339, UTC, to the minute."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
