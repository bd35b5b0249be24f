"""What the gate's verified and decrypted log says was decided, read for the judge.

An admission counts only when both of its records are there, the decision before the grant. The decision is the machine's, or an
officer's who overruled it: then whoever was before the officer may pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINE_BYTES_MAX = 262_144


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
    """An admission whose decision and grant are in the log, in this order. A crossing may have the machine's and an officer's."""

    crossing: str
    decided_ms: int
    granted_ms: int
    direction: str
    ttl_ms: int
    by_officer: bool = False
    revoked_ms: int | None = None
    used: bool = False


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


def admissions(log: tuple[Entry, ...]) -> list[Admission]:
    """Every admission that was granted, in the order of the grants."""
    decided: dict[str, Entry] = {}  # and not granted yet
    latest: dict[str, Admission] = {}
    found: list[Admission] = []
    for entry in log:
        crossing = entry.crossing
        if crossing is None:
            continue
        admits = entry.kind == "decided" and entry.body.get("decision") == "admit"
        overrules = entry.kind == "overruled" and "order" in entry.body  # else it is erased, or could not be kept
        if overrules or (admits and crossing not in latest):
            decided.setdefault(crossing, entry)
        elif entry.kind == "granted" and crossing in decided:
            direction, ttl_ms = entry.body.get("direction"), entry.body.get("ttl_ms")
            if isinstance(direction, str) and isinstance(ttl_ms, int):
                decision = decided.pop(crossing)
                by_officer = decision.kind == "overruled"
                latest[crossing] = Admission(crossing, decision.at_ms, entry.at_ms, direction, ttl_ms, by_officer)
                found.append(latest[crossing])
        elif entry.kind == "revoked":
            decided.pop(crossing, None)
            if crossing in latest and latest[crossing].revoked_ms is None:
                latest[crossing].revoked_ms = entry.at_ms
    return found
