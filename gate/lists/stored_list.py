"""One signed list as stored here: its newest edition, its replacement, and its answer about a document.

On the disk: `current.note`, the header, and the entries under their SHA-256; the header is renamed last, so that a kill leaves the
old edition or the new one. A new edition must be signed, of a higher serial, permitted here, and not have lost half of its entries
without declaring it. The old edition stays until its own time is over; then its answer about every person is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gate.lists.entries import FILE_BYTES_MAX, Entries, changed, digest_of
from gate.lists.errors import BadListError, ListError, NoCopyError, NotNewerError, ShrunkError
from gate.lists.header import NOTE_BYTES_MAX, Delta, Header, believed
from gate.lists.names import People
from gate_core import durable
from gate_core.audit_format.note import Verifier
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ordinary import open_ordinary, read_ordinary
from gate_core.ports.registers import Answer, Question, not_known

CURRENT: Final = "current.note"
INCOMING: Final = "incoming"
_COPIED_AT_ONCE: Final = 1024 * 1024
_ENTRIES: Final = ".entries"


@dataclass(frozen=True, slots=True)
class Brought:
    """An edition that may replace the stored one."""

    header: Header
    note: bytes
    opened: tuple[Entries, People] | None


class StoredList:
    """One list as stored. `secret`: the agency's key for numbers; None: missing. `gate`: the copy's location."""

    def __init__(
        self, folder: Path, *, name: str, agency: str, keys: Sequence[Verifier], secret: bytes | None, gate: str
    ) -> None:
        self._folder = folder
        self._name = name
        self._agency = agency
        self._keys = keys
        self._secret = secret
        self._gate = gate
        self._entries: Entries | None = None
        self._people: People | None = None
        self.header: Header | None = None

    def open(self) -> None:
        """Open the stored edition, if any, and delete remains of a killed program. Raises ListError for an unusable
        edition, whose copy is deleted, because no trusted statement says how long it may stay. Raises OSError.
        """
        path = self._folder / CURRENT
        if not path.exists():
            self._erase(but="")
            return
        note = read_ordinary(path, NOTE_BYTES_MAX)
        try:
            self.header = header = self._mine(note)
        except ListError:
            self._erase(but="")
            raise
        self._erase(but=header.entries)
        entries = self._folder / f"{header.entries}{_ENTRIES}"
        if not header.withdrawn and entries.exists():  # else it was erased, when its time was over
            self._entries, self._people = _opened(entries, header)

    def close(self) -> None:
        """Close the edition; it stays on the disk."""
        if self._entries is not None:
            self._entries.close()
        self.header = self._entries = self._people = None

    def take(self, note: bytes, entries: Path | None, now: datetime) -> None:
        """Replace the stored edition by an edition or a delta. `entries`: its file. Raises ListError and OSError."""
        self.put(self.brought(note, entries, now))

    def brought(self, note: bytes, entries: Path | None, now: datetime) -> Brought:
        """Store and verify an edition on the disk: the slow part. The stored edition answers in between. Raises ListError and OSError."""
        header = self._mine(note)
        self._require_next(header, now)
        durable.make_folder(self._folder, mode=0o700)
        return Brought(header, note, None if header.withdrawn else self._bring(header, entries))

    def put(self, new: Brought) -> None:
        """Replace the stored edition by it. Raises OSError."""
        durable.write(self._folder / CURRENT, new.note, mode=0o600)  # from here on it is the one that is held
        self.close()
        self.header = new.header
        if new.opened is not None:
            self._entries, self._people = new.opened
        self._erase(but=new.header.entries if new.opened else "")

    def erase_over(self, now: datetime) -> bool:
        """Erase the copy when its time is over; True if there was one."""
        if self.header is None or self.header.withdrawn or self.header.may_be_copied(self._gate, now):
            return False
        header, gone = self.header, self._entries is not None
        self.close()
        self.header = header
        self._erase(but="")
        return gone

    def ask(self, question: Question, now: datetime) -> Answer:
        """Return the list's answer about a document. If it cannot answer, it is unknown: nothing is skipped."""
        header = self.header
        if header is None:
            return not_known(RegisterCause.NO_LIST)
        edition = str(header.serial)
        if (cause := self._blocker(header, now)) is not None:
            return Answer(RegisterAnswer.UNKNOWN, cause, edition)
        if header.withdrawn:
            return Answer(RegisterAnswer.NONE, RegisterCause.WITHDRAWN, edition)
        if self._entries is None or self._people is None:
            return Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST, edition)
        if header.numbers:
            try:
                digest = digest_of(self._secret or b"", question.issuer, question.number)
            except ValueError:
                return Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_NUMBER, edition)
            if self._entries.has(digest):
                return Answer(
                    RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, edition, header.instructions, digest.hex()
                )
        return self._by_name(question, header, edition)

    def _by_name(self, question: Question, header: Header, edition: str) -> Answer:
        assert self._people is not None, "asked for after it was looked"
        if header.names:
            if not question.surname and not question.given:
                return Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_NAME, edition)
            try:
                alike = self._people.like(question.surname, question.given, question.born)
            except ValueError:
                return Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_NAME, edition)
            if alike:
                return Answer(
                    RegisterAnswer.HIT, RegisterCause.NAME_ALIKE, edition, header.instructions, alike[0].reference
                )
        return Answer(RegisterAnswer.NONE, None, edition)

    def _blocker(self, header: Header, now: datetime) -> RegisterCause | None:
        """Return why the edition cannot answer now."""
        if header.withdrawn:
            return None if header.issued <= now else RegisterCause.LIST_OLD
        if not header.holds(now):
            return RegisterCause.LIST_NOT_IN_FORCE
        if header.is_old(now):
            return RegisterCause.LIST_OLD
        if not header.may_be_copied(self._gate, now):
            return RegisterCause.NO_COPY
        if header.numbers and self._secret is None:
            return RegisterCause.NO_KEY
        return None

    def _mine(self, note: bytes) -> Header:
        header = believed(note, self._keys)
        if (header.agency, header.name) != (self._agency, self._name):
            raise BadListError(f"is another list, {header.name} of {header.agency}")
        return header

    def _require_next(self, header: Header, now: datetime) -> None:
        held = self.header
        if held is not None and header.serial <= held.serial:
            raise NotNewerError(f"has serial {header.serial}, and {held.serial} is held")
        if not header.withdrawn and not header.may_be_copied(self._gate, now):
            raise NoCopyError(f"its owner allows no copy at {self._gate}, or not any more")
        if held is not None and (lost := header.lost(held)):
            raise ShrunkError(lost)

    def _bring(self, header: Header, source: Path | None) -> tuple[Entries, People]:
        """Store and verify an edition's entries on the disk. An untrusted file is copied first, because it may change."""
        if source is None:
            raise BadListError("its entries are not there")
        copy = self._folder / INCOMING
        _copy(source, copy)
        try:
            if header.delta is not None:
                durable.write(copy, self._changed(header.delta, copy), mode=0o600)
            # Before it takes a place: the edition that is held may have the same entries.
            opened = _opened(copy, header)
            try:
                durable.replace(copy, self._folder / f"{header.entries}{_ENTRIES}", mode=0o600)
            except BaseException:
                opened[0].close()
                raise
            return opened
        finally:
            copy.unlink(missing_ok=True)

    def _changed(self, delta: Delta, copy: Path) -> bytes:
        held = self.header
        if held is None or self._entries is None or held.serial != delta.serial:
            raise NotNewerError(f"is a delta of serial {delta.serial}, which is not held")
        if held.entries != delta.entries:
            raise BadListError(f"is a delta of another edition {held.serial}")
        return changed(self._entries, copy, delta.sha256)

    def _erase(self, *, but: str) -> None:
        """Delete all entries but these, including incomplete files."""
        for path in self._folder.glob("*"):
            if path.name not in {CURRENT, f"{but}{_ENTRIES}"}:
                durable.wipe(path)


def _opened(path: Path, header: Header) -> tuple[Entries, People]:
    """Return an edition's entries, and its people searchable by name. Raises ListError and OSError."""
    entries = Entries.open(path, header)
    try:
        return entries, People(entries.people)
    except ListError:
        entries.close()
        raise


def _copy(source: Path, target: Path) -> None:
    """Copy a possibly untrusted file. Raises BadListError and OSError."""
    with os.fdopen(open_ordinary(source), "rb") as file, durable.writing(target, mode=0o600) as copy:
        left = FILE_BYTES_MAX
        while piece := file.read(min(_COPIED_AT_ONCE, left + 1)):
            left -= len(piece)
            if left < 0:
                raise BadListError("its entries are too many")
            copy.write(piece)
