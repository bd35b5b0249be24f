"""The content of the demo's report: outcomes against the scenarios, stage times, audit. Pure, apart from the drawing."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from functools import reduce
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from gate.passage.records import Closed, Incident, Overruled, Settled
from gate_demo.director import Visit
from gate_demo.disk import LogDisk
from gate_demo.machine import Lateness

Kind = TypeVar("Kind", Closed, Incident, Overruled, Settled)

STAGES = (
    ("opened", "crossing opened, durable"),
    ("camera_up", "first frame"),
    ("portrait_read", "portrait read from the chip"),
    ("chip_read", "chip read and proven"),
    ("face_compared", "face compared"),
    ("entry_decided", "decided about the first door"),
    ("entry_grant_written", "grant of the first door on the wire"),
    ("inside", "inside, both doors closed"),
    ("decided", "decided"),
    ("granted", "receipt and fresh look"),
    ("grant_written", "grant on the wire"),
    ("passed", "passed"),
    ("closed", "lane at rest again"),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """The outcome that a scenario expects. A reason may name its detail: `document_check_failed:expiry`."""

    verdict: str
    incidents: tuple[str, ...]
    reasons: tuple[str, ...]
    passages: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one visit, and its differences from the expected one."""

    visit: Visit
    verdict: str
    reasons: tuple[str, ...]
    incidents: tuple[str, ...]
    stages_ms: dict[str, float]
    differences: tuple[str, ...]

    @property
    def excused(self) -> bool:
        """Return True when it was unexpected on a late machine: no judgement of the gate."""
        return bool(self.differences) and self.visit.late.excuses


@dataclass(frozen=True, slots=True)
class Again:
    """A visit that was repeated, and why."""

    scenario: str
    what: tuple[str, ...]
    late: Lateness


class Line(msgspec.Struct, frozen=True):
    """A line of `gate audit decrypt`: a decrypted record, `body` None where its key was erased. `index` is its log index."""

    kind: str | None
    crossing: str | None
    body: dict[str, object] | None
    monotonic_ms: int = 0
    index: int = 0

    def record(self, kind: type[Kind]) -> Kind | None:
        """Return the record if it is of this kind, otherwise None."""
        if self.body is None or self.kind != kind.kind.value:
            return None
        return msgspec.convert({"crossing": self.crossing, **self.body}, kind)


def outcome_of(visit: Visit, lines: list[Line], expected: Expected) -> Outcome:
    """Return a visit's outcome by the decrypted records of its crossings and the lane's incidents in that time.

    Where an officer admitted a person, the scenario does not determine who passed; the judge judges the opening.
    """
    mine = [line for line in lines if line.crossing in visit.crossings]
    meanwhile = (
        line for line in lines if line.crossing is None and visit.began_ms < line.monotonic_ms <= visit.ended_ms
    )
    closed = [record for line in mine if (record := line.record(Closed))]
    verdict = closed[-1].verdict.value if closed else "none"
    objections = [objection for record in closed for objection in record.reasons]
    reasons = tuple(dict.fromkeys(objection.reason.value for objection in objections))
    detailed = {f"{objection.reason.value}:{objection.detail}" for objection in objections}
    incidents = tuple(one.incident.value for line in (*mine, *meanwhile) if (one := line.record(Incident)))
    differences = []
    if verdict != expected.verdict:
        differences.append(f"verdict {verdict}, expected {expected.verdict}")
    is_overruled = any(line.record(Overruled) for line in mine)
    if visit.passed != expected.passages and not is_overruled:
        differences.append(f"{visit.passed} passed, expected {expected.passages}")
    known = frozenset(incidents)
    differences.extend(f"no incident {either}" for either in expected.incidents if known.isdisjoint(either.split("|")))
    said = detailed.union(reasons)
    differences.extend(f"no reason {either}" for either in expected.reasons if said.isdisjoint(either.split("|")))
    stages = dict(closed[-1].stages_ms) if closed else {}
    return Outcome(visit, verdict, reasons, incidents, stages, tuple(differences))


def summary(outcomes: list[Outcome]) -> dict[str, object]:
    """Return the numbers of the demo's JSON document."""
    genuine = [outcome for outcome in outcomes if outcome.visit.scenario == "genuine"]
    return {
        "travellers": len(outcomes),
        "admitted": sum(outcome.verdict == "admitted" for outcome in outcomes),
        "referred": sum(outcome.verdict == "referred" for outcome in outcomes),
        "genuine": {"total": len(genuine), "admitted": sum(outcome.verdict == "admitted" for outcome in genuine)},
        "incidents": dict(sorted(Counter(kind for outcome in outcomes for kind in outcome.incidents).items())),
        "transaction_ms": _spread([o.stages_ms["grant_written"] for o in outcomes if "grant_written" in o.stages_ms]),
        "decision_ms": decisions_ms(outcomes),
        "stages_ms": stages_ms(outcomes),
    }


def stages_ms(outcomes: list[Outcome]) -> dict[str, dict[str, float] | None]:
    """Return the distribution of the time from the beginning to each stage, for admitted travellers, in milliseconds."""
    admitted = [outcome for outcome in outcomes if outcome.verdict == "admitted"]
    return {stage: _spread([o.stages_ms[stage] for o in admitted if stage in o.stages_ms]) for stage, _ in STAGES}


def decisions_ms(outcomes: list[Outcome]) -> dict[str, float] | None:
    """Return the distribution of the decision times, in milliseconds."""
    return _spread([ms for o in outcomes if (ms := decision_ms(o.stages_ms)) is not None])


