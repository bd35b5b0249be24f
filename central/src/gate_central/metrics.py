"""Central's metrics in the Prometheus text format (version 0.0.4): one table, one row per metric. Pure.

Names are stable. The gate is a label. No metric is about a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gate_central.evidence import Kind
from gate_central.fleet import SILENT, Row

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    samples: Callable[[Sequence[Row], datetime], Iterator[Sample]]


def exposition(rows: Sequence[Row], now: datetime) -> str:
    """Return all metrics of these gates as text."""
    lines = list[str]()
    for metric in METRICS:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.samples(rows, now):
            told = ",".join(f'{name}="{labels[name]}"' for name in metric.labels)
            lines.append(f"{metric.name}{{{told}}} {value:.10g}" if told else f"{metric.name} {value:.10g}")
    return "\n".join(lines) + "\n"


def _states(rows: Sequence[Row], _: datetime) -> Iterator[Sample]:
    for state in ("enrolled", "revoked", "retired"):
        yield {"state": state}, sum(row.state == state for row in rows)


def _alarms(rows: Sequence[Row], _: datetime) -> Iterator[Sample]:
    for row in rows:
        for kind in (*(one.value for one in Kind), SILENT):
            yield {**_gate(row), "kind": kind}, kind in row.alarms


def _of_gates(name: str, help_: str, value: Callable[[Row, datetime], float | None]) -> Metric:
    """Return a metric with a value for each enrolled gate; a counter if its name ends with `_total`."""

    def samples(rows: Sequence[Row], now: datetime) -> Iterator[Sample]:
        for row in rows:
            if row.state == "enrolled" and (known := value(row, now)) is not None:
                yield _gate(row), known

    kind = "counter" if name.endswith("_total") else "gauge"
    return Metric(f"portcullis_central_{name}", kind, _GATE, help_, samples)


def _gate(row: Row) -> Mapping[str, str]:
    return {"gate": row.device, "site": row.place.site or "", "party": row.place.party or ""}


def _unheard_s(row: Row, now: datetime) -> float | None:
    return None if row.last_seen is None else max(0.0, (now - datetime.fromisoformat(row.last_seen)).total_seconds())


_GATE: Final = ("gate", "site", "party")
METRICS: Final = (
    Metric("portcullis_central_gates", "gauge", ("state",), "Gates by their state at the central server.", _states),
    _of_gates("signed_entries_total", "Entries for which the gate has a receipt.", lambda row, _: row.signed),
    _of_gates(
        "entries_behind",
        "Entries of the gate's newest checkpoint that have not arrived yet.",
        lambda row, _: row.behind,
    ),
    _of_gates("bodies_missing", "Entries whose sealed bodies have not arrived yet.", lambda row, _: row.bodies_missing),
    _of_gates("unheard_seconds", "Time since the gate's last request, to the minute.", _unheard_s),
    _of_gates("evidence", "Pieces of evidence about the gate's log, answered or not.", lambda row, _: row.evidence),
    Metric("portcullis_central_alarm", "gauge", (*_GATE, "kind"), "1 while an alarm of this kind stands.", _alarms),
)
