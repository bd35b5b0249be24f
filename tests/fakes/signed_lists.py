"""An agency that signs lists of document numbers, and now and then of names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from gate.lists.entries import Named, digest_of, written, written_delta
from gate.lists.header import About, Delta, Header, signed
from gate.lists.stored_list import StoredList
from gate_core.audit_format.note import Signer

GATE = "north-7"
NOW = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)


@dataclass
class Agency:
    """One agency, with its signing key and the key of its numbers."""

    name: str = "police.example"
    list_name: str = "stolen-documents"
    signer: Signer = field(default_factory=lambda: Signer("police.example", bytes(range(32))))
    secret: bytes = b"k" * 32

    def digests(self, numbers: Iterable[str], issuer: str = "UTO") -> list[bytes]:
        return [digest_of(self.secret, issuer, number) for number in numbers]

    def header(self, entries: bytes, numbers: int, names: int = 0, **other: Any) -> Header:
        issued = other.pop("issued", NOW - timedelta(hours=1))
        values = {
            "agency": self.name,
            "name": self.list_name,
            "serial": 1,
            "about": About.LOST_DOCUMENTS,
            "purpose": "Documents that were reported lost or stolen",
            "basis": "Notice 12/2026 of the document office",
            "instructions": "Keep the document, and call the duty officer.",
            "issued": issued,
            "first": NOW - timedelta(days=1),
            "last": NOW + timedelta(days=30),
            "age_max_hours": 24,
            "priority": 1,
            "copies_at": ("*",),
            "copies_kept_hours": 48,
            "numbers": numbers,
            "names": names,
            "names_allowed": names > 0,
            "entries": hashlib.sha256(entries).hexdigest(),
        }
        return Header(**(values | other))

    def edition(
        self, folder: Path, numbers: Iterable[str] = (), people: Iterable[Named] = (), **other: Any
    ) -> tuple[bytes, Path]:
        """The note and the file of one edition."""
        digests, named = self.digests(numbers), list(people)
        entries = written(digests, named)
        path = folder / f"{self.list_name}-{other.get('serial', 1)}.entries"
        path.write_bytes(entries)
        return signed(self.header(entries, len(digests), len(named), **other), self.signer), path

    def delta(
        self,
        folder: Path,
        of: Header,
        before: Iterable[str],
        added: Iterable[str],
        removed: Iterable[str],
        **other: Any,
    ) -> tuple[bytes, Path]:
        """The note and the file of a delta on an edition with these numbers."""
        added, removed = set(added), set(removed)
        entries = written(self.digests((set(before) - removed) | added))
        change = written_delta(self.digests(added), self.digests(removed))
        path = folder / f"{self.list_name}-{other.get('serial', of.serial + 1)}.delta"
        path.write_bytes(change)
        delta = Delta(serial=of.serial, entries=of.entries, sha256=hashlib.sha256(change).hexdigest())
        count = of.numbers + len(added) - len(removed)
        values: dict[str, Any] = {"serial": of.serial + 1, "delta": delta}
        header = self.header(entries, count, **(values | other))
        return signed(header, self.signer), path

    def withdrawal(self, serial: int) -> bytes:
        return signed(self.header(written([]), 0, serial=serial, withdrawn=True), self.signer)

    def stored(self, folder: Path, **other: Any) -> StoredList:
        values = {
            "name": self.list_name,
            "agency": self.name,
            "keys": [self.signer.verifier],
            "secret": self.secret,
            "gate": GATE,
        }
        return StoredList(folder / "held", **(values | other))


def changed_header(header: Header, **changes: Any) -> Header:
    """The same header with other values."""
    return msgspec.structs.replace(header, **changes)
