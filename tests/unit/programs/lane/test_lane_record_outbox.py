"""What the log has not taken yet: whatever is lost on the way, each event is written once or never, in its order."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import itertools
import json
from dataclasses import dataclass, field

import msgspec
import pytest
from fakes.passage_examples import decided_record, ready, said
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.channel.log_messages import BODY_BYTES_MAX, RECORDS_MAX, REMEMBERED_BYTES_MAX, Append, NewRecord, NotKnown
from gate.channel.log_messages import NotRecorded as Refusal
from gate.channel.log_messages import Recorded as Receipt
from gate.channel.table import CHANNELS
from gate.passage.door_state import COUNTS
from gate.passage.effects import Write
from gate.passage.events import Counters, NotRecorded, Recorded, RecordReplaced, TravellerAsked
from gate.passage.names import ClosedAs, IncidentKind, RecordClass, RecordKind, Wish
from gate.passage.records import (
    Closed,
    Counted,
    Decided,
    Granted,
    GrantEnd,
    GrantEnded,
    Incident,
    Obeyed,
    ObeyedVerb,
    Opened,
    Passed,
    PassedBy,
    Presence,
    Record,
    Released,
    Stopped,
)
from gate.programs.lane import record_outbox
from gate.programs.lane.record_outbox import HELD_UP_MAX, Answer, Outcome, RecordOutbox
from gate.programs.lane.records import PROTECTED_MAX, REPLACED_MAX, Remembered
from gate_core.evidence.crossing import Alarm, CueEvidence, Door
from gate_core.evidence.reasons import Objection, Reason


def queue() -> RecordOutbox:
    numbers = itertools.count()
    return RecordOutbox(lambda: next(numbers).to_bytes(16))


def put(waiting: RecordOutbox, record: Record, *, awaited: bool = False, reachable: bool = True) -> list[Answer]:
    return waiting.add(record, 7, awaited=awaited, reachable=reachable)


def incident(number: int) -> Incident:
    return Incident(None, IncidentKind.FORCED, number)


def counts(offered: list[NewRecord]) -> list[int]:
    return [json.loads(new.body)["count"] for new in offered]


FULL = Refusal("the disk is full", again=True)
IMPOSSIBLE = Refusal("not a record", again=False)


def test_what_is_owed_is_offered_in_order_until_it_is_taken() -> None:
    waiting = queue()
    for number in range(3):
        put(waiting, incident(number))
    first = waiting.offer(7)
    assert counts(first) == [0, 1, 2]
    assert waiting.settle([Receipt(0), FULL, Receipt(1)]) == []
    assert waiting.offer(7) == [first[1]], "the same append, under the same id"
    waiting.settle([Receipt(2)])
    assert (len(waiting), waiting.offer(7)) == (0, [])


def test_an_awaited_record_is_answered_once_and_not_offered_again() -> None:
    waiting = queue()
    put(waiting, Opened("c1"), awaited=True)
    put(waiting, Opened("c2"), awaited=True)
    waiting.offer(7)
    assert waiting.settle([Receipt(0), FULL]) == [
        Recorded("c1", RecordKind.OPENED),
        NotRecorded("c2", RecordKind.OPENED),
    ]
    assert len(waiting) == 0


def test_without_a_log_or_far_behind_an_awaited_record_is_refused_at_once() -> None:
    waiting = queue()
    assert put(waiting, Opened("c1"), awaited=True, reachable=False) == [NotRecorded("c1", RecordKind.OPENED)]
    for number in range(record_outbox.AHEAD_MAX + 1):
        assert put(waiting, incident(number), reachable=False) == []
    assert put(waiting, Opened("c2"), awaited=True) == [NotRecorded("c2", RecordKind.OPENED)]
    waiting.offer(7)
    assert put(waiting, Opened("c3"), awaited=True) == [], "what is on its way already holds nothing up"


def test_what_was_offered_when_the_connection_broke_is_neither_recorded_nor_refused() -> None:
    waiting = queue()
    put(waiting, Opened("c1"), awaited=True)
    offered = waiting.offer(7)
    put(waiting, Granted("c0", 1), awaited=True)
    assert waiting.hang_up() == [NotRecorded("c0", RecordKind.GRANTED)], "only this one is surely not in the log"
    assert waiting.offer(7) == offered
    assert waiting.settle([NotKnown("cannot be opened", tried=False)]) == []
    waiting.offer(7)
    assert waiting.settle([FULL]) == [NotRecorded("c1", RecordKind.OPENED)], "the log has looked: it is not there"


def test_only_a_record_in_doubt_may_lie_lower_in_the_log_than_what_was_heard_before_on_this_connection() -> None:
    waiting = queue()
    for number in range(2):
        put(waiting, incident(number))
    waiting.offer(7)
    waiting.settle([NotKnown("broken", tried=True), Receipt(5)])
    waiting.offer(7)
    waiting.settle([Receipt(4)])
    for stale in ([Receipt(5), Receipt(6)], [Receipt(6), Receipt(6)], [Receipt(7), Receipt(6)]):
        put(waiting, Opened("c1"), awaited=True)
        put(waiting, Opened("c2"), awaited=True)
        waiting.offer(7)
        with pytest.raises(ValueError, match="earlier"):
            waiting.settle(stale)
        assert waiting.hang_up() == [], "nobody knows what became of them"
        waiting.offer(7)
        assert len(waiting.settle([Receipt(0), Receipt(5)])) == 2, "another connection is another count"
        assert len(waiting) == 0


def test_a_log_that_cannot_be_looked_into_leaves_in_doubt_only_what_it_tried() -> None:
    waiting = queue()
    put(waiting, Opened("c1"), awaited=True)
    put(waiting, Opened("c2"), awaited=True)
    waiting.offer(7)
    outcomes: list[Outcome] = [NotKnown("broken", tried=True), NotKnown("broken", tried=False)]
    assert waiting.settle(outcomes) == [NotRecorded("c2", RecordKind.OPENED)]
    assert waiting.hang_up() == []
    assert len(waiting) == 1


# ── refused for good ─────────────────────────────────────────────────────────────────────────────────────────────────


def without_spelling(crossing: str = "c1") -> Decided:
    record = decided_record()
    assert record.evidence.face is not None
    face = dataclasses.replace(record.evidence.face, cues=(CueEvidence("motion", float("nan")),))
    return dataclasses.replace(record, crossing=crossing, evidence=dataclasses.replace(record.evidence, face=face))


def too_long() -> Closed:
    return Closed("c1", ClosedAs.REFERRED, (Objection(Reason.PAGE_CHECK, "x" * BODY_BYTES_MAX),))


def test_a_record_refused_for_good_is_replaced_in_its_place_by_a_small_one_that_says_so() -> None:
    waiting, decided = queue(), decided_record()
    put(waiting, incident(0))
    put(waiting, decided, awaited=True)
    put(waiting, incident(1))
    refused = waiting.offer(7)[1]
    assert waiting.settle([Receipt(0), IMPOSSIBLE, FULL]) == [
        NotRecorded("c1", RecordKind.DECIDED),
        RecordReplaced("c1", RecordKind.DECIDED),
    ]
    small, after = waiting.offer(8)
    digest = hashlib.sha256(refused.body).hexdigest()
    assert json.loads(small.body) == {"replaced": {"bytes": len(refused.body), "sha256": digest}}
    assert (small.kind, small.about, small.crossing, small.monotonic_ms) == (
        *(refused.kind, refused.about, refused.crossing, 7),
    )
    assert small.id != refused.id
    assert refused.leads_to_admission
    assert (small.leads_to_admission, small.urgent, small.bytes_min) == (False, True, 0), "it has room on a full disk"
    assert json.loads(after.body)["count"] == 1
    assert waiting.settle([Receipt(1), Receipt(2)]) == []
    assert len(waiting) == 0


def test_what_takes_the_place_of_a_crossings_end_ends_it() -> None:
    waiting = queue()
    assert put(waiting, too_long()) == [RecordReplaced("c1", RecordKind.CLOSED)]
    (small,) = waiting.offer(7)
    assert (small.kind, small.ends_crossing) == (RecordKind.CLOSED, True)
    assert json.loads(small.body)["replaced"]["bytes"] > BODY_BYTES_MAX


@pytest.mark.parametrize("awaited", [True, False])
def test_a_record_that_json_has_no_spelling_for_is_replaced_at_once(*, awaited: bool) -> None:
    waiting = queue()
    told = put(waiting, without_spelling(), awaited=awaited)
    refusal = [NotRecorded("c1", RecordKind.DECIDED)] if awaited else []
    assert told == [*refusal, RecordReplaced("c1", RecordKind.DECIDED)]
    (small,) = waiting.offer(7)
    assert set(json.loads(small.body)) == {"replaced"}


def test_a_record_is_replaced_once_and_what_is_refused_again_is_counted_as_lost() -> None:
    waiting = queue()
    put(waiting, incident(0))
    put(waiting, incident(1))
    waiting.offer(7)
    assert waiting.settle([IMPOSSIBLE, Receipt(0)]) == [RecordReplaced(None, RecordKind.INCIDENT)]
    waiting.offer(8)
    assert waiting.settle([IMPOSSIBLE]) == []
    (loss,) = waiting.offer(9)
    assert json.loads(loss.body) == {
        "count": 1,
        "door": "last",
        "incident": "records_lost",
        "order": None,
        "waits": False,
    }
    assert (loss.monotonic_ms, loss.crossing) == (9, None)
    waiting.settle([IMPOSSIBLE])
    waiting.offer(10)
    waiting.settle([IMPOSSIBLE])
    assert waiting.offer(11) == [], "that a loss cannot be written is no further loss"


def test_nobody_is_told_that_the_record_of_what_they_were_told_was_refused() -> None:
    waiting = queue()
    put(waiting, Incident("c1", IncidentKind.RECORD_REFUSED))
    waiting.offer(7)
    assert waiting.settle([IMPOSSIBLE]) == []
    assert len(waiting) == 1


def test_a_record_that_is_longer_than_the_log_takes_is_replaced_and_never_offered_again_and_again() -> None:
    waiting = queue()
    decided = decided_record()
    assert decided.evidence.document is not None
    document = dataclasses.replace(decided.evidence.document, issuer="x" * BODY_BYTES_MAX)
    long = dataclasses.replace(decided, evidence=dataclasses.replace(decided.evidence, document=document))
    assert put(waiting, long, awaited=True) == [
        NotRecorded(long.crossing, RecordKind.DECIDED),
        RecordReplaced(long.crossing, RecordKind.DECIDED),
    ]
    (small,) = waiting.offer(7)
    assert json.loads(small.body)["replaced"]["bytes"] > BODY_BYTES_MAX


def test_an_append_has_a_limit_of_records_and_of_bytes() -> None:
    waiting = queue()
    for number in range(RECORDS_MAX + 1):
        put(waiting, incident(number))
    assert counts(waiting.offer(7)) == list(range(RECORDS_MAX))
    waiting.settle([Receipt(at) for at in range(RECORDS_MAX)])
    for _ in range(40):
        put(waiting, decided_record())
    offered = waiting.offer(7)
    assert 1 < len(offered) < 40
    assert sum(len(new.body) + len(new.remember) for new in offered) <= record_outbox.OFFERED_BYTES_MAX


def test_what_is_to_be_remembered_counts_for_the_limit_too() -> None:
    waiting = RecordOutbox(
        lambda: bytes(16), Remembered(replaced=tuple(f"{number}".rjust(64, "c") for number in range(REPLACED_MAX)))
    )
    for number in range(RECORDS_MAX):
        put(waiting, Passed("d" * 64, 1, counters=Counters(COUNTS - 1 - number, COUNTS - 1, 0xFFFF)))
    offered = waiting.offer(7)
    assert 1 < len(offered) < RECORDS_MAX
    assert sum(len(new.body) + len(new.remember) for new in offered) <= record_outbox.OFFERED_BYTES_MAX


def test_the_longest_append_fits_the_channel() -> None:
    (stopped,) = _offered_of(Stopped())
    kind, about = RecordKind.EMERGENCY_BEGAN, RecordClass.ADMINISTRATION
    longest = replace(stopped, kind=kind, about=about, crossing="c" * 64, monotonic_ms=2**53, bytes_min=8192)
    each = record_outbox.OFFERED_BYTES_MAX // RECORDS_MAX
    full = Append([replace(longest, body=b"x" * each)] * RECORDS_MAX)
    remember = b"x" * REMEMBERED_BYTES_MAX
    alone = Append([replace(longest, body=b"x" * BODY_BYTES_MAX, remember=remember)])
    assert max(len(msgspec.msgpack.encode(append)) for append in (full, alone)) < CHANNELS.log.bytes_max


def _offered_of(record: Record) -> list[NewRecord]:
    waiting = queue()
    put(waiting, record)
    return waiting.offer(7)


def test_what_waits_for_room_on_the_disk_lets_others_pass() -> None:
    waiting = queue()
    for number in range(RECORDS_MAX + 10):
        put(waiting, Presence(said(f"officer-{number}")))
    put(waiting, incident(1))
    waiting.offer(7)
    waiting.settle([FULL] * RECORDS_MAX)
    offered = waiting.offer(7)
    assert [new.kind for new in offered[:HELD_UP_MAX]] == [RecordKind.PRESENCE] * HELD_UP_MAX
    assert offered[-1].kind is RecordKind.INCIDENT
    waiting.settle([FULL] * len(offered))
    put(waiting, Released(None, said()))
    assert [new.kind for new in waiting.offer(8, has_room=False)] == [RecordKind.RELEASE]


def test_while_the_log_has_no_room_nothing_is_offered_that_waits_for_it() -> None:
    waiting = queue()
    put(waiting, Presence(said()))
    waiting.offer(7)
    waiting.settle([FULL])
    assert waiting.offer(8, has_room=False) == []
    assert [new.kind for new in waiting.offer(9)] == [RecordKind.PRESENCE]


def test_the_log_must_answer_for_what_it_was_offered() -> None:
    waiting = queue()
    put(waiting, incident(0))
    waiting.offer(7)
    with pytest.raises(ValueError, match="shorter"):
        waiting.settle([])


def test_the_log_is_asked_to_remember_how_far_the_books_of_passages_go() -> None:
    counters = Counters(7, 3, 2)
    (passed,) = _offered_of(Passed("c1", 1, PassedBy.UNSEEN, counters=counters))
    (counted,) = _offered_of(Counted(counters, Counters(1, 1, 1)))
    assert Remembered.of(passed.remember) == Remembered.of(counted.remember) == Remembered(counters)
    (through,) = _offered_of(GrantEnded("c1", GrantEnd.PASSAGE))
    assert Remembered.of(through.remember) == Remembered(through="c1")
    nobody = (GrantEnded("c1", GrantEnd.TIME), GrantEnded("c1", GrantEnd.PASSAGE, Door.FIRST))
    assert [new.remember for one in nobody for new in _offered_of(one)] == [b"", b""]
    assert [new.remember for new in (*_offered_of(Presence(said())), *_offered_of(Passed(None, 1)))] == [b"", b""]


def test_the_log_is_asked_to_remember_the_alarms_that_wait_for_an_officer_and_who_closed_the_lane() -> None:
    """A lane that was started anew had forgotten both, and served with a forced leaf that nobody had looked at."""

    def waits(kind: IncidentKind) -> Incident:
        return Incident("c1", kind, waits=True)

    told = Remembered()
    forced, motor, late = IncidentKind.FORCED, IncidentKind.MOTOR_FAULT, IncidentKind.OPEN_TOO_LONG
    reverse = IncidentKind.REVERSE_PASSAGE  # the machine's own word: it is no alarm of the controller
    for record in (waits(motor), waits(forced), waits(forced), Incident(None, late), Incident(None, reverse)):
        told = told.after(record)
    assert told.alarms == (Alarm.FORCED, Alarm.MOTOR_FAULT)
    told = told.after(Obeyed(None, said(), ObeyedVerb.CLOSE))
    assert (told.alarms, told.closed_by) == ((Alarm.FORCED, Alarm.MOTOR_FAULT), said().officer)
    assert Remembered.of(told.to_bytes()) == told
    some = told.after(Obeyed(None, said(), ObeyedVerb.ACKNOWLEDGE, (Alarm.FORCED, Alarm.OBSTRUCTED)))
    assert (some.alarms, some.closed_by) == ((Alarm.MOTOR_FAULT,), said().officer)
    assert told.after(Obeyed(None, said(), ObeyedVerb.OPEN)) == dataclasses.replace(told, closed_by=None)
    assert told.after(Obeyed("c1", said(), ObeyedVerb.REFER)) == told


@pytest.mark.parametrize("told", [b"", b"[]", b"null", b'{"counted":{"entry":1,"exit":"x","power_ups":1}}', b"\xff"])
def test_of_books_that_nobody_remembers_nothing_is_known(told: bytes) -> None:
    assert Remembered.of(told) == Remembered()


def test_what_is_remembered_goes_on_from_what_the_log_told_and_has_its_limit() -> None:
    told = Remembered(
        Counters(1, 2, 3),
        tuple(f"{number}".rjust(32, "c") for number in range(REPLACED_MAX)),
        alarms=tuple(Alarm),
        closed_by="o" * 64,
        asked_by="t" * 64,
        maintained_by="t" * 64,
        first_counted=Counters(COUNTS - 1, COUNTS - 1, 0xFFFF),
        first_alarms=tuple(Alarm),
        called=True,
        protected=("p" * 32,) * PROTECTED_MAX,
    )
    waiting = RecordOutbox(lambda: bytes(16), Remembered.of(told.to_bytes()))
    counters = Counters(COUNTS - 1, COUNTS - 1, 0xFFFF)
    put(waiting, Passed("d" * 32, 1, PassedBy.GRANT, counters=counters))
    put(waiting, GrantEnded("d" * 32, GrantEnd.PASSAGE))
    put(waiting, without_spelling("e" * 32))
    _, first, second = waiting.offer(7)
    assert Remembered.of(first.remember) == dataclasses.replace(told, counted=counters, through="d" * 32)
    assert Remembered.of(second.remember) == dataclasses.replace(
        told, counted=counters, through="d" * 32, replaced=(*told.replaced[1:], "e" * 32)
    )
    assert max(len(first.remember), len(second.remember)) <= REMEMBERED_BYTES_MAX


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────


class Turn(enum.Enum):
    """What befalls one append."""

    TAKEN = enum.auto()
    NEVER_ARRIVED = enum.auto()
    ANSWER_LOST = enum.auto()
    DISK_FULL = enum.auto()
    FAILED_AND_NOT_WRITTEN = enum.auto()
    FAILED_AND_WRITTEN = enum.auto()
    NOT_OPEN = enum.auto()


@dataclass
class Log:
    """A log as docs/protocols/channels.md promises it: an id is written once."""

    remembers: bool = True
    entries: list[NewRecord] = field(default_factory=list)
    in_doubt: set[bytes] = field(default_factory=set)

    def take(self, offered: list[NewRecord], *, full: bool = False) -> list[Outcome]:
        return [self._one(new, full=full) for new in offered]

    def _one(self, new: NewRecord, *, full: bool) -> Outcome:
        known = [at for at, one in enumerate(self.entries) if one.id == new.id] if self.remembers else []
        if known:
            return Receipt(known[0])
        if full and new.leads_to_admission:
            return FULL
        self.entries.append(new)
        return Receipt(len(self.entries) - 1)


@dataclass
class Lane:
    """A lane that appends numbered records and hears what became of them."""

    log: Log
    waiting: RecordOutbox = field(default_factory=queue)
    told: dict[str, type] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)

    def add(self, number: int, *, kind: str, awaited: bool, reachable: bool) -> None:
        record: Record = Opened(f"c{number}") if kind == "opened" else Granted(f"c{number}", 1)
        if awaited:
            self.awaited.add(f"c{number}")
        self.hear(self.waiting.add(record, number, awaited=awaited, reachable=reachable))

    def hear(self, answers: list[Answer]) -> None:
        for answer in answers:
            assert answer.crossing is not None
            assert answer.crossing in self.awaited
            assert answer.crossing not in self.told, "told twice"
            self.told[answer.crossing] = type(answer)

    def turn(self, turn: Turn) -> None:
        offered = self.waiting.offer(0)
        if not offered:
            return
        outcomes: list[Outcome]
        match turn:
            case Turn.TAKEN:
                self.hear(self.waiting.settle(self.log.take(offered)))
            case Turn.NEVER_ARRIVED:
                self.hear(self.waiting.hang_up())
            case Turn.ANSWER_LOST:
                self.log.take(offered)
                self.hear(self.waiting.hang_up())
            case Turn.DISK_FULL:
                self.hear(self.waiting.settle(self.log.take(offered, full=True)))
            case Turn.FAILED_AND_NOT_WRITTEN:
                outcomes = [NotKnown("failed", tried=True)] * len(offered)
                self.hear(self.waiting.settle(outcomes))
            case Turn.FAILED_AND_WRITTEN:
                self.log.take(offered)
                outcomes = [NotKnown("failed", tried=True)] * len(offered)
                self.hear(self.waiting.settle(outcomes))
            case Turn.NOT_OPEN:
                outcomes = [NotKnown("not open", tried=False)] * len(offered)
                self.hear(self.waiting.settle(outcomes))


steps = st.lists(
    st.one_of(st.sampled_from(Turn), st.tuples(st.sampled_from(["opened", "granted"]), st.booleans(), st.booleans())),
    max_size=60,
)


def played(history: list[Turn | tuple[str, bool, bool]], *, remembers: bool = True) -> Lane:
    lane = Lane(Log(remembers))
    for number, step in enumerate(history):
        if isinstance(step, Turn):
            lane.turn(step)
        else:
            lane.add(number, kind=step[0], awaited=step[1], reachable=step[2])
    while len(lane.waiting):
        lane.turn(Turn.TAKEN)
    return lane


@given(history=steps)
@settings(max_examples=400)
def test_whatever_is_lost_each_event_is_written_once_or_surely_never_and_in_its_order(
    history: list[Turn | tuple[str, bool, bool]],
) -> None:
    lane = played(history)
    written = [new.crossing for new in lane.log.entries]
    assert len(set(written)) == len(written), "an event was doubled"
    refused = {crossing for crossing, answer in lane.told.items() if answer is NotRecorded}
    assert not refused & set(written), "what was refused is in the log"
    appended = {f"c{number}" for number, step in enumerate(history) if not isinstance(step, Turn)}
    assert set(written) == appended - refused
    assert {crossing for crossing, answer in lane.told.items() if answer is Recorded} <= set(written)
    assert set(lane.told) == lane.awaited, "whoever waits is answered at last"
    settled = [new.monotonic_ms for new in lane.log.entries if not new.leads_to_admission]
    assert settled == sorted(settled), "the log's order is not the order of events"
    if Turn.DISK_FULL not in history:
        everything = [new.monotonic_ms for new in lane.log.entries]
        assert everything == sorted(everything)


class Choosy(Log):
    """A log that takes some records never, and of every third of these not even what takes their place."""

    def _one(self, new: NewRecord, *, full: bool) -> Outcome:
        number = int((new.crossing or "c1")[1:])
        is_small = b"replaced" in new.body
        refuses = number % 9 == 0 if is_small else number % 3 == 0
        return IMPOSSIBLE if refuses else super()._one(new, full=full)


@given(history=steps)
@settings(max_examples=200)
def test_whatever_a_log_refuses_for_good_has_one_small_record_in_its_place_or_is_counted_as_lost(
    history: list[Turn | tuple[str, bool, bool]],
) -> None:
    waiting, log, told = queue(), Choosy(), list[Answer]()
    for number, step in enumerate(history):
        if isinstance(step, tuple):
            record: Record = Opened(f"c{number}") if step[0] == "opened" else Granted(f"c{number}", 1)
            told += waiting.add(record, number, awaited=False, reachable=step[2])
        elif offered := waiting.offer(0):
            told += waiting.settle(log.take(offered, full=step is Turn.DISK_FULL))
    for _ in range(len(history) + 4):
        if offered := waiting.offer(0):
            told += waiting.settle(log.take(offered))
    assert len(waiting) == 0, "it comes to an end"
    added = {number for number, step in enumerate(history) if isinstance(step, tuple)}
    small = {int(new.crossing[1:]) for new in log.entries if new.crossing and b"replaced" in new.body}
    whole = {int(new.crossing[1:]) for new in log.entries if new.crossing and b"replaced" not in new.body}
    assert whole == {number for number in added if number % 3}
    assert small == {number for number in added if number % 3 == 0 and number % 9}
    assert [answer for answer in told if isinstance(answer, RecordReplaced)] == told
    assert len(told) == len({number for number in added if number % 3 == 0}), "each is told once"
    lost = sum(json.loads(new.body)["count"] for new in log.entries if new.crossing is None)
    assert lost == len({number for number in added if number % 9 == 0})
    assert len({new.id for new in log.entries}) == len(log.entries)


def test_a_log_that_forgets_ids_doubles_what_is_offered_again() -> None:
    history: list[Turn | tuple[str, bool, bool]] = [("granted", False, True), Turn.ANSWER_LOST]
    assert len(played(history).log.entries) == 1
    assert len(played(history, remembers=False).log.entries) == 2


def test_a_record_without_fields_is_an_empty_object() -> None:
    waiting = queue()
    put(waiting, Stopped())
    (new,) = waiting.offer(7)
    assert (new.kind, new.body) == (RecordKind.STOPPED, b"{}")


def test_a_call_for_an_officer_while_the_log_is_away_is_written_whole_afterwards() -> None:
    owing = queue()
    for effect in ready().feed(TravellerAsked("fresh", Wish.HELP)):
        if isinstance(effect, Write):
            assert owing.add(effect.record, 0, awaited=effect.awaited, reachable=False) == []
    assert [one.kind for one in owing.offer(0)] == [RecordKind.OPENED, RecordKind.CLOSED, RecordKind.ASKED]
