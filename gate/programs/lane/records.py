"""Encodes records as the fields that are sealed, and decodes them, to repeat a decision years later."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from gate.channel.log_messages import BODY_BYTES_MAX
from gate.passage import records
from gate.passage.draws import Draw
from gate.passage.events import Counters
from gate.passage.names import Disposition, IncidentKind, Wish
from gate.passage.orders import Said
from gate.passage.policy import Decision, Verdict, decide, decide_entry
from gate.passage.records import ApprovalSettings, Record
from gate.passage.rule_set import NO_RULES, RuleSet
from gate.rules.parser import recorded
from gate_core.evidence.crossing import Alarm, Check, DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.reasons import Objection
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.toml_file import FileError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

UNWRITTEN = ("crossing", "kept")  # fields that are not in a record's body
HITS_MAX = 6  # kept over a restart: hits whose owner must still be informed
PROTECTED_MAX = 6  # kept over a restart: crossings with a request for protection
REPLACED_MAX = 6  # likewise, crossings with a missing record; as many as the log has bytes for
# Log profiles (BSI TR-03135-2 §4.3): the fields that are recorded, chosen by the site and approved. `full`: all, so
# that decisions can be repeated. `basic`: nothing personal, neither document or face data nor names of staff nor free
# text. `standard`: as `basic` for travellers whom the gate itself let pass, as `full` for the rest, so that decisions
# against a person can be repeated. Profiles omit fields, never records; a record with omitted fields names its profile.
Profile = Literal["full", "standard", "basic"]
# A test checks each text field of every kind of record: it must be named here or be proven harmless.
PERSONAL: Final[Mapping[type, frozenset[str]]] = {
    Check: frozenset({"reason"}),
    DocumentEvidence: frozenset(
        {"issuer", "document_type", "issued", "expires", "authorities", "nationality", "sex", "age"}
    ),
    FaceEvidence: frozenset({"match", "liveness", "cues", "pad"}),
    Objection: frozenset({"detail"}),
    RegisterFinding: frozenset({"register", "cause", "edition", "handle", "about"}),
    Said: frozenset({"officer", "reason"}),
    ApprovalSettings: frozenset({"persons", "keys"}),
}


def is_whole(record: Record, profile: Profile) -> bool:
    """True if all fields of the record are recorded."""
    if profile == "standard":
        return not (isinstance(record, records.Decided | records.EntryDecided) and record.decision is Verdict.ADMIT)
    return profile == "full"


def without_personal(record: DataclassInstance) -> dict[str, object]:
    """Return a record's fields that are not personal, as plain JSON values."""
    left_out = PERSONAL.get(type(record), frozenset())
    names = [one.name for one in dataclasses.fields(record) if one.name not in left_out]
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return without_personal(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(one) for one in value]
    return msgspec.to_builtins(value)


class RecordError(Exception):
    """A record cannot be encoded, decoded, or replayed."""


def fields_of(record: Record, profile: Profile = "full") -> dict[str, object]:
    """Return a record's fields as plain JSON values, without UNWRITTEN ones."""
    whole = is_whole(record, profile)
    fields: dict[str, object] = msgspec.to_builtins(record) if whole else without_personal(record)
    for unwritten in UNWRITTEN:
        fields.pop(unwritten, None)
    return fields if whole else {**fields, "profile": profile}


def encode(record: Record, profile: Profile = "full") -> bytes:
    """Return a record's body: canonical JSON in ASCII. Raises RecordError if it cannot be encoded or is too long."""
    try:
        body = _canonical(fields_of(record, profile), allow_nan=False)
    except ValueError as error:
        raise RecordError(f"a record that cannot be written: {error}") from error
    if len(body) > BODY_BYTES_MAX:
        raise RecordError(f"a record of {len(body)} bytes")
    return body


def stand_in(record: Record, profile: Profile = "full") -> bytes:
    """Return the body that replaces a permanently refused record: length and SHA-256 of the refused body."""
    spelt = _canonical(fields_of(record, profile), allow_nan=True)
    return _canonical({"replaced": {"bytes": len(spelt), "sha256": hashlib.sha256(spelt).hexdigest()}}, allow_nan=False)


def _canonical(fields: dict[str, object], *, allow_nan: bool) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=allow_nan).encode("ascii")


@dataclass(frozen=True, slots=True)
class Hit:
    """A register's hit on a document. `handle`: for the report to its owner. `disposition`: the officer's, or None."""

    crossing: str
    register: str
    handle: str
    disposition: Disposition | None = None


