"""Compares a gate's decisions with those of the officer who did the checks (`mode = "shadow"`). Pure.

The gate's decision is the last one it recorded for a crossing: `closed`, whose only reason is `shadow_mode` when it would
have opened. The officer's decision is the crossing's disposition. A crossing without one is counted but not compared. The
rates hold for these travellers at this site; they are not error rates of the gate, since the officer may be wrong, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gate_verify.report.rates import Rate

WOULD_OPEN = "shadow_mode"
ADMITTED = "admitted_by_officer"


@dataclass(frozen=True, slots=True)
class Watched:
    """One crossing. `reasons` are the gate's reasons to refer, empty when it would have opened; `officer` is the disposition, None without one."""

    crossing: str
    issuer: str
    reasons: tuple[str, ...]
    officer: str | None = None

    @property
    def agrees(self) -> bool:
        """Return True when both would have let the traveller through, or neither."""
        return (not self.reasons) == (self.officer == ADMITTED)


@dataclass(frozen=True, slots=True)
class Row:
    """How often the officer decided otherwise than the gate, among crossings with one reason or one issuer."""

    name: str
    otherwise: Rate

    @property
    def fields(self) -> dict[str, object]:
        """Return the fields for JSON, without the name."""
        low, high = self.otherwise.interval
        return {
            "n": self.otherwise.errors,
            "of": self.otherwise.of,
            "share": self.otherwise.value,
            "low": low,
            "high": high,
        }


@dataclass(frozen=True, slots=True)
class Beside:
    """The whole comparison. `reasons` is by the gate's reason, `would_admit` first; `issuers` by the document's issuer; the highest rate first."""

    crossings: int
    settled: int
    agreed: int
    reasons: tuple[Row, ...]
    issuers: tuple[Row, ...]


def crossings_in(records: Iterable[Mapping[str, object]]) -> list[Watched]:
    """Return the crossings that a gate in shadow mode decided, from its log's decrypted records in order; ignores unrelated records."""
    issuers: dict[str, str] = {}
    closed: dict[str, tuple[str, ...]] = {}
    settled: dict[str, str] = {}
    for record in records:
        crossing, body = record.get("crossing"), record.get("body")
        if not isinstance(crossing, str) or not isinstance(body, Mapping):
            continue
        match record.get("kind"), body:
            case "decided", {"policy": {"shadow": True}}:
                issuers[crossing] = _issuer(body)
            case "closed", {"reasons": [*reasons]} if crossing in issuers:
                closed[crossing] = _reasons(reasons)
            case "disposition", {"disposition": str(disposition)}:
                settled[crossing] = disposition
            case _:
                pass
    return [Watched(one, issuers[one], reasons, settled.get(one)) for one, reasons in closed.items()]


def _issuer(body: Mapping[str, object]) -> str:
    match body:
        case {"evidence": {"document": {"issuer": str(issuer)}}}:
            return issuer
        case _:
            return ""


def _reasons(objections: Sequence[object]) -> tuple[str, ...]:
    found = [one["reason"] for one in objections if isinstance(one, Mapping) and isinstance(one.get("reason"), str)]
    return tuple(dict.fromkeys(reason for reason in found if reason != WOULD_OPEN))


def compare(watched: Sequence[Watched]) -> Beside:
    """Compare the gate's decisions with the officer's."""
    settled = [one for one in watched if one.officer is not None]
    said: dict[str, list[Watched]] = {}
    issued: dict[str, list[Watched]] = {}
    for one in settled:
        for reason in one.reasons or ("would_admit",):
            said.setdefault(reason, []).append(one)
        issued.setdefault(one.issuer, []).append(one)
    return Beside(len(watched), len(settled), sum(one.agrees for one in settled), _rows(said), _rows(issued))


def _rows(groups: Mapping[str, Sequence[Watched]]) -> tuple[Row, ...]:
    rows = [Row(name, Rate(sum(not one.agrees for one in group), len(group))) for name, group in groups.items()]
    return tuple(sorted(rows, key=lambda row: (row.name != "would_admit", -row.otherwise.errors, row.name)))