def decision_ms(stages_ms: dict[str, float]) -> float | None:
    """Return the milliseconds from "chip read and good frame present" to the grant's first byte on the line."""
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
class Checked:
    """A log that was read to its end, and whether it is verified."""

    entries: int
    verified: bool

    def __str__(self) -> str:
        return f"{self.entries} entries, {'verified' if self.verified else 'NOT VERIFIED'}"


class Door(msgspec.Struct, frozen=True):
    """The judge's result for one of two doors. `along` counts companions who entered on another person's grant."""

    openings: int
    passages: int
    wrong: int
    along: int


class Judged(msgspec.Struct, frozen=True):
    """The judge's report: `different` lists differences from the ground truth; `doors` are those of a two-door lane."""

    wrong_openings: int
    different: list[dict[str, object]]
    wrong: tuple[dict[str, object], ...] = ()
    doors: dict[str, Door] = {}


@dataclass(frozen=True, slots=True)
class Foreign:
    """The result of another project's log checker. `verified` None: it is missing, and `said` is how to install it."""

    verified: bool | None
    said: str


@dataclass(frozen=True, slots=True)
class Result:
    """The demo's report. `fields` is its JSON document."""

    outcomes: list[Outcome]
    again: list[Again]
    audit: Checked
    synced: Checked
    judged: Judged
    ready_s: float
    memory_mb: dict[str, float]
    chip: str
    disk: LogDisk
    lane: str = "one-door"
    contradictions: tuple[str, ...] = ()  # found in the log by the auditor
    foreign: Foreign = Foreign(None, "not asked")

    @property
    def _sound(self) -> bool:
        complete = self.audit.verified and self.synced.verified and self.audit.entries == self.synced.entries
        complete = complete and self.foreign.verified is not False
        return complete and not (self.contradictions or self.judged.wrong_openings or self.judged.different)

    @property
    def as_expected(self) -> bool:
        """Return True when nothing differs from the scenarios."""
        return self._sound and not any(o.differences for o in self.outcomes)

    @property
    def too_slow(self) -> bool:
        """Return True when a late machine is the only reason for an unexpected result."""
        return self._sound and not self.as_expected and all(o.excused for o in self.outcomes if o.differences)

    @property
    def late(self) -> Lateness:
        """Return how late the machine was."""
        return reduce(Lateness.worst, (o.visit.late for o in self.outcomes), Lateness())

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            **summary(self.outcomes),
            "lane": self.lane,
            "doors": msgspec.to_builtins(self.judged.doors),
            "wrong_openings": self.judged.wrong_openings,
            "wrong": list(self.judged.wrong),
            "different_in_log": self.judged.different,
            "as_expected": self.as_expected,
            "machine": {
                "too_slow": self.too_slow,
                **asdict(self.late),
                "again": [{"scenario": one.scenario, "what": list(one.what), **asdict(one.late)} for one in self.again],
            },
            "audit": {
                **asdict(self.audit),
                "contradictions": list(self.contradictions),
                "foreign": asdict(self.foreign),
            },
            "synced": asdict(self.synced),
            "differences": [
                {
                    "traveller": o.visit.traveller,
                    "scenario": o.visit.scenario,
                    "what": list(o.differences),
                    "reasons": list(o.reasons),
                    **asdict(o.visit.late),
                }
                for o in self.outcomes
                if o.differences
            ],
            "ready_s": self.ready_s,
            "memory_mb": self.memory_mb,
            "chip": self.chip,
            "log_disk": {"kind": self.disk.kind.value, "bytes": self.disk.total_bytes},
        }

    def draw(self, console: Console) -> None:
        """Draw the report as text."""
        console.print(_outcomes_table(self.outcomes))
        console.print(_stages_table(stages_ms(self.outcomes)))
        if self.judged.doors:
            console.print(_doors_table(self.judged.doors))
        console.print(
            f"Audit log: {self.audit}. At the central server: {self.synced}. "
            f"Wrong openings by the judge: {self.judged.wrong_openings}; "
            f"{len(self.judged.different)} differences between log and truth."
        )
        console.print(f"A program of others on the same log: {self.foreign.said}", markup=False)
        for contradiction in self.contradictions:
            console.print(f"The auditor finds: {contradiction}", markup=False)
        if (decision := decisions_ms(self.outcomes)) is not None:
            console.print(
                f"From chip read and good frame to the grant on the wire: p50 {decision['p50']} ms, "
                f"p95 {decision['p95']} ms."
            )
        console.print(
            f"Programs ready {self.ready_s} s after their start, {sum(self.memory_mb.values()):.0f} MB together."
        )
        if self.again:
            names = ", ".join(one.scenario.replace("_", " ") for one in self.again)
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


def _doors_table(doors: dict[str, Door]) -> Table:
    table = Table("door", "openings", "passages", "stepped in along", "wrong", title="Doors, as the judge saw them")
    for name, door in doors.items():
        table.add_row(name, str(door.openings), str(door.passages), str(door.along), str(door.wrong))
    return table


def _stages_table(stages: dict[str, dict[str, float] | None]) -> Table:
    table = Table("stage", "p50 ms", "p95 ms", title="Admitted travellers, since the document was presented")
    for stage, words in STAGES:
        if (spread := stages[stage]) is not None:
            table.add_row(words, f"{spread['p50']:.0f}", f"{spread['p95']:.0f}")
    return table
