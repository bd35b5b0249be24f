"""Judges the content of opened records: no traveller passed without a decision, every crossing has one end, the
barrier's counters agree with the records, times fit the hours in clear, and the clock was not set without a record.

It implements the rules in docs/protocols/audit-log.md independently of the programs that follow them. A record that
does not open, or that the lane reports as lost, explains a gap: the contradiction is then reported as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gate_verify.audit_record import AuditRecord
from gate_verify.clock import Clock
from gate_verify.counter_reconciliation import CounterReconciliation
from gate_verify.findings import Findings
from gate_verify.recipients import NamedRecipients
from gate_verify.two_officers import TwoOfficers

# The order in which a crossing's records stand, as far as it never changes.
_RANK = {"opened": 0, "entry_decided": 1, "decided": 2, "closed": 3, "disposition": 4}
_CROSSINGS_OWN = frozenset({*_RANK, "overruled", "granted", "revoked", "grant_ended", "asked", "viewed", "would_admit"})
_LOSSES = frozenset({"records_lost", "record_refused"})
_MOMENT = re.compile(r":[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z")  # after its hour
IDS_KEPT = 100_000  # of the latest records, against doubles


@dataclass(slots=True)
class _Crossing:
    """The state of a crossing by its records so far."""

    first: int
    boot: str | None
    first_ms: int | None
    rank: int = -1
    decided: dict[str, int] = field(default_factory=dict)  # how often a decision or an officer opens a door
    granted: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)

    def opens(self, *doors: str) -> None:
        """Allow one more grant at these doors."""
        for door in doors:
            self.decided[door] = self.decided.get(door, 0) + 1


def _is_a_late_call(told: AuditRecord, crossing: _Crossing, body: Mapping[str, object]) -> bool:
    """True if an officer was called while the disk was full: its record waited for space and was overtaken by later ones."""
    return (
        told.kind == "opened"
        and body.get("document") is False
        and not crossing.decided
        and told.boot == crossing.boot
        and told.monotonic_ms is not None
        and crossing.first_ms is not None
        and told.monotonic_ms <= crossing.first_ms
    )


class Story:
    """Judges the records in order. `since`: index of the first one; earlier records are unknown."""

    def __init__(self, since: int = 0) -> None:
        self._since = since
        self._contradictions = Findings()
        self._unsure = Findings()
        self._crossings: dict[str, _Crossing] = {}
        self._ids: dict[str, int] = {}
        self._reconciliation = CounterReconciliation()
        self._named = NamedRecipients()
        self._clock = Clock()
        self._two_officers = TwoOfficers()
        self._started = since > 0
        self._closed_at: int | None = None  # the latest record of a crossing that did not open, or that was lost
        self._unopened = 0

    def take(self, told: AuditRecord) -> None:
        """Judge the next record."""
        self._clock.take(told)
        if told.readers is not None:
            self._named.file(told.key, told.index, told.recipients, told.readers)
        self._named.take(told.index, told.kind, about=told.about, recipients=told.recipients, body=told.body)
        if told.kind is None or told.body is None:
            self._unopened += 1
            if told.about == "crossing":
                self._closed_at = told.index
            self._reconciliation.skip(told.index)
            return
        if told.time is None or told.time[:13] != told.hour[:13] or not _MOMENT.fullmatch(told.time, 13):
            self._wrong(f"entry {told.index} is of {told.time} and stands under the hour {told.hour}")
        if (told.crossing is None) is (told.about == "crossing") or (
            told.kind in _CROSSINGS_OWN and told.crossing is None
        ):
            self._wrong(
                f"entry {told.index}, {told.kind}, is of the class {told.about} and belongs to {told.crossing or 'no crossing'}"
            )
        self._once(told)
        if told.kind == "started":
            self._started = True
            self._two_officers.started(told.body)
        if told.kind == "rules_stated":
            self._two_officers.stated(told.body)
        if told.kind == "incident" and told.body.get("incident") in _LOSSES:
            self._closed_at = told.index
        self._reconciliation.take(told.index, told.kind, told.body)
        if told.crossing is not None:
            self._crossing(told, told.crossing, told.body)
            self._officers(told, told.kind, told.crossing, told.body)

    def contradictions(self) -> tuple[str, ...]:
        """Return the contradictions in the records."""
        for one in self._named.contradictions():
            self._wrong(one)
        for text, is_sure in self._clock.jumps():
            (self._contradictions if is_sure else self._unsure).add(text if is_sure else f"whether {text}")
        for gap in self._reconciliation.gaps():
            (self._unsure if gap.is_explained else self._contradictions).add(str(gap))
        return self._contradictions.all()

    def unsure(self) -> tuple[str, ...]:
        """Return possible contradictions that a closed record may explain. Call after `contradictions`."""
        unopened = f"what {self._unopened} records tell: they do not open for you"
        return (*([unopened] if self._unopened else []), *self._unsure.all(), *self._named.unnamed())

    def _wrong(self, text: str) -> None:
        self._contradictions.add(text)

    def _doubt(self, crossing: _Crossing, text: str) -> None:
        """Report a contradiction, or a doubt if the crossing's beginning or a record since is missing."""
        explained = "opened" not in crossing.once and (self._since or self._closed_at is not None)
        explained = explained or (self._closed_at is not None and self._closed_at > crossing.first)
        (self._unsure if explained else self._contradictions).add(f"whether {text}" if explained else text)

    def _once(self, told: AuditRecord) -> None:
        if told.id is None:
            return
        if told.id in self._ids:
            self._wrong(f"entry {told.index} is entry {self._ids[told.id]} once more")
        self._ids[told.id] = told.index
        if len(self._ids) > IDS_KEPT:
            del self._ids[next(iter(self._ids))]

    def _crossing(self, told: AuditRecord, name: str, body: Mapping[str, object]) -> None:
        crossing = self._crossings.setdefault(name, _Crossing(told.index, told.boot, told.monotonic_ms))
        kind, at = str(told.kind), f"entry {told.index}: {told.kind} in crossing {name}"
        self._order(told, crossing, at, body)
        door = str(body.get("door", "last"))
        match kind:
            case "entry_decided" | "decided":
                self._decision(told.index, kind, crossing, body)
            case "overruled":
                # Under way again: a start of the lane that finds it so closes it once more.
                crossing.opens("first", "last")
                crossing.rank = min(crossing.rank, _RANK["decided"])
                crossing.once.discard("closed")
            case "granted":
                if not self._started:
                    self._doubt(crossing, f"{at} before any start of the lane was recorded")
                crossing.granted[door] = crossing.granted.get(door, 0) + 1
                if crossing.granted[door] > crossing.decided.get(door, 0):  # each opens it once
                    self._doubt(crossing, f"{at} without a decision that opens the {door} door")
                if "disposition" in crossing.once:
                    self._wrong(f"{at} after what must follow it")
                elif "closed" in crossing.once:  # the disposition may be the closed record
                    self._doubt(crossing, f"{at} after what must follow it")
            case "passed" if body.get("how") == "grant":
                count = body.get("count")
                crossing.passed[door] = crossing.passed.get(door, 0) + (count if isinstance(count, int) else 1)
                if crossing.passed[door] > crossing.granted.get(door, 0):
                    self._doubt(crossing, f"{at} on a grant that nobody had")
            case "closed" if body.get("verdict") == "admitted" and "last" not in crossing.decided:
                self._doubt(crossing, f"{at} as admitted without a decision that admits")
            case _:
                pass

    def _order(self, told: AuditRecord, crossing: _Crossing, at: str, body: Mapping[str, object]) -> None:
        """Compare a crossing's record with the earlier ones: one beginning, then the decision, one verdict, one disposition."""
        kind = str(told.kind)
        rank = _RANK.get(kind, crossing.rank)
        if (rank < crossing.rank and not _is_a_late_call(told, crossing, body)) or (
            kind in {"overruled", "would_admit"} and "disposition" in crossing.once
        ):
            self._wrong(f"{at} after what must follow it")
        crossing.rank = max(rank, crossing.rank)
        if kind in _RANK and kind in crossing.once:
            self._wrong(f"{at} a second time")
        if kind in {"entry_decided", "decided"} and "opened" not in crossing.once:
            self._doubt(crossing, f"{at} without a beginning")
        if kind == "disposition" and not {"closed", "overruled"} & crossing.once:
            self._doubt(crossing, f"{at} without a verdict")
        crossing.once.add(kind)

    def _officers(self, told: AuditRecord, kind: str, name: str, body: Mapping[str, object]) -> None:
        if lacks := self._two_officers.take(kind, name, body, at_ms=told.monotonic_ms, boot=told.boot):
            self._doubt(self._crossings[name], f"entry {told.index}: {kind} in crossing {name} {lacks}")

    def _decision(self, index: int, kind: str, crossing: _Crossing, body: Mapping[str, object]) -> None:
        reasons = body.get("reasons")
        admits = body.get("decision") == "admit"
        if "replaced" not in body and isinstance(reasons, list) and bool(reasons) is admits:
            self._wrong(
                f"entry {index}: a decision to {'admit in spite of reasons' if admits else 'refer without a reason'}"
            )
        if admits:
            crossing.opens("first" if kind == "entry_decided" else "last")
