"""Distributes the engine's records to counters and other followers, then to the log. Implements `engine.Recorder`."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from gate.passage.events import DocumentRead, Event
from gate.passage.names import IncidentKind
from gate.passage.records import Incident, Record
from gate.programs.lane.clients import LogClient
from gate.programs.lane.group_counts import GroupCounts, shift_of
from gate.programs.lane.health_counters import Tally
from gate.programs.lane.referrals import Referrals
from gate.programs.lane.registers import RegistersClient
from gate.programs.shared.config import Config
from gate_core.programs import clock

TAMPERING: Final = frozenset(
    {
        IncidentKind.FORCED,
        IncidentKind.CABINET_OPEN,
        IncidentKind.REVERSE_PASSAGE,
        IncidentKind.PASSAGE_WITHOUT_GRANT,
        IncidentKind.PASSAGE_BEYOND_GRANT,
        IncidentKind.CAMERA_TAMPERED,
        IncidentKind.CAMERA_COVERED,
        IncidentKind.VIDEO_LOOPED,
        IncidentKind.VIDEO_IGNORES_EXPOSURE,
        IncidentKind.FREEING_REFUSED,
        IncidentKind.EXPIRED_KEY_USED,
    }
)

log = logging.getLogger("lane")


class Recorder:
    """Passes each record to the counters, the waiting referrals and the registers' client, then to the log."""

    def __init__(
        self, config: Config, to_log: LogClient, *, referrals: Referrals, registers: RegistersClient | None
    ) -> None:
        asked = config.fairness
        self._log = to_log
        self.tally = Tally()
        self._groups = None if asked is None else GroupCounts(asked.groups, asked.basis, _moment())
        self._shift_ends = () if asked is None else asked.shift_ends
        self._shift: tuple[str, int] | None = None
        self._followers = [self.tally.record, referrals.record]
        self._followers += [] if registers is None else [registers.record]

    def append(self, record: Record, *, awaited: bool) -> None:
        """Pass a record to all followers, log an incident in the journal, and send the record to the log."""
        for follow in self._followers:
            follow(record)
        if self._groups is not None:
            self._groups.record(record)
        if isinstance(record, Incident):
            about = {"incident": record.incident.value, "door": record.door.value, "crossing": record.crossing}
            log.warning("tampered" if record.incident in TAMPERING else "incident", extra=about)
        self._log.append(record, awaited=awaited)

    def hear(self, event: Event) -> None:
        """Note a traveller's groups, if the site may count groups."""
        if self._groups is not None and isinstance(event, DocumentRead):
            self._groups.read(event.crossing, event.evidence)

    def see_shift(self, local: datetime) -> None:
        """Record the counts if a shift has ended, by the site's local time."""
        shift = shift_of(local, self._shift_ends)
        if self._shift not in {None, shift}:
            self.end_shift()
        self._shift = shift

    def end_shift(self) -> None:
        """Record the counts so far."""
        if self._groups is not None and (counted := self._groups.take(_moment())) is not None:
            self._log.append(counted, awaited=False)


def _moment() -> str:
    return clock.now().isoformat(timespec="seconds")
