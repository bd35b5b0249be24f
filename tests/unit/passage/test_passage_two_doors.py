"""A lane of two doors: in by the document, out by the face, one person at a time, never both open, and always a way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import CROSSING, GENUINE, RULES, Run
from fakes.passage_examples import ready as one_door_ready
from fakes.two_door_lane import (
    ALONE,
    EMPTY,
    FIRST,
    LAST,
    LOOK_MS,
    TWO,
    TWO_DOORS,
    deciding,
    enclosed,
    entering,
    first_granted,
    granted,
    let_in,
    reading,
    ready,
    referred_inside,
)

from gate.passage import machine, records, states
from gate.passage.door_state import PendingOrder
from gate.passage.effects import (
    Answer,
    Effect,
    Grant,
    OpenCamera,
    Release,
    Revoke,
    Write,
)
from gate.passage.events import (
    DocumentRead,
    DoorSeen,
    Event,
    Part,
    PartBack,
    PartLost,
    Recorded,
    SensorsSeen,
    SiteSeen,
    Tick,
)
from gate.passage.interior import Interior, Waits
from gate.passage.names import ClosedAs, Disposition, IncidentKind, RecordKind
from gate.passage.orders import Admit, HandOver, Hold, LaneOrder
from gate.passage.policy import decide, decide_entry, lane_objections
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import Alarm, Door, InsideEvidence, Notice
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

PASSED_FIRST: DoorSeen = replace(FIRST, passages_entry=1)
TIMING = TWO_DOORS.timing


def reasons(run: Run) -> tuple[Reason, ...]:
    """Why the crossing was referred."""
    assert isinstance(run.state, states.Referred), run.state
    return tuple(one.reason for one in run.state.objections)


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    """The incidents among these."""
    found = (effect.record for effect in effects if isinstance(effect, Write))
    return [record.incident for record in found if isinstance(record, records.Incident)]


def kinds(effects: list[Effect]) -> list[RecordKind]:
    """The kinds of the records among these."""
    return [effect.record.kind for effect in effects if isinstance(effect, Write)]


def every_door(run: Run, seen: SensorsSeen = ALONE, *, after_ms: int = 0) -> list[Effect]:
    """Hear both doors, closed and empty, and the sensors."""
    first = run.lane.door_state(Door.FIRST).counted
    last = run.lane.last.counted
    assert first is not None
    assert last is not None
    return run.feed(
        replace(FIRST, passages_entry=first.entry, passages_exit=first.exit),
        replace(LAST, passages_entry=last.entry, passages_exit=last.exit),
        seen,
        after_ms=after_ms,
    )


# ── the way of a genuine traveller ───────────────────────────────────────────────────────────────────────────────────


def test_both_decisions_can_be_taken_again_from_their_records() -> None:
    written = {effect.record.kind: effect.record for effect in granted().effects if isinstance(effect, Write)}
    for kind, door in ((RecordKind.ENTRY_DECIDED, Door.FIRST), (RecordKind.DECIDED, Door.LAST)):
        assert replay(json.loads(encode(written[kind])), door=door)[1], kind
    entry, last = written[RecordKind.ENTRY_DECIDED], written[RecordKind.DECIDED]
    assert isinstance(entry, records.EntryDecided)
    assert isinstance(last, records.Decided)
    assert decide(entry.evidence, entry.policy).objections, "what lets somebody in lets nobody out"
    assert decide_entry(last.evidence, last.policy).objections


# ── the first door ───────────────────────────────────────────────────────────────────────────────────────────────────

BEFORE_FIRST: dict[str, tuple[Event, Reason]] = {
    "the first door is open": (replace(FIRST, closed=False), Reason.LANE_NOT_CLOSED),
    "the last door is open": (replace(LAST, closed=False), Reason.LANE_NOT_CLOSED),
    "the last door may be passed": (replace(LAST, grants_left=1), Reason.LANE_NOT_CLOSED),
    "somebody is in the last zone": (replace(LAST, bodies=1), Reason.ZONE_NOT_EMPTY),
    "two stand before the first": (replace(FIRST, bodies=2), Reason.BODIES_SEVERAL),
    "somebody may be inside": (ALONE, Reason.INSIDE_UNKNOWN),
    "the counter is blind": (replace(EMPTY, people=None), Reason.INSIDE_UNKNOWN),
    "something was left": (replace(EMPTY, object_left=True), Reason.LEFT_OBJECT),
    "nobody knows what was left": (replace(EMPTY, object_left=None), Reason.INSIDE_UNKNOWN),
    "the sensors began anew": (replace(EMPTY, session=2), Reason.INSIDE_UNKNOWN),
    "the look is old": (replace(EMPTY, age_ms=700), Reason.INSIDE_UNKNOWN),
    "somebody called for help": (replace(EMPTY, call_pressed=True), Reason.HELP_CALLED),
    "the cabinet is open": (replace(EMPTY, cabinet_open=True), Reason.CABINET_OPEN),
    "the mains are gone": (replace(EMPTY, mains_present=False), Reason.MAINS_LOST),
    "the first door was forced": (replace(FIRST, alarms=(Alarm.FORCED,)), Reason.BARRIER_ALARM),
    "the last door was forced": (replace(LAST, alarms=(Alarm.FORCED,)), Reason.BARRIER_ALARM),
}


def _whose(event: Event) -> tuple[type, Door | None]:
    """Which door or sensor speaks."""
    return type(event), getattr(event, "door", None)


@pytest.mark.parametrize("what", BEFORE_FIRST)
def test_the_first_door_opens_onto_an_empty_closed_lane_only(what: str) -> None:
    event, reason = BEFORE_FIRST[what]
    run = reading()
    run.feed(FIRST, LAST, EMPTY, event, DocumentRead(CROSSING, GENUINE))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    assert reason in reasons(run)
    run = let_in()
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    looks = [one for one in (FIRST, LAST, EMPTY) if _whose(one) != _whose(event)]
    run.feed(*looks, event, after_ms=10)
    assert not any(isinstance(effect, Grant) for effect in run.effects)
    assert reason in reasons(run)


# ── between the doors ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_look_that_may_be_the_measurement_before_it_is_none_however_old_that_may_be() -> None:
    """An age is a bound: what is 500 ms old at most may have been measured just now."""
    inside = Interior().observe(EMPTY, 1_000)
    inside = inside.observe(replace(ALONE, age_ms=500), 1_100)
    inside = inside.observe(replace(ALONE, age_ms=60), 1_120)
    assert inside.looks == 1
    inside = inside.observe(replace(ALONE, age_ms=60), 1_180)
    assert inside.looks == 2
    for now_ms in (1_190, 1_200, 1_210):
        inside = inside.observe(replace(ALONE, age_ms=60), now_ms)
    assert inside.looks == 2


def test_a_look_counts_for_as_long_as_the_site_says() -> None:
    for age_ms, objects in (
        (TWO_DOORS.policy.inside_age_max_ms, False),
        (TWO_DOORS.policy.inside_age_max_ms + 1, True),
    ):
        inside = InsideEvidence(age_ms=age_ms, people=0, object_left=False, looks=2, session=1)
        run = ready()
        lane_now = replace(run.lane.lane_evidence(run.now_ms), inside=inside)
        assert bool(lane_objections(lane_now, TWO_DOORS.policy, door=Door.FIRST)) is objects


BEFORE_LAST: dict[str, tuple[Event, Reason]] = {
    "the first door is open": (replace(PASSED_FIRST, closed=False), Reason.LANE_NOT_CLOSED),
    "the first door may be passed": (replace(PASSED_FIRST, grants_left=1), Reason.LANE_NOT_CLOSED),
    "the last door is open": (replace(LAST, closed=False), Reason.LANE_NOT_CLOSED),
    "two are in the last zone": (replace(LAST, bodies=2), Reason.BODIES_SEVERAL),
    "two are inside": (TWO, Reason.BODIES_SEVERAL),
    "nobody is inside": (EMPTY, Reason.INSIDE_UNKNOWN),
    "the counter is blind": (replace(ALONE, people=None), Reason.INSIDE_UNKNOWN),
    "the look is old": (replace(ALONE, age_ms=700), Reason.INSIDE_UNKNOWN),
}


@pytest.mark.parametrize("what", BEFORE_LAST)
def test_the_last_door_opens_for_one_alone_between_closed_doors_only(what: str) -> None:
    event, reason = BEFORE_LAST[what]
    run = deciding()
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    for one in (PASSED_FIRST, LAST, ALONE):
        run.feed(event if _whose(one) == _whose(event) else one, after_ms=5)
    assert not any(isinstance(effect, Grant) and effect.door is Door.LAST for effect in run.effects)
    found = reasons(run)
    assert reason in found or Reason.LANE_STATUS_OLD in found


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _opens(effects: list[Effect]) -> bool:
    return Release(Door.FIRST) in effects


@pytest.mark.parametrize(
    "shown",
    [None, replace(LAST, grants_left=1), replace(LAST, closed=False, grants_left=1), replace(LAST, closed=False)],
)
def test_the_way_back_waits_for_a_last_door_that_fell_silent_while_it_was_granted_as_long_as_its_grant_may_last(
    shown: DoorSeen | None,
) -> None:
    run = granted()
    run.feed(ALONE, *([] if shown is None else [shown]), after_ms=100)
    run.feed(PartLost(Part.BARRIER), after_ms=100)
    effects = run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    assert Release(Door.FIRST) not in effects  # both doors would stand open
    effects = run.feed(ALONE, after_ms=TIMING.grant_ttl_ms)
    assert Release(Door.FIRST) not in effects
    assert Release(Door.FIRST) in run.feed(ALONE, after_ms=TIMING.grant_slack_ms + 200)


def test_a_way_back_that_gave_way_and_opens_late_is_over() -> None:
    run = referred_inside()
    run.feed(replace(ALONE, call_pressed=True), after_ms=100)
    run.feed(replace(LAST, closed=False), after_ms=100)
    assert run.lane.doors[0].freeing is not None
    run.feed(replace(PASSED_FIRST, closed=False), after_ms=100)
    assert run.lane.doors[0].freeing is None


def test_a_way_back_that_gives_way_is_remembered_as_told_and_one_that_opened_is_not() -> None:
    run = referred_inside()
    run.feed(replace(ALONE, call_pressed=True), after_ms=100)
    told_ms = run.now_ms
    run.feed(Tick(), after_ms=TIMING.order_shown_max_ms)
    assert Notice.RELEASE_NOT_SHOWN in run.lane.notices()
    run.feed(replace(LAST, closed=False), after_ms=100)
    assert run.lane.doors[0].freeing == PendingOrder(told_ms, told_ms, gives_way=True, withdrawn=True)
    assert Notice.RELEASE_NOT_SHOWN not in run.lane.notices()
    run = referred_inside()
    run.feed(replace(ALONE, call_pressed=True), after_ms=100)
    run.feed(replace(PASSED_FIRST, closed=False), after_ms=100)
    run.feed(replace(LAST, closed=False), after_ms=100)
    assert run.lane.doors[0].freeing is None


def _ways_back(run: Run, *said: Event, seconds: int = 100) -> int:
    """How often the first door opens, and is seen open, while the sensors go on to say this."""
    opened = 0
    for _ in range(seconds):
        counted = run.lane.doors[0].counted
        assert counted is not None
        first = replace(FIRST, passages_entry=counted.entry, passages_exit=counted.exit)
        told = _opens(run.feed(first, LAST, *said, Tick(), after_ms=1_000))
        opened += told
        if told:
            run.feed(replace(first, closed=False), after_ms=100)
    return opened


@pytest.mark.parametrize("stage", [entering, enclosed])
def test_whoever_went_in_gets_out_when_the_sensors_are_lost_or_blind(stage: Callable[[], Run]) -> None:
    for said in ((PartLost(Part.SENSORS),), (replace(ALONE, people=None),)):
        assert _ways_back(stage(), *said) > 2


def test_a_counter_that_sees_nobody_is_held_against_the_doors_once() -> None:
    run = entering()
    assert _ways_back(run, EMPTY) == 1
    assert run.lane.interior is not None
    assert run.lane.interior.went_in == 0
    assert reasons(run) == (Reason.WALKED_BACK,)
    run = entering()
    run.feed(PASSED_FIRST, EMPTY, EMPTY, after_ms=100)
    run.feed(Tick(), after_ms=TIMING.entering_max_ms)
    assert _opens(run.order(HandOver(CROSSING, Disposition.WALKED_BACK)))


@pytest.mark.parametrize("seen_ms", [TIMING.inside_seen_ms - 100, TIMING.inside_seen_ms])
def test_whom_no_door_counted_and_the_counter_saw_waiting_is_not_forgotten_by_it(seen_ms: int) -> None:
    """A random walk found somebody locked in whom the first door's board did not count, and of whom the counter said later that nobody was there."""
    run = first_granted()
    run.feed(replace(FIRST, closed=False, grants_left=1), after_ms=500)
    run.feed(FIRST, LAST, ALONE, ALONE, after_ms=1_000)
    run.order(Hold(CROSSING))
    assert run.lane.interior is not None
    assert run.lane.interior.waits == Waits(run.now_ms)
    run.feed(ALONE, ALONE, Tick(), after_ms=seen_ms - 2 * LOOK_MS)
    run.feed(EMPTY, EMPTY)
    assert (run.lane.interior.waits is not None) is (seen_ms >= TIMING.inside_seen_ms)
    assert _ways_back(run, EMPTY) == (1 if seen_ms >= TIMING.inside_seen_ms else 0)


