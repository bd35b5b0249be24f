"""Reads the decisions in the gate's verified and decrypted log, for the judge.

An admission counts only when both its records are in the log, the decision before the grant. The machine decides, or an
officer who overrules it; an officer's decision admits the person before them. Each of two doors has its own admissions.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINE_BYTES_MAX = 262_144
FIRST, LAST = "first", "last"  # a lane with one door has only the last


class Wrong(enum.Enum):
    """Why an opening is wrong; the last two apply to two-door lanes."""

    NO_ADMISSION = "no_admission"
    BEYOND_GRANT = "beyond_grant"
    GRANT_OUTLIVED = "grant_outlived"
    WRONG_PERSON = "wrong_person"
    BOTH_OPEN = "both_open"
    LOCKED_IN = "locked_in"


@dataclass(frozen=True, slots=True)
class Finding:
    """One wrong opening or passage."""

    at_ms: int
    kind: Wrong
    why: str


class LogError(Exception):
    """A log that the judge cannot use."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log. An erased crossing has an empty body: it admits no one."""

    at_ms: int
    kind: str
    crossing: str | None
    body: Mapping[str, object]


@dataclass(slots=True)
class Admission:
    """An admission through a door: decision, then grant. A crossing may have the machine's and an officer's."""

    crossing: str
    decided_ms: int
    granted_ms: int
    direction: str
    ttl_ms: int
    by_officer: bool = False
    revoked_ms: int | None = None
    used: bool = False
    door: str = LAST
    companion_told: bool = False  # the camera reported that the holder stayed behind, and the crossing was referred


def read_log(path: Path) -> tuple[Entry, ...]:
    """Return the records of a decrypted log in their order. Raises LogError with the invalid line."""
    entries, boots = [], set()
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""), 1):
            if len(line) > LINE_BYTES_MAX:
                raise LogError(f"log line {number}: longer than {LINE_BYTES_MAX} bytes")
            try:
                fields = json.loads(line)
            except ValueError as error:
                raise LogError(f"log line {number}: no JSON") from error
            entries.append(_entry(fields, number))
            boots.add(str(fields.get("boot")))
    if len(boots) > 1:
        raise LogError("the log spans several boots; its clock cannot be compared with the ground truth's")
    return tuple(entries)


def _entry(fields: object, number: int) -> Entry:
    if not isinstance(fields, dict):
        raise LogError(f"log line {number}: no JSON object")
    at_ms, kind, crossing, body = (fields.get(name) for name in ("monotonic_ms", "kind", "crossing", "body"))
    if not isinstance(at_ms, int) or not isinstance(kind, str):
        raise LogError(f"log line {number}: needs a whole monotonic_ms and a kind")
    if not (crossing is None or isinstance(crossing, str)) or not (body is None or isinstance(body, dict)):
        raise LogError(f"log line {number}: crossing or body is of the wrong kind")
    return Entry(at_ms, kind, crossing, body or {})


def door_of(entry: Entry) -> str:
    """Return the door of a record."""
    return str(entry.body.get("door", LAST))


def admissions(log: tuple[Entry, ...]) -> list[Admission]:
    """Return all granted admissions, in the order of the grants."""
    decided: dict[tuple[str, str], Entry] = {}  # by crossing and door, not yet granted
    granted: set[tuple[str, str]] = set()
    latest: dict[str, Admission] = {}
    found: list[Admission] = []
    for entry in log:
        crossing = entry.crossing
        if crossing is None:
            continue
        for door in _let_through(entry):
            if entry.kind == "overruled" or (crossing, door) not in granted:
                decided.setdefault((crossing, door), entry)
        if entry.kind == "granted" and (crossing, door_of(entry)) in decided:
            admission = _admission(entry, decided.pop((crossing, door_of(entry))), crossing)
            if admission is not None:
                latest[crossing] = admission
                granted.add((crossing, admission.door))
                found.append(admission)
                if admission.by_officer:  # an officer's order opens one door
                    _forget(decided, crossing)
        elif entry.kind == "closed" and crossing in latest and "'holder_in_view'" in str(entry.body.get("reasons")):
            latest[crossing].companion_told = True
        elif entry.kind == "revoked":
            _forget(decided, crossing)
            if crossing in latest and latest[crossing].revoked_ms is None:
                latest[crossing].revoked_ms = entry.at_ms
    return found


def _let_through(entry: Entry) -> tuple[str, ...]:
    """Return the doors through which a record admits a person; an officer's order is for the door before which the traveller stands."""
    if entry.kind == "overruled":
        return (FIRST, LAST) if "order" in entry.body else ()  # otherwise it is erased, or was not stored
    if entry.kind in {"decided", "entry_decided"} and entry.body.get("decision") == "admit":
        return (LAST if entry.kind == "decided" else FIRST,)
    return ()


def _admission(granted: Entry, decision: Entry, crossing: str) -> Admission | None:
    direction, ttl_ms = granted.body.get("direction"), granted.body.get("ttl_ms")
    if not isinstance(direction, str) or not isinstance(ttl_ms, int):
        return None
    by_officer = decision.kind == "overruled"
    return Admission(
        crossing, decision.at_ms, granted.at_ms, direction, ttl_ms, by_officer=by_officer, door=door_of(granted)
    )


def _forget(decided: dict[tuple[str, str], Entry], crossing: str) -> None:
    for door in (FIRST, LAST):
        decided.pop((crossing, door), None)
