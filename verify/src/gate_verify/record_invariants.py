"""Judges the content of opened records: no traveller passed without a decision, every crossing has one end, the
barrier's counters agree with the records, times fit the hours in clear, and the clock was not set without a record.

It implements the rules in docs/protocols/audit-log.md independently of the programs that follow them. A record that
does not open, or that the lane reports as lost, explains a gap: the contradiction is then reported as unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from gate_verify.audit_record import AuditRecord, count, text
from gate_verify.clock import Clock
from gate_verify.counter_reconciliation import CounterReconciliation
from gate_verify.findings import Findings
from gate_verify.recipients import NamedRecipients
from gate_verify.two_officers import TwoOfficers

# The order in which a crossing's records stand, as far as it never changes.
_RANK = {"opened": 0, "entry_decided": 1, "decided": 2, "closed": 3, "disposition": 4}
# What a record needs before it, one of these, and what is wrong without.
_NEEDS = {
    "entry_decided": ({"opened"}, "without a beginning"),
    "decided": ({"opened"}, "without a beginning"),
    "disposition": ({"closed", "overruled"}, "without a verdict"),
}
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
    # By door: how often a decision or an officer opens it, how often it was granted, how many passed on a grant.
    decided: Counter[str] = field(default_factory=Counter)
    granted: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    once: set[str] = field(default_factory=set)

    def is_late_call(self, told: AuditRecord) -> bool:
        """True if an officer was called while the disk was full: its record waited for space and was overtaken by later ones."""
        return (
            told.kind == "opened"
            and (told.body or {}).get("document") is False
            and not self.decided
            and told.boot == self.boot
            and None not in {told.monotonic_ms, self.first_ms}
            and (told.monotonic_ms or 0) <= (self.first_ms or 0)
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
        self._named.take(told)
        self._reconciliation.take(told)
        if told.kind is None or told.body is None:
            self._unopened += 1
            if told.about == "crossing":
                self._closed_at = told.index
            return
        if told.time is None or told.time[:13] != told.hour[:13] or not _MOMENT.fullmatch(told.time, 13):
            self._wrong(f"entry {told.index} is of {told.time} and stands under the hour {told.hour}")
        is_own = told.about == "crossing" or (told.kind in _CROSSINGS_OWN and told.crossing is None)
        if (told.crossing is None) is is_own:
            of = f"is of the class {told.about} and belongs to {told.crossing or 'no crossing'}"
            self._wrong(f"entry {told.index}, {told.kind}, {of}")
        self._once(told)
        self._started = self._started or told.kind == "started"
        if told.kind == "incident" and text(told.body, "incident") in _LOSSES:
            self._closed_at = told.index
        lacks = self._two_officers.take(told)
        if told.crossing is not None:
            crossing = self._crossings.setdefault(told.crossing, _Crossing(told.index, told.boot, told.monotonic_ms))
            at = f"entry {told.index}: {told.kind} in crossing {told.crossing}"
            self._order(told, crossing, at)
            self._doors(told, crossing, at)
            if lacks:
                self._doubt(crossing, f"{at} {lacks}")

    def contradictions(self) -> tuple[str, ...]:
        """Return the contradictions in the records."""
        for one in self._named.contradictions():
            self._wrong(one)
        for jump, is_sure in self._clock.jumps():
            (self._contradictions if is_sure else self._unsure).add(jump if is_sure else f"whether {jump}")
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

    def _doors(self, told: AuditRecord, crossing: _Crossing, at: str) -> None:
        """Compare grants with decisions, and passages with grants."""
        body, door = told.body or {}, text(told.body, "door", missing="last")
        match told.kind:
            case "entry_decided" | "decided" as kind:
                self._decision(told, "first" if kind == "entry_decided" else "last", crossing)
            case "overruled":
                # Under way again: a start of the lane that finds it so closes it once more.
                crossing.decided.update(("first", "last"))
                crossing.rank = min(crossing.rank, _RANK["decided"])
                crossing.once.discard("closed")
            case "granted":
                if not self._started:
                    self._doubt(crossing, f"{at} before any start of the lane was recorded")
                crossing.granted[door] += 1
                if crossing.granted[door] > crossing.decided[door]:  # each opens it once
                    self._doubt(crossing, f"{at} without a decision that opens the {door} door")
                if "disposition" in crossing.once:
                    self._wrong(f"{at} after what must follow it")
                elif "closed" in crossing.once:  # the disposition may be the closed record
                    self._doubt(crossing, f"{at} after what must follow it")
            case "passed" if text(body, "how") == "grant":
                number = count(body.get("count"))
                crossing.passed[door] += 1 if number is None else number
                if crossing.passed[door] > crossing.granted[door]:
                    self._doubt(crossing, f"{at} on a grant that nobody had")
            case "closed" if text(body, "verdict") == "admitted" and not crossing.decided["last"]:
                self._doubt(crossing, f"{at} as admitted without a decision that admits")
            case _:
                pass

    def _order(self, told: AuditRecord, crossing: _Crossing, at: str) -> None:
        """Compare a crossing's record with the earlier ones: one beginning, then the decision, one verdict, one disposition."""
        kind = str(told.kind)
        rank = _RANK.get(kind, crossing.rank)
        is_after_the_end = kind in {"overruled", "would_admit"} and "disposition" in crossing.once
        if is_after_the_end or (rank < crossing.rank and not crossing.is_late_call(told)):
            self._wrong(f"{at} after what must follow it")
        crossing.rank = max(rank, crossing.rank)
        if kind in _RANK and kind in crossing.once:
            self._wrong(f"{at} a second time")
        if kind in _NEEDS and not _NEEDS[kind][0] & crossing.once:
            self._doubt(crossing, f"{at} {_NEEDS[kind][1]}")
        crossing.once.add(kind)

    def _decision(self, told: AuditRecord, door: str, crossing: _Crossing) -> None:
        body = told.body or {}
        reasons, admits = body.get("reasons"), text(body, "decision") == "admit"
        if "replaced" not in body and isinstance(reasons, list) and bool(reasons) is admits:
            without = "admit in spite of reasons" if admits else "refer without a reason"
            self._wrong(f"entry {told.index}: a decision to {without}")
        if admits:
            crossing.decided[door] += 1
