"""What the gate's verified and decrypted log says was decided, read for the judge.

An admission counts only when both of its records are there, the decision before the grant. The decision is the machine's, or an
officer's who overruled it: then whoever was before the officer may pass. Of two doors each has admissions of its own.
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
FIRST, LAST = "first", "last"  # a lane of one door has the last alone


class Wrong(enum.Enum):
    """What makes an opening wrong; the last two are of a lane of two doors."""

    NO_ADMISSION = "no_admission"
    BEYOND_GRANT = "beyond_grant"
    GRANT_OUTLIVED = "grant_outlived"
    WRONG_PERSON = "wrong_person"
    BOTH_OPEN = "both_open"
    LOCKED_IN = "locked_in"


@dataclass(frozen=True, slots=True)
class Finding:
    """One of them."""

    at_ms: int
    kind: Wrong
    why: str


class LogError(Exception):
    """A log that cannot be judged."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log. The body of an erased crossing is empty: it admits nobody."""

    at_ms: int
    kind: str
    crossing: str | None
    body: Mapping[str, object]


@dataclass(slots=True)
class Admission:
    """An admission through a door, whose decision and grant are in the log, in this order. A crossing may have the machine's and an officer's."""

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
    """The records of a decrypted log in their order. Raises LogError with the line at fault."""
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
    """The door that a record is about."""
    return str(entry.body.get("door", LAST))


def admissions(log: tuple[Entry, ...]) -> list[Admission]:
    """Every admission that was granted, in the order of the grants."""
    decided: dict[tuple[str, str], Entry] = {}  # by crossing and door, and not granted yet
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
                if admission.by_officer:  # their order opens one door
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
        return (FIRST, LAST) if "order" in entry.body else ()  # else it is erased, or could not be kept
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