def hits_in(record: Record) -> tuple[Hit, ...]:
    """Return the hits in a decision's evidence."""
    match record:
        case records.Decided(crossing, evidence=evidence) | records.EntryDecided(crossing, evidence=evidence):
            return tuple(Hit(crossing, one.register, one.handle) for one in evidence.registers or () if one.handle)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the log returns to the lane at its next start. `counted`: last passage counters. `replaced`: crossings with
    a missing record. `through`: the last crossing whose traveller passed on its grant. `alarms`: not acknowledged.
    `called`: help was called, not answered. `closed_by`: the officer who closed the lane. `asked_by`: the technician
    who last asked for maintenance, `maintained_by`: the one at work. `direction`, `travellers`: as ordered.
    `protected`: waiting crossings with a request for protection. `draw`: secret until revealed. `hits`: to be reported
    to owners. `running`: no end recorded. `emergency`: not ended. `first_counted`, `first_alarms`: of the first of two
    doors.
    """

    counted: Counters | None = None
    replaced: tuple[str, ...] = ()
    through: str | None = None
    alarms: tuple[Alarm, ...] = ()
    closed_by: str | None = None
    asked_by: str | None = None
    maintained_by: str | None = None
    first_counted: Counters | None = None
    first_alarms: tuple[Alarm, ...] = ()
    direction: BorderDirection | None = None
    travellers: str | None = None
    called: bool = False
    protected: tuple[str, ...] = ()
    draw: Draw | None = None
    hits: tuple[Hit, ...] = ()
    running: bool = False
    emergency: bool = False

    def counted_at(self, door: Door) -> Counters | None:
        """Return a door's last passage counters."""
        return self.counted if door is Door.LAST else self.first_counted

    def alarms_at(self, door: Door) -> tuple[Alarm, ...]:
        """Return a door's alarms that wait for an officer."""
        return self.alarms if door is Door.LAST else self.first_alarms

    @classmethod
    def of(cls, told: bytes) -> Remembered:
        """Decode the log's bytes; empty if they are invalid."""
        try:
            return msgspec.json.decode(told, type=cls)
        except msgspec.DecodeError:
            return cls()

    def to_bytes(self) -> bytes:
        """Encode it for the log."""
        return msgspec.json.encode(self)

    def after(self, record: Record) -> Remembered:
        """Return what to remember once this record is in the log."""
        known = self._run_by(record)
        match record:
            case records.GrantEnded(crossing, records.GrantEnd.PASSAGE, Door.LAST):
                return replace(known, through=crossing)
            case records.Incident(incident=kind, waits=True, door=door):
                waiting = {*self.alarms_at(door), Alarm(kind.value)}
                return known.with_alarms(door, tuple(alarm for alarm in Alarm if alarm in waiting))
            case records.Incident(incident=IncidentKind.HELP_CALLED):
                return replace(known, called=True)
            case records.Obeyed():
                return known.ordered(record)
            case records.Asked(crossing, Wish.PROTECTION):
                return replace(known, protected=(*known.protected, crossing)[-PROTECTED_MAX:])
            case records.DrawCommitted(kept=draw):
                return replace(known, draw=draw)
            case records.DrawRevealed():
                return replace(known, draw=None)
            case records.Decided() | records.EntryDecided():
                new = (one for one in hits_in(record) if one not in known.hits)
                return replace(known, hits=(*known.hits, *new)[-HITS_MAX:])
            case records.Settled(crossing, disposition=disposition):
                hits = (
                    replace(one, disposition=disposition) if one.crossing == crossing else one for one in known.hits
                )
                protected = tuple(one for one in known.protected if one != crossing)
                replaced = tuple(one for one in known.replaced if one != crossing)  # it waits no more
                return replace(known, protected=protected, replaced=replaced, hits=tuple(hits))
            case _:
                return known

    def ordered(self, obeyed: records.Obeyed) -> Remembered:
        """Return a copy changed by an executed order."""
        match obeyed:
            case records.Obeyed(verb=records.ObeyedVerb.ACKNOWLEDGE, alarms=seen):
                left = {door: tuple(one for one in self.alarms_at(door) if one not in seen) for door in Door}
                return replace(self, alarms=left[Door.LAST], first_alarms=left[Door.FIRST], called=False)
            case records.Obeyed(verb=records.ObeyedVerb.CLOSE, order=order) if order.officer == self.maintained_by:
                return replace(self, closed_by=order.officer, maintained_by=None)
            case records.Obeyed(verb=records.ObeyedVerb.CLOSE | records.ObeyedVerb.PAUSE, order=order):
                return replace(self, closed_by=order.officer)
            case records.Obeyed(verb=records.ObeyedVerb.MAINTAIN, order=order):
                return replace(self, asked_by=order.officer)
            case records.Obeyed(verb=records.ObeyedVerb.CONSENT, order=order):
                return replace(self, closed_by=order.officer, maintained_by=self.asked_by)
            case records.Obeyed(verb=records.ObeyedVerb.DIRECTION, after=direction):
                return replace(self, direction=BorderDirection(direction))
            case records.Obeyed(verb=records.ObeyedVerb.MODE, after=travellers):
                return replace(self, travellers=travellers)
            case records.Obeyed(verb=records.ObeyedVerb.OPEN):
                return replace(self, closed_by=None, maintained_by=None)
            case _:
                return self

    def _run_by(self, record: Record) -> Remembered:
        match record:
            case (
                records.Passed(counters=Counters() as counters, door=door)
                | records.Counted(counters=counters, door=door)
            ):
                at_last = door is Door.LAST
                return replace(self, counted=counters) if at_last else replace(self, first_counted=counters)
            case records.Started() | records.Stopped():
                return replace(self, running=isinstance(record, records.Started))
            case records.EmergencyBegan() | records.EmergencyEnded():
                return replace(self, emergency=isinstance(record, records.EmergencyBegan))
            case _:
                return self

    def with_alarms(self, door: Door, waiting: tuple[Alarm, ...]) -> Remembered:
        """Return a copy with a door's alarms that wait for an officer."""
        return replace(self, alarms=waiting) if door is Door.LAST else replace(self, first_alarms=waiting)

    def without_hit(self, handle: str) -> Remembered:
        """Return a copy without a hit whose owner was informed."""
        return replace(self, hits=tuple(one for one in self.hits if one.handle != handle))

    def without_record(self, crossing: str | None) -> Remembered:
        """Return a copy after a record of a crossing was lost."""
        others = tuple(one for one in self.replaced if one != crossing)
        return self if crossing is None else replace(self, replaced=(*others, crossing)[-REPLACED_MAX:])