@pytest.mark.parametrize(("looks", "went_in"), [(1, 0), (2, 1)])
def test_one_look_alone_has_seen_nobody_waiting(looks: int, went_in: int) -> None:
    run = ready()
    run.feed(replace(EMPTY, people=None))
    run.feed(replace(EMPTY, people=None, call_pressed=True))
    run.feed(*[ALONE] * looks, after_ms=TIMING.inside_seen_ms)
    assert run.lane.interior is not None
    assert run.lane.interior.went_in == went_in


def test_a_counter_is_not_believed_before_the_first_door_was_seen_open() -> None:
    run = entering()
    opened = sum(_opens(run.feed(PartLost(Part.FIRST_BARRIER), LAST, EMPTY, after_ms=1_000)) for _ in range(100))
    assert opened > 2


@pytest.mark.parametrize("people", [None, 0])
def test_a_call_opens_the_way_back_whatever_the_counter_sees(people: int | None) -> None:
    run = ready()
    run.feed(replace(EMPTY, people=people), after_ms=50)
    called = replace(EMPTY, people=people, call_pressed=True)
    let_go = replace(called, call_pressed=False)
    assert _ways_back(run, called, seconds=1) == 1
    opened = _ways_back(run, let_go)
    assert opened == 0 if people == 0 else opened > 2, "where nobody is seen it opens once a call"
    assert _ways_back(run, called) > 2, "but again for whoever presses on, or anew, when it has shut"
    run.feed(let_go, after_ms=1_000)
    run.order(LaneOrder.ACKNOWLEDGE)
    assert _ways_back(run, called, seconds=30) >= 1, "the next call"


