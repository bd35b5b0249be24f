"""The operator's report on the fleet: each gate's state, with its stored log read and verified. For a gate with damaged
rows: the part that can be read, and the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from gate_central import folder as folders
from gate_central.admin_log import DEVICE
from gate_central.archive import is_intact
from gate_central.database import first_line
from gate_central.errors import CentralError, DamagedError
from gate_central.evidence import Alarm, Evidence, Repeats
from gate_central.fleet import SILENT
from gate_central.ledger import Ledger
from gate_central.roster import Roster
from gate_central.settings import MB, Settings
from gate_central.verification_state import NAME, Verified
from gate_core.audit_format.note import Verifier
from gate_core.command_line.output import one_line


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

    @property
    def is_ok(self) -> bool:
        """True if the gate has no open alarm and its log was not found damaged."""
        return self.verified is not False and not self.alarms

    def lines(self, settings: Settings) -> Iterator[str]:
        """Yield the gate's lines of the printed report."""
        verdict = {True: "verified", False: "DAMAGED", None: "not looked at"}[self.verified]
        yield f"{self.id:24} {self.state:8} {self.entries:10} {verdict:14} {self.last_seen or 'never'}"
        if self.problem:
            yield f"    {self.problem}"
        if self.keys_missing:
            yield f"    {self.keys_missing} age files that its entries name did not come"
        if self.today_bytes > settings.volume_of(self.id).alarm_mb_a_day * MB:
            yield f"    {self.today_bytes / 1e6:.0f} MB today; beyond {self.quota_bytes / 1e6:.0f} MB refused"
        for alarm in self.alarms:
            yield f"    ALARM {alarm['id']} {alarm['kind']} since {alarm['at']}; see gate central alarms {self.id}"


def own_alarm_lines(alarm: Alarm) -> Iterator[str]:
    """Yield the printed line of an alarm about this server itself."""
    put_back = "of this server itself: its database was put back"
    yield f"ALARM {alarm.id} {put_back}, {alarm.at}; see gate central alarms {DEVICE}"


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """A gate's evidence, repeats that were only counted, and the time since which an enrolled gate is silent (RFC 3339)."""

    gate: str
    alarms: tuple[Alarm, ...]
    repeats: tuple[Repeats, ...]
    silent_since: str | None

    @property
    def is_open(self) -> bool:
        """True if an alarm has no answer, or the gate is silent."""
        return self.silent_since is not None or any(one.answer is None for one in self.alarms)

    def fields(self) -> dict[str, object]:
        """Return the report for JSON."""
        alarms, repeats = [one.fields() for one in self.alarms], [asdict(one) for one in self.repeats]
        return {"gate": self.gate, "alarms": alarms, "repeats": repeats, "silent_since": self.silent_since}

    def lines(self) -> Iterator[str]:
        """Yield the lines of the printed report."""
        if self.silent_since is not None:
            yield f"{SILENT:16} {SILENT:14} {self.silent_since} STANDS: nothing was heard of it since"
        for alarm in self.alarms:
            answer = alarm.answer
            yield f"{alarm.id} {alarm.kind:14} {alarm.at} {'STANDS' if answer is None else 'answered'}"
            if answer is not None:
                yield f"    {answer.at} {one_line(answer.by)}: {one_line(answer.words)}"
        for again in self.repeats:
            yield f"{again.kind}: {again.count} more that were counted only, the last {again.last_at}"


def alarm_report(engine: sa.Engine, settings: Settings, gate_id: str, now: datetime) -> AlarmReport:
    """Read a gate's alarms, or with DEVICE those of this server. Raises UnknownError."""
    roster, evidence, silent_since = Roster(engine), Evidence(engine), None
    gate = None if gate_id == DEVICE else roster.get(gate_id)
    if gate is not None and not gate.revoked and gate_id not in roster.gone():
        silent_since = settings.silent_since(gate.last_word, now)
    return AlarmReport(gate_id, evidence.alarms(gate_id), evidence.repeats(gate_id), silent_since)


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
