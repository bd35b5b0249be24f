"""Handovers at the end of a shift: what was open at each lane, who signed off, who has read it.

Who signs off does so by their shift key, in the browser, over what the page showed them; so does who has read. Kept are those signed texts, in one
file, written whole or not at all, so that a new start of the console loses none; the oldest of many is forgotten. What no certified key signed is
not kept, and what stands in the file without such a signature is nobody's: it is counted and never shown. Nothing of a traveller stands in it but
the ids of crossings that waited. The clock is an argument.

HandoverError      the file cannot be read or written; the message says where
├── NotOursError   the file holds something else
└── OldPageError   what was signed is what a page showed too long ago
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
PAGE_S: Final = 30 * 60  # how long ago the page may have been made that shows what is signed
CLOCK_S: Final = 60  # the console's clock may be set back meanwhile
_FILE_BYTES_MAX: Final = 3 * 1024 * 1024

_Words = Annotated[str, msgspec.Meta(max_length=OPEN_WORDS_MAX)]
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

log = logging.getLogger("gate.console")


class HandoverError(Exception):
    """The file of handovers cannot be read or written; the message says where."""


class NotOursError(HandoverError):
    """The file of handovers holds something else; the message says where."""


class OldPageError(HandoverError):
    """What was signed is what a page showed too long ago."""


class OpenAt(Text, frozen=True, kw_only=True):
    """What was open at one lane, in words."""

    gate: GateId
    state: _Words
    things: Annotated[tuple[_Words, ...], msgspec.Meta(max_length=OPEN_MAX)]


class Handover(Text, frozen=True, kw_only=True):
    """What whoever signs off has signed. `at` is when the page was made, in seconds since 1970."""

    at: Moment
    certificate: CertificateText
    open_at: Annotated[tuple[OpenAt, ...], msgspec.Meta(min_length=1, max_length=64)]
    words: Annotated[str, msgspec.Meta(max_length=WORDS_MAX)]


class Reading(Text, frozen=True, kw_only=True):
    """What whoever has read has signed: the SHA-256 of the bytes of each handover that the page showed them."""

    at: Moment
    certificate: CertificateText
    handovers: Annotated[tuple[Digest, ...], msgspec.Meta(min_length=1, max_length=HANDOVERS_MAX)]


Said = TypeVar("Said", Handover, Reading)


@dataclass(frozen=True, slots=True)
class Read:
    """Who has read a handover, and when; `raw` is what they signed."""

    raw: bytes
    officer: str
    at: str


@dataclass(frozen=True, slots=True)
class Signed:
    """One handover; `raw` is what `by` signed."""

    raw: bytes
    by: Certificate
    at: str
    open_at: tuple[OpenAt, ...]
    words: str
    read: tuple[Read, ...] = ()

    @property
    def digest(self) -> str:
        """By which a reading names it."""
        return hashlib.sha256(self.raw).hexdigest()

    def among(self, covers: Callable[[str], bool]) -> Signed:
        """The same, with nothing of other gates than these."""
        return replace(self, open_at=tuple(one for one in self.open_at if covers(one.gate)))

    def waits_for(self, officer: str) -> bool:
        """Whether somebody other than its writer has yet to read it."""
        return officer != self.by.officer and not self.read


class _Kept(msgspec.Struct, frozen=True):
    """One handover in the file."""

    signed: bytes
    read: tuple[bytes, ...] = ()


class Handovers:
    """The handovers of one console, the newest first. `authority` is the officers' authority's public key. Raises HandoverError, also when it is made."""

    def __init__(self, path: Path, authority: bytes) -> None:
        self._path = path
        self._authority = authority
        self.unsigned = 0
        self.kept = self._load()

    def of(self, covers: Callable[[str], bool]) -> tuple[Signed, ...]:
        """Those of these gates, and nothing in them of others."""
        return tuple(ours for one in self.kept if (ours := one.among(covers)).open_at)

    def sign(self, raw: bytes, viewer: Certificate, now_s: float) -> None:
        """Keep one more, which whoever is signed in has signed. Raises MalformedError and ForgedError."""
        said, by = self._proven(raw, Handover, HANDOVER)
        _require_new(said, by, viewer, now_s)
        if all(one.raw != raw for one in self.kept):  # an answer may have been lost
            self._keep((_signed(raw, said, by), *self.kept)[:HANDOVERS_MAX])

    def mark_read(self, raw: bytes, viewer: Certificate, now_s: float) -> None:
        """Whoever is signed in has read handovers of their gates that wait for them. Raises MalformedError and ForgedError."""
        said, by = self._proven(raw, Reading, READING)
        _require_new(said, by, viewer, now_s)
        kept = tuple(_and_read(one, raw, said, by) for one in self.kept)
        if kept != self.kept:
            self._keep(kept)

    def _proven(self, raw: bytes, of: type[Said], kind: Kind) -> tuple[Said, Certificate]:
        """What was said, and by whom. Raises MalformedError and ForgedError."""
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
        """Raises HandoverError."""
        while len(text := msgspec.json.encode([_Kept(one.raw, tuple(r.raw for r in one.read)) for one in kept])) > (
            _FILE_BYTES_MAX  # what is longer is not read again
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
        """A handover of the file with its readings, if a certified key has signed it, and of these those that one has."""
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
    """Raises ForgedError."""
    if not all(by.covers(one.gate) for one in said.open_at):
        raise ForgedError("a handover of a gate at which the shift is not worked")
    return Signed(raw, by, _moment(said.at), said.open_at, said.words)


def _and_read(one: Signed, raw: bytes, said: Reading, by: Certificate) -> Signed:
    """The same, read by them if it is one that they name, that is of their gates, and that waits for them."""
    if one.digest not in said.handovers or not one.waits_for(by.officer) or not one.among(by.covers).open_at:
        return one
    return replace(one, read=(*one.read, Read(raw, by.officer, _moment(said.at))))


def _require_new(said: Handover | Reading, by: Certificate, viewer: Certificate, now_s: float) -> None:
    """Raises ForgedError and OldPageError."""
    if by != viewer:
        raise ForgedError("signed by another key than the one that is signed in")
    if not -CLOCK_S <= now_s - said.at <= PAGE_S:
        raise OldPageError("this page is old: open it again")


def _moment(at_s: int) -> str:
    """As RFC 3339 has it."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