# ── officers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_admits_whoever_waits_outside_one_door_at_a_time() -> None:
    run = let_in(replace(GENUINE, checks=()))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.feed(FIRST, LAST, EMPTY)
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert Grant(CROSSING, TIMING.grant_ttl_ms, Door.FIRST) in every_door(run, EMPTY, after_ms=10)
    run.feed(replace(PASSED_FIRST, closed=False), after_ms=500)
    effects = every_door(run, after_ms=500)
    effects += run.feed(ALONE, after_ms=50)
    assert isinstance(run.state, states.Referred), (
        "an officer's word opens one door: whoever is inside now, an officer must see"
    )
    assert OpenCamera(CROSSING) not in effects
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    effects = every_door(run, after_ms=10)
    assert Grant(CROSSING, TIMING.grant_ttl_ms) in effects
    run.feed(replace(LAST, closed=False, passages_entry=1), after_ms=400)
    effects = run.feed(PASSED_FIRST, replace(LAST, passages_entry=1), EMPTY, EMPTY, after_ms=400)
    assert RecordKind.DISPOSITION in kinds(effects)


@pytest.mark.parametrize(("seen", "then"), [(EMPTY, ALONE), (ALONE, EMPTY)])
def test_an_officer_admits_through_the_door_before_which_they_saw_the_traveller(
    seen: SensorsSeen, then: SensorsSeen
) -> None:
    """Whom the sensors show before the receipt is not the one of whom the officer spoke."""
    run = let_in(replace(GENUINE, checks=()))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.feed(FIRST, LAST, seen, seen)
    run.order(Admit(CROSSING))
    run.feed(then, then)
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    effects = every_door(run, then, after_ms=10)
    assert not any(isinstance(effect, Grant) for effect in effects)
    assert reasons(run)[-1] in {Reason.PERSON_INSIDE, Reason.NOBODY_INSIDE}


