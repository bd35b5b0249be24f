"""What the demo's report says: outcomes against the scenarios, stage times, audit. Pure, apart from the drawing."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from rich.console import Console
from rich.table import Table

from gate.demo.director import Visit
from gate.demo.machine import Lateness

STAGES = (
    ("opened", "crossing opened, durable"),
    ("camera_up", "first frame"),
    ("portrait_read", "portrait read from the chip"),
    ("chip_read", "chip read and proven"),
    ("face_compared", "face compared"),
    ("decided", "decided"),
    ("granted", "receipt and fresh look"),
    ("grant_written", "grant on the wire"),
    ("passed", "passed"),
    ("closed", "lane at rest again"),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a scenario says must come of it. A reason may name its detail: `document_check_failed:expiry`."""

    verdict: str
    incidents: tuple[str, ...]
    reasons: tuple[str, ...]
    passages: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one visit, and everything that was not as expected."""

    visit: Visit
    verdict: str
    reasons: tuple[str, ...]
    incidents: tuple[str, ...]
    stages_ms: dict[str, float]
    differences: tuple[str, ...]

    @property
    def excused(self) -> bool:
        """True when it was not as expected and the machine was late: no verdict on the gate."""
        return bool(self.differences) and self.visit.late.excuses


@dataclass(frozen=True, slots=True)
class Again:
    """A visit that was played again, and why."""

    scenario: str
    what: tuple[str, ...]
    late: Lateness


def outcome_of(visit: Visit, records: list[dict[str, Any]], expected: Expected) -> Outcome:
    """Judge a visit by the decrypted records of its crossings."""
    mine = [record for record in records if record["crossing"] in visit.crossings and record["body"]]
    closed = [record["body"] for record in mine if record["kind"] == "closed"]
    verdict = closed[-1]["verdict"] if closed else "none"
    objections = [item for body in closed for item in body["reasons"]]
    reasons = tuple(dict.fromkeys(item["reason"] for item in objections))
    detailed = {f"{item['reason']}:{item['detail']}" for item in objections}
    incidents = tuple(record["body"]["incident"] for record in mine if record["kind"] == "incident")
    differences = []
    if verdict != expected.verdict:
        differences.append(f"verdict {verdict}, expected {expected.verdict}")
    if visit.passed != expected.passages:
        differences.append(f"{visit.passed} passed, expected {expected.passages}")
    known = frozenset(incidents)
    differences.extend(f"no incident {either}" for either in expected.incidents if known.isdisjoint(either.split("|")))
    said = detailed.union(reasons)
    differences.extend(f"no reason {either}" for either in expected.reasons if said.isdisjoint(either.split("|")))
    stages = closed[-1].get("stages_ms", {}) if closed else {}
    return Outcome(visit, verdict, reasons, incidents, stages, tuple(differences))


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """The counting part of the demo's JSON document."""
    genuine = [outcome for outcome in outcomes if outcome.visit.scenario == "genuine"]
    admitted = [outcome for outcome in outcomes if outcome.verdict == "admitted"]
    return {
        "travellers": len(outcomes),
        "admitted": len(admitted),
        "referred": sum(outcome.verdict == "referred" for outcome in outcomes),
        "genuine": {"total": len(genuine), "admitted": sum(outcome.verdict == "admitted" for outcome in genuine)},
        "incidents": dict(sorted(Counter(kind for outcome in outcomes for kind in outcome.incidents).items())),
        "transaction_ms": _spread([o.stages_ms["grant_written"] for o in outcomes if "grant_written" in o.stages_ms]),
        "decision_ms": _spread([ms for o in outcomes if (ms := decision_ms(o.stages_ms)) is not None]),
        "stages_ms": {
            stage: _spread([o.stages_ms[stage] for o in admitted if stage in o.stages_ms]) for stage, _ in STAGES
        },
    }


def decision_ms(stages_ms: dict[str, float]) -> float | None:
    """From "chip read and good frame present" to the grant's first byte on the wire."""
    try:
        return round(stages_ms["grant_written"] - max(stages_ms["chip_read"], stages_ms["good_frame"]), 1)
    except KeyError:
        return None


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(p95, 1)}