class RecordedRuleSets:
    """The written rules of a log, joined from the parts in its records."""

    def __init__(self) -> None:
        self._of, self._pieces = "", dict[int, str]()  # the parts received so far
        self._rule_sets: dict[str, RuleSet] = {"": NO_RULES}

    def take(self, body: Mapping[str, object]) -> None:
        """Add a `rules_stated` record. An invalid one is ignored: decisions by its rules then cannot be repeated."""
        try:
            said = msgspec.convert({**body}, records.RulesStated)
        except (TypeError, msgspec.ValidationError):
            return
        if said.sha256 in self._rule_sets:
            return  # repeated at each start of the lane
        if said.sha256 != self._of:
            self._of, self._pieces = said.sha256, {}
        self._pieces[said.part] = said.text
        if len(self._pieces) < said.parts:
            return
        text = "".join(piece for _, piece in sorted(self._pieces.items()))
        self._pieces = {}
        if hashlib.sha256(text.encode()).hexdigest() == said.sha256:
            with contextlib.suppress(FileError):
                self._rule_sets[said.sha256] = recorded(text)

    def by(self, sha256: str) -> RuleSet:
        """Return the rules that a decision's policy names. Raises RecordError if no record states them."""
        try:
            return self._rule_sets[sha256]
        except KeyError as error:
            raise RecordError("by written rules that no record before it states") from error


def replay(
    body: dict[str, object], *, door: Door = Door.LAST, rule_sets: RecordedRuleSets | None = None
) -> tuple[Decision, bool]:
    """Repeat the decision of a `decided` record, or of an `entry_decided` one for the first door. True: verdict and
    reasons are the same, beside recorded reasons from outside the policy (a document removed, a time limit).

    Raises RecordError if evidence is missing, or the written rules are not in `rule_sets`.
    """
    if body.get("profile", "full") != "full":
        raise RecordError("what this decision rests on was left out, as the log's profile says")
    recorded = _decision_in(body, door)
    rule_set = (rule_sets or RecordedRuleSets()).by(recorded.policy.rules)
    again = (decide if door is Door.LAST else decide_entry)(recorded.evidence, recorded.policy, rule_set)
    if recorded.decision is Verdict.ADMIT:
        return again, not again.objections
    return again, set(again.objections) <= set(recorded.reasons) and bool(recorded.reasons)


def decide_by(rule_set: RuleSet, body: Mapping[str, object]) -> tuple[Verdict, Decision]:
    """Return a `decided` record's verdict, and the decision by other written rules. Raises RecordError."""
    recorded = _decision_in(body, Door.LAST)
    return recorded.decision, decide(recorded.evidence, replace(recorded.policy, rules=rule_set.sha256), rule_set)


def _decision_in(body: Mapping[str, object], door: Door) -> records.Decided | records.EntryDecided:
    kind: type[records.Decided | records.EntryDecided] = records.Decided if door is Door.LAST else records.EntryDecided
    try:
        return msgspec.convert({**body, "crossing": "", "policy": _as_of_then(body.get("policy"))}, kind)
    except (TypeError, ValueError, OverflowError) as error:  # msgspec's are ValueErrors
        raise RecordError(f"not a decided record: {error}") from error


def _as_of_then(policy: object) -> object:
    """Return a record's policy. Old records lack `camera_inside_zone`, whose meaning then was True."""
    return {"camera_inside_zone": True, **policy} if isinstance(policy, dict) else policy