def test_an_officers_admission_that_another_person_spoils_waits_again() -> None:
    run = let_in(replace(GENUINE, checks=()))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.feed(FIRST, LAST, EMPTY)
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    every_door(run, EMPTY, after_ms=10)
    run.feed(replace(PASSED_FIRST, closed=False), after_ms=500)
    effects = run.feed(TWO, after_ms=100)
    assert Reason.BODIES_SEVERAL in reasons(run)
    assert RecordKind.REVOKED in kinds(effects)
    assert run.lane.waits(CROSSING) is not None


def test_nobody_is_admitted_while_the_first_door_may_open_yet_for_who_goes_back() -> None:
    """The order for the way back was lost: it is given again until a status shows it."""
    run = referred_inside()
    every_door(run, after_ms=100)
    assert _opens(every_door(run, after_ms=TIMING.way_back_ms))
    effects = run.order(Admit(CROSSING))
    assert isinstance(run.state, states.Referred), effects
    assert any(isinstance(effect, Answer) and "lane_not_closed" in effect.detail for effect in effects)
    run = referred_inside()
    every_door(run, after_ms=100)
    run.feed(ALONE, after_ms=50)
    run.order(Admit(CROSSING))
    run.lane = run.lane.with_door_state(replace(run.lane.doors[0], freeing=PendingOrder(run.now_ms, run.now_ms)))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    every_door(run, after_ms=10)
    assert reasons(run)[-1] is Reason.LANE_NOT_CLOSED


