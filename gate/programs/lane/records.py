"""Records as the fields that are sealed and back, so that a decision can be replayed years later."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from gate.channel.messages import BODY_BYTES_MAX
from gate.passage import records
from gate.passage.draws import Draw
from gate.passage.events import Counters, Wish
from gate.passage.orders import Disposition, Said
from gate.passage.policy import Decision, Verdict, decide, decide_entry
from gate.passage.records import ApprovalSettings, Record
from gate.passage.rulebook import NO_RULES, RuleBook
from gate.rules.parser import recorded
from gate_core.evidence.crossing import Alarm, Check, DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.reasons import Objection
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.toml_file import FileError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

UNWRITTEN = ("crossing", "kept")  # the fields of a record that its body does not hold
HITS_MAX = 6  # of which an owner is still to be told, that are remembered over a restart
PROTECTED_MAX = 6  # crossings whose travellers asked for protection, that are remembered over a restart
REPLACED_MAX = 6  # crossings of which a record is missing, likewise: as many as the log keeps bytes for
# Log profiles (BSI TR-03135-2 §4.3): what of a record is written down, as the site has chosen and two persons approved. `full` is everything, so that a
# decision can be taken again. `basic` holds nothing personal: neither what a document or a face says of a traveller, nor who of the staff did something, nor
# free words. `standard` holds of a traveller whom the gate itself let pass what `basic` does, and all the rest as `full`: every decision against somebody
# can be taken again. Left out are fields, never records, and a record of which something is left out names its profile.
Profile = Literal["full", "standard", "basic"]
# Said here once; a test walks every kind of record and wants each text named here or proven harmless.
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
    """True when nothing of a record is left out."""
    if profile == "standard":
        return not (isinstance(record, records.Decided | records.EntryDecided) and record.decision is Verdict.ADMIT)
    return profile == "full"


def without_personal(record: DataclassInstance) -> dict[str, object]:
    """The fields of a record, as plain JSON values, that are not personal."""
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
    """A record does not hold what its kind promises."""


def fields_of(record: Record, profile: Profile = "full") -> dict[str, object]:
    """A record's fields as plain JSON values: without its crossing, and without what is kept for the next start."""
    whole = is_whole(record, profile)
    fields: dict[str, object] = msgspec.to_builtins(record) if whole else without_personal(record)
    for unwritten in UNWRITTEN:
        fields.pop(unwritten, None)
    return fields if whole else {**fields, "profile": profile}


def encode(record: Record, profile: Profile = "full") -> bytes:
    """The sealed bytes: canonical JSON in ASCII. Raises RecordError for what cannot be spelt, or is too long."""
    try:
        body = _canonical(fields_of(record, profile), allow_nan=False)
    except ValueError as error:
        raise RecordError(f"a record that cannot be written: {error}") from error
    if len(body) > BODY_BYTES_MAX:
        raise RecordError(f"a record of {len(body)} bytes")
    return body


def stand_in(record: Record, profile: Profile = "full") -> bytes:
    """The bytes that take the place of a record that was refused for good: how long it was, and the SHA-256 of what it was."""
    spelt = _canonical(fields_of(record, profile), allow_nan=True)
    return _canonical({"replaced": {"bytes": len(spelt), "sha256": hashlib.sha256(spelt).hexdigest()}}, allow_nan=False)


def _canonical(fields: dict[str, object], *, allow_nan: bool) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=allow_nan).encode("ascii")


@dataclass(frozen=True, slots=True)
class Hit:
    """A register's hit on a crossing's document, by the handle under which its owner is told; `disposition` is what an officer made of it, once one has."""

    crossing: str
    register: str
    handle: str
    disposition: Disposition | None = None


