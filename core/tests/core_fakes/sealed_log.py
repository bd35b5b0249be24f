"""A small audit log that the format's own parts write: records in memory, published to a spool as a gate publishes them.

No database, no process, no gate. `fakes.audit_logs.SmallLog` is the log of a gate's writer, and a test holds the two alike.
"""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyrage

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of
from gate_core.audit_format.note import Note, Signer
from gate_core.audit_format.record import Happening, canonical_json, recipients_digest
from gate_core.audit_format.sealer import KeyRing, SealedRecord, Sealer, plaintext, seal
from gate_core.audit_format.spool import Spool, files_above, files_of_piece, handover_path
from gate_core.audit_format.statements import hand_over
from gate_core.audit_format.tiles import TILE_WIDTH, pieces_between

ORIGIN = "border.example/gate-0001/demo"
TIME = "2026-11-25T10:00:00.000Z"
BOOT = "11111111-2222-3333-4444-555555555555"

LEADING = frozenset({"started", "opened", "decided", "presence"})
ENDING = frozenset({"closed", "disposition"})
URGENT = ENDING | {"granted", "passed", "revoked", "grant_ended", "release", "emergency_began", "emergency_ended"}


def happening(
    kind: str, crossing: str | None = None, *, append_id: bytes | None = None, awaits_officer: bool = False
) -> Happening:
    return Happening(
        id=append_id or os.urandom(16),
        kind=kind,
        about="device" if crossing is None else "crossing",
        crossing=crossing,
        monotonic_ms=1,
        boot=BOOT,
        time=TIME,
        leads_to_admission=kind in LEADING,
        ends_crossing=kind in ENDING,
        urgent=kind in URGENT,
        awaits_officer=awaits_officer,
    )


class Unsealed(Protocol):
    """A record before it is sealed; a gate's writer has a type of its own."""

    @property
    def happening(self) -> Happening: ...
    @property
    def plain(self) -> bytes: ...


@dataclass(frozen=True)
class PlainRecord:
    happening: Happening
    plain: bytes


def plain_record(kind: str, crossing: str | None = None, body: dict[str, Any] | None = None) -> PlainRecord:
    told = happening(kind, crossing)
    return PlainRecord(told, plaintext(told, canonical_json(body or {})))


def crossing(name: str) -> list[PlainRecord]:
    """The records of one traveller who is admitted."""
    kinds = ("opened", "decided", "granted", "passed", "closed")
    return [plain_record(kind, name, {"about": f"{kind} in {name}"}) for kind in kinds]


@dataclass
class GateLog(ABC):
    """The log of one gate: its keys, and the spool that it publishes to."""

    folder: Path
    signer: Signer = field(default_factory=lambda: Signer.generate(ORIGIN))
    auditors: tuple[pyrage.x25519.Identity, ...] = field(
        default_factory=lambda: (pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate())
    )

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom records are sealed for, as a start names them."""
        return tuple(recipients_digest(str(one.to_public()) for one in self.auditors)[1])

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @abstractmethod
    def write(self, *batches: Iterable[Unsealed], publish: bool = True) -> object:
        """Append batches, publishing after each."""

    @abstractmethod
    def hand_over(self) -> Signer:
        """Write the key's last record and its word for the next key, which signs from then on."""

    def bundle(self, since: int = 0) -> bytes:
        out = io.BytesIO()
        bundle(Outlet(self.spool), out, since=since)
        return out.getvalue()


@dataclass
class _Records:
    """Sealed records as `Spool` wants them."""

    records: list[SealedRecord] = field(default_factory=list)
    keys: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # the first record that each seals, its age file

    def leaves(self, start: int, end: int) -> list[bytes]:
        return [one.header.leaf() for one in self.records[start:end]]

    def sealed(self, start: int, end: int) -> list[bytes]:
        return [one.sealed for one in self.records[start:end]]

    def keys_first_used(self, start: int, end: int) -> dict[str, bytes]:
        return {key: wrapped for key, (first, wrapped) in self.keys.items() if start <= first < end}

    def hashes(self, level: int, start: int, end: int) -> list[bytes]:
        if level == 0:
            return [leaf_hash(one) for one in self.leaves(start, end)]
        return [root_of(self.hashes(level - 1, n * TILE_WIDTH, (n + 1) * TILE_WIDTH)) for n in range(start, end)]


@dataclass
class SealedLog(GateLog):
    """A log in memory."""

    def __post_init__(self) -> None:
        self._log = _Records()
        self._handovers: list[bytes] = []

    def write(self, *batches: Iterable[Unsealed], publish: bool = True) -> None:
        ring = KeyRing(Sealer([str(one.to_public()) for one in self.auditors]))
        for batch in batches:
            for one in batch:
                index, key = len(self._log.records), ring.key_for(one.happening, 0)
                record = seal(one.happening, one.plain, origin=self.signer.verifier.name, index=index, key=key)
                self._log.records.append(record)
                self._log.keys.setdefault(key.id, (index, key.wrapped))
            if publish:
                self._publish()

    def hand_over(self) -> Signer:
        new = Signer.generate(self.signer.verifier.name)
        self.write([plain_record("log_key_changed")], publish=False)
        self._handovers.append(hand_over(self.signer, new, since=len(self._log.records)))
        self._publish()
        self.signer = new
        return new

    def _publish(self) -> None:
        spool, size = Spool(self.spool), len(self._log.records)
        note = spool.checkpoint()
        published = 0 if note is None else Checkpoint.parse(Note.parse(note).text).size
        for piece in pieces_between(published, size):
            spool.write(files_of_piece(self._log, piece, published))
        spool.write(files_above(self._log, published, size))
        spool.write({handover_path(number): word for number, word in enumerate(self._handovers)})
        root = Frontier().extend(self._log.hashes(0, 0, size)).root()
        spool.release(Checkpoint(self.signer.verifier.name, size, root).sign(self.signer).to_bytes())