@pytest.mark.parametrize(
    "stage", [ready, reading, let_in, first_granted, entering, enclosed, deciding, granted, referred_inside]
)
def test_freeing_opens_towards_the_hall_in_every_state(stage: Callable[[], Run]) -> None:
    run = stage()
    effects = run.order(LaneOrder.RELEASE)
    opened = [effect for effect in effects if isinstance(effect, Release)]
    assert opened == [Release(Door.FIRST)]
    assert not any(isinstance(effect, Grant) for effect in effects)
    taken_back = {first_granted: [Revoke(Door.FIRST)], granted: [Revoke(Door.LAST)]}.get(stage, [])
    assert [effect for effect in effects if isinstance(effect, Revoke)] == taken_back


def test_an_officer_can_refer_in_every_stage() -> None:
    for stage in (reading, let_in, first_granted, entering, enclosed, deciding, granted):
        run = stage()
        run.order(Hold(CROSSING))
        assert reasons(run) == (Reason.HELD_BY_OFFICER,)


# ── emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stage", [reading, let_in, first_granted, entering, enclosed, deciding, granted])
def test_a_fire_ends_every_stage_with_one_verdict_and_closes_nothing(stage: Callable[[], Run]) -> None:
    run = stage()
    effects = run.feed(replace(LAST, fire=True, emergency_open=True), after_ms=10)
    assert isinstance(run.state, states.Emergency)
    assert not any(isinstance(effect, Revoke) for effect in effects)
    closings = [e.record for e in effects if isinstance(e, Write) and isinstance(e.record, records.Closed)]
    assert [one.verdict for one in closings] == [ClosedAs.REFERRED]


# ── alarms and restarts ──────────────────────────────────────────────────────────────────────────────────────────────


def test_at_a_start_who_is_through_on_their_grant_was_admitted_and_everybody_else_waits() -> None:
    state, effects = machine.start(("a", "b"), through="a")
    assert kinds(list(effects)) == [RecordKind.CLOSED, RecordKind.CLOSED]
    closings = [e.record for e in effects if isinstance(e, Write) and isinstance(e.record, records.Closed)]
    assert [one.verdict for one in closings] == [ClosedAs.ADMITTED, ClosedAs.REFERRED]
    assert isinstance(state, states.Referred)
    assert state.crossing == "b"


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lane_of_one_door_admits_nobody_before_its_sensors_have_answered() -> None:
    run = one_door_ready()
    run.rules = replace(RULES, policy=replace(RULES.policy, sensors=True))
    run.feed(SiteSeen(1.0, clock_sure=True))
    assert run.lane.blockers == (Objection(Reason.SENSORS_LOST),)
    run.feed(EMPTY)
    assert run.state == states.Idle(Screen.WELCOME)


def test_sensors_that_are_lost_close_the_lane_and_come_back() -> None:
    run = ready()
    effects = run.feed(PartLost(Part.SENSORS))
    assert incidents(effects) == [IncidentKind.SENSORS_LOST]
    assert run.state == states.Idle(Screen.CLOSED)
    assert Objection(Reason.SENSORS_LOST) in run.lane.blockers
    run.feed(PartBack(Part.SENSORS), EMPTY, EMPTY)
    assert run.state == states.Idle(Screen.WELCOME)
