"""The answer to a request for access, as two files: the traveller's letter, which tells nothing about a referral, and the controller's file.

The controller's file holds every record of the crossing that opens. Both are made although the log contradicts itself: a traveller's
right does not wait for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gate_core import durable
from gate_lab.rights.answers import Controller, access_answer
from gate_lab.rights.book import Exported
from gate_verify.audit_record import AuditRecord
from gate_verify.records import fields_of, read_as_signed


@dataclass(frozen=True, slots=True)
class Access:
    """What a log holds of a crossing: its records that open, oldest first, and the log's contradictions."""

    crossing: str
    records: Sequence[AuditRecord]
    contradictions: Sequence[str]

    @classmethod
    def read(cls, crossing: str, logs: Sequence[Path], vkey: str, identity: Path) -> Access:
        """Read the logs with an auditor's identity. Raises UnreadableError, NotSignedError and NotSealedForError."""
        found: list[AuditRecord] = []

        def take(record: AuditRecord) -> None:
            if record.crossing == crossing and record.body is not None:
                found.append(record)

        contradictions = read_as_signed(logs, vkey, identity, take)
        return cls(crossing, found, contradictions)

    @property
    def keys(self) -> list[str]:
        """Names of the keys that open the records, sorted."""
        return sorted({one.key for one in self.records if one.key})

    def files(self, controller: Controller) -> dict[str, bytes]:
        """Return the two files by name. The letter gives the crossing's day and hour."""
        crossed = (self.records[0].time or "")[:13].replace("T", ", ") + " h UTC" if self.records else ""
        letter = access_answer(self.crossing, controller, crossed, held=bool(self.records))
        held = {"crossing": self.crossing, "keys": self.keys, "records": [fields_of(one) for one in self.records]}
        held |= {"contradictions": list(self.contradictions)}
        return {"letter.txt": letter.encode(), "controller.json": json.dumps(held, indent=1, sort_keys=True).encode()}


def write(out: Path, files: dict[str, bytes], today: date) -> Exported:
    """Write the files into the folder, mode 0600; return the event for the book of cases. Raises OSError."""
    durable.make_folder(out, mode=0o700)
    for name, content in files.items():
        durable.write(out / name, content, mode=0o600, new_only=True)
    return Exported(today, {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
