"""Passes the engine's records to counters and followers, then to the log. Implements `engine.Recorder`.

Counts of groups of travellers (`GroupCounts`) are recorded at each shift's end and at the program's.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, Literal

from gate.passage.events import DocumentRead, Event
from gate.passage.orders import Disposition
from gate.passage.records import (
    Closed,
    ClosedAs,
    Decided,
    GroupCell,
    GroupsCounted,
    Incident,
    IncidentKind,
    Record,
    Settled,
)
from gate.programs.lane.clients import LogClient
from gate.programs.lane.health_counters import Tally
from gate.programs.lane.referrals import Referrals
from gate.programs.lane.registers import RegistersClient
from gate.programs.shared.config import Config
from gate_core.evidence.crossing import DocumentEvidence
from gate_core.evidence.reasons import Reason
from gate_core.programs import clock

log = logging.getLogger("lane")

Attribute = Literal["age_band", "sex", "issuer"]

CELL_MIN: Final = 10  # crossings
CELLS_MAX: Final = 40  # groups per attribute in a record, plus one for all others
KNOWN_MAX: Final = 64  # open crossings; above it the oldest is dropped, and not counted
OTHERS: Final = "others"
UNKNOWN: Final = "unknown"
EVERYBODY: Final = "everybody"
_BANDS: Final = ((18, "under 18"), (30, "18 to 29"), (45, "30 to 44"), (60, "45 to 59"), (75, "60 to 74"))
_OLDEST: Final = "75 and older"
_DOCUMENT: Final = frozenset(
    {
        Reason.DOCUMENT_CHECK_FAILED,
        Reason.DOCUMENT_CHECK_UNDETERMINED,
        Reason.DOCUMENT_CHECK_ABORTED,
        Reason.DOCUMENT_CHECK_MISSING,
        Reason.CHIP_AUTHENTICATION_ABSENT,
        Reason.DOCUMENT_REMOVED,
    }
)
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
_COUNTS: Final = tuple(one.name for one in fields(GroupCell) if one.name not in {"attribute", "value"})


def age_band(age: int | None) -> str:
    """Return the band of an age in full years."""
    if age is None:
        return UNKNOWN
    return next((name for below, name in _BANDS if age < below), _OLDEST)


def shift_of(local: datetime, ends: Sequence[str]) -> tuple[str, int]:
    """Return the shift at a local time: the day, and how many of its shift `ends` ("HH:MM") have passed."""
    now = f"{local:%H:%M}"
    return local.date().isoformat(), sum(end <= now for end in ends)


@dataclass(slots=True)
class _Known:
    """An open crossing: its groups, and its face's results."""

    groups: Mapping[str, str]
    attempted: bool = False
    compared: bool = False
    looked: bool = False
    below: bool = False
    alarmed: bool = False


class GroupCounts:
    """How a lane fares with groups of travellers: counts, added up when a crossing ends, without the crossing's name. No I/O.

    Which attributes a site may keep, its configuration says with the law that lets it; of nobody anything else is looked at. Whose group is what is known
    here while a crossing runs or waits for its officer, and nowhere else. A group of fewer than CELL_MIN crossings could name somebody: it is counted with
    the others that are small, and where these are still too few, with the next larger group, so that nothing follows from a difference. Counts since the
    latest record die with the program: the record says `since` when (RFC 3339) it counts.
    """

    def __init__(self, attributes: Sequence[Attribute], basis: str, since: str) -> None:
        self._attributes = tuple(attributes)
        self._basis = basis
        self._since = since
        self._known: dict[str, _Known] = {}
        self._cells: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0))

    def read(self, crossing: str, document: DocumentEvidence) -> None:
        """Note a crossing's groups from its document."""
        found = {
            "age_band": age_band(document.age),
            "sex": document.sex or UNKNOWN,
            "issuer": document.issuer or UNKNOWN,
        }
        self._known[crossing] = _Known({EVERYBODY: "", **{name: found[name] for name in self._attributes}})
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def record(self, record: Record) -> None:
        """Count a record of a crossing whose document was read."""
        match record:
            case Decided() if (known := self._known.get(record.crossing)) is not None:
                reasons, face = {one.reason for one in record.reasons}, record.evidence.face
                known.attempted = not reasons & _DOCUMENT
                known.compared = face is not None and face.match is not None
                known.looked = face is not None and face.liveness is not None
                known.below = Reason.FACE_BELOW_THRESHOLD in reasons
                known.alarmed = Reason.LIVENESS_BELOW_BOUND in reasons
            case Closed() if (known := self._known.get(record.crossing)) is not None:
                self._closed(record, known)
            case Settled() if (known := self._known.pop(record.crossing, None)) is not None:
                if record.disposition is Disposition.ADMITTED_BY_OFFICER:
                    self._add(known, {"confirmed": known.below, "cleared": known.alarmed})
            case _:
                pass

    def take(self, until: str) -> GroupsCounted | None:
        """Return the counts without small groups, and reset them; None if there were too few crossings."""
        cells, self._cells = dict(self._cells), defaultdict(lambda: dict.fromkeys(_COUNTS, 0))
        since, self._since = self._since, until
        found: list[GroupCell] = []
        for attribute in (EVERYBODY, *self._attributes):
            of_it = {value: counts for (one, value), counts in cells.items() if one == attribute}
            found += [_cell(attribute, value, counts) for value, counts in _without_small(of_it).items()]
        return GroupsCounted(since, until, self._basis, tuple(found)) if found else None

    def _closed(self, record: Closed, known: _Known) -> None:
        referred = any(one.reason is not Reason.SHADOW_MODE for one in record.reasons)
        took_ms = record.stages_ms.get("decided")
        took_s = 0.0 if took_ms is None else took_ms / 1000
        self._add(
            known,
            {
                "crossings": 1,
                "referred": referred,
                "attempts": known.attempted,
                "not_acquired": known.attempted and not known.compared,
                "compared": known.compared,
                "below": known.below,
                "looked": known.looked,
                "alarms": known.alarmed,
                "timed": took_ms is not None,
                "time_s": took_s,
                "time_s2": took_s**2,
            },
        )
        if record.verdict is ClosedAs.ADMITTED:
            del self._known[record.crossing]

    def _add(self, known: _Known, counts: Mapping[str, float]) -> None:
        for group in known.groups.items():
            cell = self._cells[group]
            for name, count in counts.items():
                cell[name] += count


def _without_small(cells: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Merge small groups and those beyond CELLS_MAX into one; return none if all together are small."""
    left = dict(sorted(cells.items(), key=lambda item: (-item[1]["crossings"], item[0])))
    others = dict.fromkeys(_COUNTS, 0.0)
    small = [
        value for number, (value, one) in enumerate(left.items()) if one["crossings"] < CELL_MIN or number >= CELLS_MAX
    ]
    while small or (0 < others["crossings"] < CELL_MIN and left):
        one = left.pop(small.pop() if small else next(reversed(left)))
        others = {name: others[name] + one[name] for name in _COUNTS}
    return {**left, OTHERS: others} if others["crossings"] >= CELL_MIN else left


def _cell(attribute: str, value: str, counts: Mapping[str, float]) -> GroupCell:
    whole = {name: int(count) for name, count in counts.items() if not name.startswith("time_")}
    return GroupCell(
        attribute=attribute,
        value=value,
        time_s=round(counts["time_s"], 3),
        time_s2=round(counts["time_s2"], 3),
        **whole,
    )


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
