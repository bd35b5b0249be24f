"""The operator's report on the fleet: each gate's state, with its stored log read and verified. For a gate with damaged
rows: the part that can be read, and the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from gate_central import folder as folders
from gate_central.archive import is_intact
from gate_central.database import first_line
from gate_central.errors import CentralError, DamagedError
from gate_central.evidence import Evidence
from gate_central.fleet import SILENT
from gate_central.ledger import Ledger
from gate_central.roster import Roster
from gate_central.settings import MB, Settings
from gate_central.verification_state import NAME, Verified
from gate_core.audit_format.note import Verifier


@dataclass(slots=True)
class GateReport:
    """A gate's report. `verified` is None if its log was not read. `problem`: why its rows cannot be read."""

    id: str
    origin: str = ""
    state: str = "damaged"
    entries: int = 0
    root: str = ""
    bodies: int = 0
    today_bytes: int = 0
    quota_bytes: int = 0
    keys_missing: int = 0
    verified: bool | None = False
    evidence: int = 0
    alarms: list[dict[str, str]] = field(default_factory=list)
    last_seen: str | None = None
    software: str | None = None
    problem: str | None = None


class FleetReport:
    """One report. `notes` collects problems of `verified.json` while `gates` is read."""

    def __init__(
        self, engine: sa.Engine, folder: Path, settings: Settings, now: datetime, *, quick: bool, full: bool
    ) -> None:
        """`quick`: read no log. `full`: read each log completely. Raises FolderError."""
        self._roster, self._ledger, self._evidence = Roster(engine), Ledger(engine), Evidence(engine)
        self._settings = settings
        self._now = now
        self._memory = None if quick else Verified(folder / NAME, reads_all=full)
        self._mirrors: Sequence[Verifier] = () if quick else folders.load(folder).mirrors
        self.notes: list[str] = []

    def gates(self) -> Iterator[GateReport]:
        """Yield each gate, also those verified before and now missing. Raises CentralError and SQLAlchemyError."""
        gone, names, memory = self._roster.gone(), self._roster.names(), self._memory
        if memory is not None and not memory.seen and names:
            self.notes.append(
                "no earlier look is known (verified.json): what was replaced before this one does not show"
            )
        for device in (*names, *sorted(set(() if memory is None else memory.seen) - set(names))):
            row = GateReport(device, quota_bytes=self._settings.volume_of(device).quota_mb_a_day * MB)
            try:
                self._fill(row, is_retired=device in gone)
            except OperationalError:
                raise  # the database is unavailable: not a gate's fault
            except (CentralError, SQLAlchemyError) as error:
                row.problem = first_line(error)
            yield row
        try:
            if memory is not None:
                memory.save()
        except OSError as error:
            why = error.strerror or error
            self.notes.append(f"this look is not kept (verified.json: {why}): the next one reads its logs again")

    def _fill(self, row: GateReport, *, is_retired: bool) -> None:
        gate = self._roster.find(row.id)
        if gate is None:
            raise DamagedError("its log was verified before, and is gone from the database: no gate is ever deleted")
        row.origin, row.last_seen = gate.origin, gate.last_seen
        row.state = "retired" if is_retired else "revoked" if gate.revoked else "enrolled"
        alarms = self._evidence.alarms(row.id)
        row.evidence = len(alarms)
        row.alarms = [{"id": one.id, "kind": one.kind, "at": one.at} for one in alarms if one.answer is None]
        if row.state == "enrolled" and (since := self._settings.silent_since(gate.last_word, self._now)) is not None:
            row.alarms.append({"id": SILENT, "kind": SILENT, "at": since})
        row.software = gate.software
        head = self._ledger.head(row.id)
        row.entries, row.root, row.bodies = head.size, head.root.hex(), head.bodies
        row.today_bytes = head.came_bytes if head.came_on == self._now.date().isoformat() else 0
        row.keys_missing = self._ledger.missing_keys(row.id)
        row.verified = None if self._memory is None else is_intact(self._ledger, gate, self._mirrors, self._memory)