def hits_in(record: Record) -> tuple[Hit, ...]:
    """The hits that a decision rests on."""
    match record:
        case records.Decided(crossing, evidence=evidence) | records.EntryDecided(crossing, evidence=evidence):
            return tuple(Hit(crossing, one.register, one.handle) for one in evidence.registers or () if one.handle)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the log tells the lane at its next start: how far the books of passages go, of which crossings a record is missing, who
    was the last to pass on the grant of their crossing, which alarms no officer has acknowledged who must, whether somebody `called` for help
    and none has answered, who closed the lane, and in which of the crossings that wait a traveller asked for protection.
    `asked_by` is the technician who asked for maintenance last, `maintained_by` the one who works on the lane, `direction` and
    `travellers` what an officer ordered it to serve, if one did; `draw` is what travellers are drawn by, and secret until it is revealed; `hits` are the latest whose owners are to be told what an officer made of them. `running`: the lane began and has not said that it
    ended; `emergency`: one began and has not ended. Of two doors, `counted` and `alarms` are the last one's, `first_counted` and `first_alarms` the first one's.
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
        """How far a door's books go."""
        return self.counted if door is Door.LAST else self.first_counted

    def alarms_at(self, door: Door) -> tuple[Alarm, ...]:
        """A door's alarms that wait for an officer."""
        return self.alarms if door is Door.LAST else self.first_alarms

    @classmethod
    def of(cls, told: bytes) -> Remembered:
        """Read what the log tells: nothing is known of what cannot be read."""
        try:
            return msgspec.json.decode(told, type=cls)
        except msgspec.DecodeError:
            return cls()

    def to_bytes(self) -> bytes:
        """Write it as the log keeps it."""
        return msgspec.json.encode(self)

    def after(self, record: Record) -> Remembered:
        """What is to be remembered when this record is in the log."""
        known = self._run_by(record)
        match record:
            case records.GrantEnded(crossing, records.GrantEnd.PASSAGE, Door.LAST):
                return replace(known, through=crossing)
            case records.Incident(incident=kind, waits=True, door=door):
                waiting = {*self.alarms_at(door), Alarm(kind.value)}
                return known.with_alarms(door, tuple(alarm for alarm in Alarm if alarm in waiting))
            case records.Incident(incident=records.IncidentKind.HELP_CALLED):
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
                return replace(known, protected=protected, hits=tuple(hits))
            case _:
                return known

    def ordered(self, obeyed: records.Obeyed) -> Remembered:
        """The same after an order was obeyed."""
        match obeyed:
            case records.Obeyed(verb=records.ObeyedVerb.ACKNOWLEDGE, alarms=seen):
                left = {door: tuple(one for one in self.alarms_at(door) if one not in seen) for door in Door}
                return replace(self, alarms=left[Door.LAST], first_alarms=left[Door.FIRST], called=False)
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
        """The same with a door's alarms that wait for an officer."""
        return replace(self, alarms=waiting) if door is Door.LAST else replace(self, first_alarms=waiting)

    def without_hit(self, handle: str) -> Remembered:
        """The same when a hit's owner was told."""
        return replace(self, hits=tuple(one for one in self.hits if one.handle != handle))

    def without_record(self, crossing: str | None) -> Remembered:
        """The same when a record of a crossing could not be kept."""
        return self if crossing is None else replace(self, replaced=(*self.replaced, crossing)[-REPLACED_MAX:])


class Books:
    """The written rules that the records of a log state, put together as they come."""

    def __init__(self) -> None:
        self._of, self._pieces = "", dict[int, str]()  # what is stated now, one piece after the other
        self._books: dict[str, RuleBook] = {"": NO_RULES}

    def take(self, body: Mapping[str, object]) -> None:
        """Take a `rules_stated` record. What is none is passed over: the decisions by it cannot be taken again, and say so."""
        try:
            said = msgspec.convert({**body}, records.RulesStated)
        except (TypeError, msgspec.ValidationError):
            return
        if said.sha256 in self._books:
            return  # each start of the lane states them
        if said.sha256 != self._of:
            self._of, self._pieces = said.sha256, {}
        self._pieces[said.part] = said.text
        if len(self._pieces) < said.parts:
            return
        text = "".join(piece for _, piece in sorted(self._pieces.items()))
        self._pieces = {}
        if hashlib.sha256(text.encode()).hexdigest() == said.sha256:
            with contextlib.suppress(FileError):
                self._books[said.sha256] = recorded(text)

    def by(self, sha256: str) -> RuleBook:
        """The rules that a decision's policy names. Raises RecordError when no record states them."""
        try:
            return self._books[sha256]
        except KeyError as error:
            raise RecordError("by written rules that no record before it states") from error


def replay(body: dict[str, object], *, door: Door = Door.LAST, books: Books | None = None) -> tuple[Decision, bool]:
    """Take the decision of a `decided` record again, or, about the first door, of an `entry_decided` one; the second value says whether
    verdict and reasons are the same.

    Reasons that only the moment knew (a document pulled away, a time limit) may stand in the record beside the policy's.
    Raises RecordError when the record holds no evidence, or not all of it, or was decided by written rules that are not among `books`.
    """
    if body.get("profile", "full") != "full":
        raise RecordError("what this decision rests on was left out, as the log's profile says")
    recorded = _decision_in(body, door)
    book = (books or Books()).by(recorded.policy.rules)
    again = (decide if door is Door.LAST else decide_entry)(recorded.evidence, recorded.policy, book)
    if recorded.decision is Verdict.ADMIT:
        return again, not again.objections
    return again, set(again.objections) <= set(recorded.reasons) and bool(recorded.reasons)


def decide_by(book: RuleBook, body: Mapping[str, object]) -> tuple[Verdict, Decision]:
    """What a `decided` record says was decided, and what would be by these written rules, everything else as it was. Raises RecordError."""
    recorded = _decision_in(body, Door.LAST)
    return recorded.decision, decide(recorded.evidence, replace(recorded.policy, rules=book.sha256), book)


def _decision_in(body: Mapping[str, object], door: Door) -> records.Decided | records.EntryDecided:
    kind: type[records.Decided | records.EntryDecided] = records.Decided if door is Door.LAST else records.EntryDecided
    try:
        return msgspec.convert({**body, "crossing": "", "policy": _as_of_then(body.get("policy"))}, kind)
    except (TypeError, ValueError, OverflowError) as error:  # msgspec's are ValueErrors
        raise RecordError(f"not a decided record: {error}") from error


def _as_of_then(policy: object) -> object:
    """The policy of a record as it was understood then: before it said where the camera stands, one body in the zone was nobody's objection."""
    return {"camera_inside_zone": True, **policy} if isinstance(policy, dict) else policy
