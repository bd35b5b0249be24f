"""Queue of records that the log has not taken yet, in sequence of events. Pure; `gate.programs.lane.clients` sends.

An offered record stays until its outcome is known. If that stays unknown, the record is in doubt: it is offered again
under its id, and not reported as recorded or refused before. On a full disk, records that wait for space are overtaken:
those that lead to an admission by all others, those that are not urgent by urgent ones. Else the sequence is kept.

An awaited record is refused at once if the log is away or far behind, and then never offered; one that the log refused
is not offered again. A record that is refused for good, or cannot be encoded, is replaced once, by a small one of its
kind with its length and hash. At OUTBOX_MAX the oldest is dropped; drops are counted and recorded as an incident.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from gate.channel import log_messages
from gate.passage.events import NotRecorded, Recorded, RecordReplaced
from gate.passage.names import IncidentKind
from gate.passage.records import Incident, Record, Started, class_of, crossing_of
from gate.programs.lane.records import Profile, RecordError, Remembered, encode, stand_in
from gate_core.approval.approvers import Listed

OUTBOX_MAX = 1_000
AHEAD_MAX = 48  # at most so many records before an awaited one
OFFERED_BYTES_MAX = 40 * 1024  # of bodies in a message; a single longer one is sent alone
HELD_UP_MAX = 8  # records waiting for disk space that are offered each time

Outcome = log_messages.Recorded | log_messages.NotRecorded | log_messages.NotKnown
Answer = Recorded | NotRecorded | RecordReplaced


@dataclass(slots=True, eq=False)
class _Entry:
    record: Record
    new: log_messages.NewRecord
    awaited: bool
    in_doubt: bool = False  # it may be in the log
    held_up: bool = False  # it waits for disk space
    stands_in: bool = False  # it replaces a permanently refused record

    def recorded(self) -> Recorded:
        return Recorded(crossing_of(self.record) or "", self.record.kind)

    def not_recorded(self) -> NotRecorded:
        return NotRecorded(crossing_of(self.record) or "", self.record.kind)


class RecordOutbox:
    """The queue. `new_id`: draws 16 random bytes. `remembered`: from the log. `profile`: what is recorded."""

    def __init__(
        self, new_id: Callable[[], bytes], remembered: Remembered | None = None, profile: Profile = "full"
    ) -> None:
        self._new_id = new_id
        self._profile = profile
        self._remembered = remembered or Remembered()
        self._entries: list[_Entry] = []
        self._offered: list[_Entry] = []
        self._newest = -1  # the highest index received on this connection
        self._lost = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, record: Record, monotonic_ms: int, *, awaited: bool, reachable: bool) -> list[Answer]:
        """Queue a record; return the events for the state machine. Refuses an awaited one without a quick offer."""
        refusal: list[Answer] = [NotRecorded(crossing_of(record) or "", record.kind)] if awaited else []
        if awaited and (not reachable or len(self._entries) - len(self._offered) > AHEAD_MAX):
            return refusal
        try:
            entry = _Entry(record, self._new(record, monotonic_ms, encode(record, self._profile)), awaited)
        except RecordError:
            entry = self._stand_in(record, monotonic_ms)
        self._entries.append(entry)
        if len(self._entries) > OUTBOX_MAX:
            self._entries.remove(next(entry for entry in self._entries if entry not in self._offered))
            self._lost += 1
        return [*refusal, *_replaced(record)] if entry.stands_in else []

    def offer(self, monotonic_ms: int, *, has_room: bool = True) -> list[log_messages.NewRecord]:
        """Return the records to send now, in order. Unless it is empty, `settle` or `hang_up` must follow."""
        if self._lost:
            loss = Incident(None, IncidentKind.RECORDS_LOST, self._lost)
            self._entries.insert(
                0, _Entry(loss, self._new(loss, monotonic_ms, encode(loss, self._profile)), awaited=False)
            )
            self._lost = 0
        held_up = size = 0
        for entry in self._entries:
            held_up += entry.held_up
            if entry.held_up and (held_up > HELD_UP_MAX or not has_room):
                continue
            size += len(entry.new.body) + len(entry.new.remember)
            if self._offered and (size > OFFERED_BYTES_MAX or len(self._offered) >= log_messages.RECORDS_MAX):
                break
            self._offered.append(entry)
        return [entry.new for entry in self._offered]

    def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        """Process the outcomes of the offered records; return the events for the state machine. Raises ValueError for a
        wrong number of outcomes, or a repeated answer: indices must increase, except for records in doubt.
        """
        answers: list[Answer] = []
        done: list[_Entry] = []
        newest = self._newest
        for entry, outcome in zip(self._offered, outcomes, strict=True):
            if isinstance(outcome, log_messages.Recorded):
                if outcome.index <= newest and not entry.in_doubt:
                    raise ValueError("an answer to earlier records")
                newest = max(newest, outcome.index)
        self._newest = newest
        for entry, outcome in zip(self._offered, outcomes, strict=True):
            match outcome:
                case log_messages.Recorded():
                    answers += [entry.recorded()] if entry.awaited else []
                    done.append(entry)
                    continue
                case log_messages.NotRecorded(again=False):
                    answers += [entry.not_recorded()] if entry.awaited else []
                    answers += self._refused_for_good(entry)
                    continue
                case log_messages.NotRecorded():
                    entry.in_doubt = False
                case log_messages.NotKnown():  # pragma: no branch - the type checker proves the match complete
                    entry.in_doubt |= outcome.tried
            entry.held_up = not entry.new.urgent
            if entry.awaited and not entry.in_doubt:
                answers.append(entry.not_recorded())
                done.append(entry)
        self._offered = []
        self._forget(done)
        return answers

    def hang_up(self) -> list[Answer]:
        """Note a lost connection: offered records are in doubt; awaited ones not yet offered are refused."""
        for entry in self._offered:
            entry.in_doubt = True
        self._offered, self._newest = [], -1
        refused = [entry for entry in self._entries if entry.awaited and not entry.in_doubt]
        self._forget(refused)
        return [entry.not_recorded() for entry in refused]

    def forget_hit(self, handle: str) -> None:
        """Forget a hit that was reported to its owner; a later record informs the log."""
        self._remembered = self._remembered.without_hit(handle)

    def _refused_for_good(self, entry: _Entry) -> list[Answer]:
        """Replace a refused record by a small one. A refused replacement is dropped, and counted as lost."""
        if entry.stands_in:
            self._lost += not _is(entry.record, IncidentKind.RECORDS_LOST)
            self._forget([entry])
            return []
        self._entries[self._entries.index(entry)] = self._stand_in(entry.record, entry.new.monotonic_ms)
        return _replaced(entry.record)

    def _forget(self, entries: Sequence[_Entry]) -> None:
        gone = {id(entry) for entry in entries}
        self._entries = [entry for entry in self._entries if id(entry) not in gone]

    def _stand_in(self, record: Record, monotonic_ms: int) -> _Entry:
        self._remembered = self._remembered.without_record(crossing_of(record))
        new = self._new(record, monotonic_ms, stand_in(record, self._profile))
        # It does not lead to an admission, so it may use reserved disk space; and it has no minimum length.
        small = msgspec.structs.replace(
            new,
            leads_to_admission=False,
            urgent=True,
            bytes_min=0,
            remember=self._remembered.to_bytes(),
            accepts_head=False,
        )
        return _Entry(record, small, awaited=False, stands_in=True)

    def _new(self, record: Record, monotonic_ms: int, body: bytes) -> log_messages.NewRecord:
        before, self._remembered = self._remembered, self._remembered.after(record)
        return log_messages.NewRecord(
            id=self._new_id(),
            kind=record.kind,
            about=class_of(record),
            crossing=crossing_of(record),
            monotonic_ms=monotonic_ms,
            leads_to_admission=record.leads_to_admission,
            ends_crossing=record.ends_crossing,
            awaits_officer=record.awaits_officer,
            bytes_min=record.bytes_min,
            body=body,
            urgent=record.urgent,
            remember=b"" if self._remembered == before else self._remembered.to_bytes(),
            approved=_approved(record),
            accepts_head=record.accepts_head,
        )


def _approved(record: Record) -> log_messages.Approved | None:
    """Return the approval of a lane's start; None for other records, and for a demo."""
    if not isinstance(record, Started) or record.approval.serial == 0:
        return None
    one = record.approval
    listed = Listed(schema=1, approvers=tuple(one.keys.values()), authority=one.authority)
    return log_messages.Approved(one.serial, one.sha256, msgspec.json.encode(listed))


def _replaced(record: Record) -> list[Answer]:
    """Return the event that a record was replaced; none for the machine's own record of that."""
    return [] if _is(record, IncidentKind.RECORD_REFUSED) else [RecordReplaced(crossing_of(record), record.kind)]


def _is(record: Record, incident: IncidentKind) -> bool:
    return isinstance(record, Incident) and record.incident is incident