@dataclass(frozen=True, slots=True)
class Result:
    """The demo's report: the JSON document and what it is drawn from."""

    outcomes: list[Outcome]
    fields: dict[str, Any]
    as_expected: bool
    too_slow: bool  # not as expected, and for no other reason than a late machine

    @classmethod
    def of(
        cls,
        outcomes: list[Outcome],
        *,
        again: list[Again],
        audit: dict[str, Any],
        synced: dict[str, Any],
        judged: dict[str, Any],
        extra: dict[str, Any],
    ) -> Result:
        """Put outcomes, audit and judgement together."""
        wrong = int(judged["wrong_openings"])
        complete = bool(audit["verified"] and synced["verified"]) and audit["entries"] == synced["entries"]
        sound = not wrong and not judged["differences"] and complete
        as_expected = sound and not any(o.differences for o in outcomes)
        too_slow = sound and not as_expected and all(o.excused for o in outcomes if o.differences)
        late = reduce(Lateness.worst, (o.visit.late for o in outcomes), Lateness())
        fields = {
            **summary(outcomes),
            "wrong_openings": wrong,
            "different_in_log": judged["different"],
            "as_expected": as_expected,
            "machine": {
                "too_slow": too_slow,
                **asdict(late),
                "again": [{"scenario": one.scenario, "what": list(one.what), **asdict(one.late)} for one in again],
            },
            "audit": audit,
            "synced": synced,
            "differences": [
                {
                    "traveller": o.visit.traveller,
                    "scenario": o.visit.scenario,
                    "what": list(o.differences),
                    "reasons": list(o.reasons),
                    **asdict(o.visit.late),
                }
                for o in outcomes
                if o.differences
            ],
            **extra,
        }
        return cls(outcomes, fields, as_expected, too_slow)

    @property
    def late(self) -> str:
        """How late the machine was, for people."""
        machine = self.fields["machine"]
        return str(Lateness(machine["world_ms"], machine["probe_ms"], machine["queued_percent"]))

    def draw(self, console: Console) -> None:
        """Draw the report for people."""
        console.print(_outcomes_table(self.outcomes))
        console.print(_stages_table(self.fields["stages_ms"]))
        audit, synced = self.fields["audit"], self.fields["synced"]
        console.print(
            f"Audit log: {audit['entries']} entries, {'verified' if audit['verified'] else 'NOT VERIFIED'}. "
            f"At the central server: {synced['entries']} entries, {'verified' if synced['verified'] else 'NOT VERIFIED'}. "
            f"Wrong openings by the judge: {self.fields['wrong_openings']}; "
            f"{len(self.fields['different_in_log'])} differences between log and truth."
        )
        if (decision := self.fields["decision_ms"]) is not None:
            console.print(
                f"From chip read and good frame to the grant on the wire: p50 {decision['p50']} ms, "
                f"p95 {decision['p95']} ms."
            )
        console.print(
            f"Programs ready {self.fields['ready_s']} s after their start, "
            f"{sum(self.fields['memory_mb'].values()):.0f} MB together."
        )
        if again := self.fields["machine"]["again"]:
            names = ", ".join(one["scenario"].replace("_", " ") for one in again)
            console.print(f"Played again, because the machine was late: {names}.")
        verdict = "This machine is too slow." if self.too_slow else "NOT as expected."
        console.print("Everything as expected." if self.as_expected else verdict, style="bold")


def _outcomes_table(outcomes: list[Outcome]) -> Table:
    table = Table("traveller", "scenario", "verdict", "passed", "reasons and incidents", title="Travellers")
    for outcome in outcomes:
        said = ", ".join(dict.fromkeys((*outcome.reasons, *outcome.incidents)))
        mark = "" if not outcome.differences else f"  NOT AS EXPECTED: {'; '.join(outcome.differences)}"
        table.add_row(
            outcome.visit.traveller,
            outcome.visit.scenario.replace("_", " "),
            outcome.verdict,
            str(outcome.visit.passed),
            said + mark,
        )
    return table


def _stages_table(stages: dict[str, dict[str, float] | None]) -> Table:
    table = Table("stage", "p50 ms", "p95 ms", title="Admitted travellers, since the document was presented")
    for stage, words in STAGES:
        if (spread := stages[stage]) is not None:
            table.add_row(words, f"{spread['p50']:.0f}", f"{spread['p95']:.0f}")
    return table
