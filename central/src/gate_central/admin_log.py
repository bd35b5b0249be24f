"""Central's own log, in the format of the gates' logs: enrolments, revocations, erasures, and people's searches.

It uses the same tables, and is exported and verified like a gate's log. It is signed by its own key and cosigned by the
mirror's. An act and its record are one transaction. Bodies are sealed to central's identity, in its folder, and to the
recipients in the settings.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from gate_central.append_verification import in_piece
from gate_central.database import dialect_of, insert, sweep
from gate_central.errors import CentralError, DamagedError
from gate_central.history import root_at
from gate_central.key_index import Wanted
from gate_central.ledger import Growth, Head, Ledger, grow, lock, read_head
from gate_central.roster import Gate
from gate_central.schema import EMPTY_HEAD, heads
from gate_core import durable
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import leaf_hash
from gate_core.audit_format.note import NOTE_BYTES_MAX, Note, decode_base64
from gate_core.audit_format.record import Happening, Header, canonical_json, time_text
from gate_core.audit_format.sealer import Sealer, plaintext, seal
from gate_core.audit_format.spool import encode_sealed
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.audit_format.unsealer import Closed
from gate_core.ordinary import read_ordinary

if TYPE_CHECKING:
    from gate_core.audit_format.note import Signer
    from gate_core.audit_format.unsealer import Unsealer

DEVICE = ".central"  # no gate's id begins with a dot
ABOUT = "administration"
SHOWN_MAX = 200

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AdminRecord:
    """A decrypted record. If it cannot be opened, `fields` is empty and `kind` is the reason."""

    index: int
    time: str
    kind: str
    fields: Mapping[str, object]


class AdminLog:
    """Writes and reads the log. Its methods block."""

    def __init__(
        self,
        engine: sa.Engine,
        signer: Signer,
        mirror: Signer,
        sealer: Sealer,
        now: Callable[[], datetime],
        *,
        kept: Path | None = None,
    ) -> None:
        """`kept`: file outside the database with the newest checkpoint, to detect a restored database."""
        self._kept = kept
        self._engine = engine
        self._signer = signer
        self._mirror = mirror
        self._sealer = sealer
        self._now = now
        self._boot = str(uuid.uuid4())
        self._begin()

    @property
    def as_gate(self) -> Gate:
        """This log as a `Gate`, for `gate_central.archive`."""
        return Gate(DEVICE, self._signer.verifier.name, self._signer.verifier, "", revoked=False, last_seen=None)

    def record(self, kind: str, fields: Mapping[str, object]) -> None:
        """Record an act done elsewhere. Raises CentralError and SQLAlchemyError; then nothing was recorded."""
        self.do(kind, lambda _: (None, fields))

    def do(self, kind: str, act: Callable[[sa.Connection], tuple[Result, Mapping[str, object]]]) -> Result:
        """Run `act` and record it in one transaction. `act` returns its result and the fields, empty to record nothing.

        Raises what `act` raises, CentralError and SQLAlchemyError; then neither was done.
        """
        with self._engine.begin() as connection:
            lock(connection, DEVICE)  # always the first lock
            result, fields = act(connection)
            note = self._append(connection, kind, fields) if fields else None
        if note is not None:
            self._keep(note)
        return result

    def gone_back(self) -> tuple[bytes, bytes] | None:
        """If the database lacks the kept checkpoint (it was restored), return that and the database's newest; or None.
        Raises CentralError and OSError, and BadFormatError for an invalid file.
        """
        kept = None if self._kept is None else _read(self._kept)
        if kept is None:
            return None
        has, here = self._has(kept)
        return None if has else (kept, here)

    def go_on(self) -> None:
        """Overwrite the kept checkpoint with the database's newest. Raises CentralError and OSError."""
        note = Ledger(self._engine).head(DEVICE).note
        if self._kept is not None and note is not None:
            durable.write(self._kept, note)

    def _keep(self, note: bytes) -> None:
        """Write the checkpoint to the file, unless the file has a later one, or one of another history, which
        `gone_back` must detect. Errors are ignored: the act itself is done.
        """
        if self._kept is None:
            return
        with contextlib.suppress(OSError, CentralError, SQLAlchemyError):
            try:
                before = _read(self._kept)
            except BadFormatError:
                before = None  # an invalid file is overwritten
            if before is None or (_size(before) < _size(note) and self._has(before)[0]):
                durable.write(self._kept, note)

    def _has(self, kept: bytes) -> tuple[bool, bytes]:
        """Return whether a checkpoint is in this history, and the newest. Raises CentralError and SQLAlchemyError."""
        had, ledger = Checkpoint.parse(Note.parse(kept).text), Ledger(self._engine)
        head = ledger.head(DEVICE)
        if head.note == kept:
            return True, kept
        return had.size <= head.size and root_at(ledger, DEVICE, had.size, head) == had.root, head.note or b""

    def sweep(self) -> None:
        """After deleting keys, have the database overwrite freed space. Errors are ignored."""
        with contextlib.suppress(SQLAlchemyError, sqlite3.Error):
            sweep(self._engine)

    def _append(self, connection: sa.Connection, kind: str, fields: Mapping[str, object]) -> bytes:
        head, now = read_head(connection, DEVICE), self._now()
        happening = Happening(
            id=os.urandom(16),
            kind=kind,
            about=ABOUT,
            crossing=None,
            monotonic_ms=0,
            boot=self._boot,
            time=time_text(now),
        )
        index, key = head.next_entry, self._sealer.new_key()
        plain = plaintext(happening, canonical_json(fields))
        sealed = seal(happening, plain, origin=self._signer.verifier.name, index=index, key=key)
        leaf = sealed.header.leaf()
        hashes = [leaf_hash(leaf)]
        frontier = head.frontier.extend(hashes)
        note = Checkpoint(self._signer.verifier.name, index + 1, frontier.root()).sign(self._signer)
        cosigned = note.with_signatures([self._mirror.cosign(note.text, int(now.timestamp()))])
        grown = Head(index + 1, frontier.root(), cosigned.to_bytes(), index + 1, frontier, index + 1, lacks_keys=False)
        is_full = (index + 1) % TILE_WIDTH == 0
        growth = Growth(
            entries=[leaf],
            piece_hash=in_piece(head.frontier).extend(hashes).root() if is_full else None,
            sealed=[encode_sealed([sealed.sealed], index)],
            keys={key.id: Wanted(index, ABOUT, happening.day)},
            files={key.id: key.wrapped},
        )
        if not grow(connection, DEVICE, head, replace(grown, day=happening.day), growth):
            raise DamagedError("central's own log was changed by somebody else")
        return cosigned.to_bytes()

    def _begin(self) -> None:
        """Create the empty log if it is missing."""
        with self._engine.begin() as connection:
            empty = insert(dialect_of(connection), heads).values(device=DEVICE, **EMPTY_HEAD)
            connection.execute(empty.on_conflict_do_nothing())

    def newest(self, unsealer: Unsealer, most: int = SHOWN_MAX) -> list[AdminRecord]:
        """Return the newest `most` records, decrypted, newest first. Raises DamagedError."""
        ledger, found = Ledger(self._engine), list[AdminRecord]()
        size = ledger.head(DEVICE).size
        for n in range((size - 1) // TILE_WIDTH, -1, -1):
            bundle = ledger.bundle(DEVICE, n)
            pairs = list(zip(bundle.entries, bundle.sealed, strict=False))
            found += [_opened(ledger, unsealer, leaf, line) for leaf, line in reversed(pairs)]
            if len(found) >= most:
                break
        return found[:most]


def _read(path: Path) -> bytes | None:
    """Read the kept checkpoint, None if missing. Raises OSError and BadFormatError."""
    try:
        kept = read_ordinary(path, NOTE_BYTES_MAX)
    except FileNotFoundError:
        return None
    _size(kept)
    return kept


def _size(note: bytes) -> int:
    return Checkpoint.parse(Note.parse(note).text).size


def _opened(ledger: Ledger, unsealer: Unsealer, leaf: bytes, line: bytes) -> AdminRecord:
    try:
        header = Header.parse(leaf)
        body = decode_base64(line.partition(b'"ct":"')[2].partition(b'"')[0].decode("ascii"))
    except (BadFormatError, UnicodeDecodeError) as error:
        raise DamagedError(f"central's own log cannot be read: {error}") from error
    wrapped = ledger.key(DEVICE, header.key)
    if wrapped is not None:
        unsealer.learn(wrapped)
    opened = unsealer.open(header, body)
    if isinstance(opened, Closed):
        return AdminRecord(header.index, header.hour, opened.value, {})
    return AdminRecord(header.index, opened.time, opened.kind, opened.body)
