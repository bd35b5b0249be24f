"""Counts of a lane's results by groups of travellers, added when a crossing ends, without its id. No I/O.

The configuration names the groups, with the law that permits them; nothing else is evaluated. A traveller's groups are
known only here, while the crossing runs or waits. A shift's counts become one record. A group of fewer than CELL_MIN
crossings could identify a person: small groups are merged, if still small also with the next, against differencing.

Counts since the latest record are lost with the program; each record has the time since which it counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, Literal

from gate.passage.names import ClosedAs, Disposition
from gate.passage.records import Closed, Decided, GroupCell, GroupsCounted, Record, Settled
from gate_core.evidence.crossing import DocumentEvidence
from gate_core.evidence.reasons import Reason

Attribute = Literal["age_band", "sex", "issuer"]

CELL_MIN: Final = 10  # crossings
CELLS_MAX: Final = 40  # groups of an attribute in a record, beside all others as one
KNOWN_MAX: Final = 64  # running or waiting crossings; at the limit the oldest is not counted
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
_COUNTS: Final = tuple(one.name for one in fields(GroupCell) if one.name not in {"attribute", "value"})


def age_band(age: int | None) -> str:
    """Return the band of an age in full years."""
    if age is None:
        return UNKNOWN
    return next((name for below, name in _BANDS if age < below), _OLDEST)


def shift_of(local: datetime, ends: Sequence[str]) -> tuple[str, int]:
    """Return a local time's shift: its day, and the number of the day's shifts that have ended. `ends`: "HH:MM"."""
    now = f"{local:%H:%M}"
    return local.date().isoformat(), sum(end <= now for end in ends)


@dataclass(slots=True)
class _Known:
    """A crossing that has not ended: its groups, and its face's results."""

    groups: Mapping[str, str]
    attempted: bool = False
    compared: bool = False
    looked: bool = False
    below: bool = False
    alarmed: bool = False


class GroupCounts:
    """Counts for the attributes that the site may count. `since`: RFC 3339."""

    def __init__(self, attributes: Sequence[Attribute], basis: str, since: str) -> None:
        self._attributes = tuple(attributes)
        self._basis = basis
        self._since = since
        self._known: dict[str, _Known] = {}
        self._cells: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0))

    def read(self, crossing: str, document: DocumentEvidence) -> None:
        """Note the groups of a crossing's document."""
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
        """Return the counts, with small groups merged, and restart at zero; None if there were too few crossings."""
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
    """Return the groups, with small ones and those beyond CELLS_MAX merged; empty if all together are small."""
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
