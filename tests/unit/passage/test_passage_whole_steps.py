"""What a step orders, shows and writes, whole and in order: every field of every record, and nothing beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    GENUINE,
    RULES,
    SAME_FACE,
    Run,
    decided_record,
    granted,
    inspecting,
    looking,
    ready,
    recording,
    referred,
    said,
)
from fakes.two_door_lane import ALONE, EMPTY, FIRST, LAST, TWO

from gate.passage import machine, open_referrals, records, states
from gate.passage.abort_conditions import REASON_OF_LOSS
from gate.passage.crossing_end import keeps_closed
from gate.passage.door_state import DoorState, PendingOrder, Raised
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    OpenCamera,
    Release,
    Revoke,
    Show,
    Shown,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    Part,
    PartLost,
    Recorded,
    RecordKind,
    SensorsSeen,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.interior import Interior, Waits
from gate.passage.lane import LaneContext, Referral
from gate.passage.orders import Admit, BePresent, Disposition, HandOver, Hold, LaneOrder, Outcome
from gate.passage.passage_reconciliation import in_order
from gate.passage.records import ClosedAs, GrantEnd, IncidentKind, ObeyedVerb, PassedBy
from gate_core.evidence.crossing import Alarm, CameraTrouble, Door, FaceEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance, Screen
from gate_core.ports.values import Direction

TIMING = RULES.timing
PASSED_FIRST: DoorSeen = replace(FIRST, passages_entry=1)


def closed_as_referred(*objections: Objection) -> list[Effect]:
    """What is done about a crossing whose traveller an officer must help."""
    return [
        Show(Screen.OFFICER),
        Erase(CROSSING, Shown.PICTURES),
        Write(records.Closed(CROSSING, ClosedAs.REFERRED, objections)),
    ]


def incident(kind: IncidentKind, crossing: str | None = CROSSING) -> Write:
    return Write(records.Incident(crossing, kind))


# ── up to the decision ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", REASON_OF_LOSS)
def test_before_the_first_door_a_lost_part_refers_at_once(part: Part) -> None:
    run = two.reading()
    effects = run.feed(PartLost(part))
    lost = Objection(REASON_OF_LOSS[part])
    assert run.state == states.Referred(CROSSING, (lost,))
    assert effects == [*closed_as_referred(lost), incident(IncidentKind.of_loss(part))]


def test_a_lost_reader_or_log_does_not_refer_whose_document_is_being_read() -> None:
    run = two.reading()
    run.feed(PartLost(Part.READER))
    assert isinstance(run.state, states.Reading)


def test_the_decision_about_the_first_door_is_waited_for() -> None:
    run = two.reading()
    effects = run.feed(DocumentRead(CROSSING, GENUINE))
    assert [(one.record.kind, one.awaited) for one in effects if isinstance(one, Write)] == [
        (RecordKind.ENTRY_DECIDED, True)
    ]
    assert effects[1:] == [Show(Screen.WAIT)]


def test_who_is_alone_between_two_closed_doors_is_looked_at_from_then_on() -> None:
    run = two.entering()
    run.feed(PASSED_FIRST, LAST, ALONE, after_ms=500)
    effects = run.feed(ALONE, after_ms=50)
    assert run.state == states.Inspecting(CROSSING, run.now_ms, GENUINE, run.now_ms)
    assert effects == [OpenCamera(CROSSING), Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA)]


def admitted_into_the_lane() -> Run:
    """An officer let in whose document the machine referred; they are through the first door, which has not closed yet."""
    run = two.let_in(replace(GENUINE, checks=()))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    run.feed(FIRST, LAST, EMPTY, after_ms=10)
    run.feed(replace(FIRST, closed=False, bodies=1, grants_left=1), after_ms=500)
    run.feed(replace(FIRST, closed=False, passages_entry=1), after_ms=500)
    return run


def test_whom_an_officer_let_in_an_officer_sees_inside_for_the_same_reasons() -> None:
    run = admitted_into_the_lane()
    assert isinstance(run.state, states.Entering)
    assert run.state.officers is not None
    known = run.state.officers.referral.objections
    run.feed(PASSED_FIRST, LAST, ALONE, after_ms=500)
    assert run.feed(ALONE, after_ms=50) == [Show(Screen.OFFICER)]
    assert run.state == states.Referred(CROSSING, known)
    assert known


def test_a_track_that_changed_is_not_held() -> None:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE), TrackChanged(CROSSING, TrackChange.LOST))
    assert isinstance(run.state, states.Inspecting)
    assert run.state.face == replace(SAME_FACE, track_held=False)


def test_a_face_that_was_never_compared_has_no_age() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE))
    effects = run.feed(Tick(), after_ms=TIMING.face_max_ms + 1)
    (record,) = (one.record for one in effects if isinstance(one, Write))
    assert isinstance(record, records.Decided)
    assert record.evidence.face == FaceEvidence(faces=0)


def test_everything_that_speaks_against_the_face_is_among_the_reasons() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE), PartLost(Part.READER), after_ms=10)
    run.feed(DocumentRemoved(), after_ms=TIMING.face_max_ms - 20)
    assert isinstance(run.state, states.Inspecting)
    run.feed(FaceSeen(CROSSING, 1, Guidance.NONE))
    run.feed(PartLost(Part.CAMERA), after_ms=TIMING.crossing_max_ms)
    assert isinstance(run.state, states.Recording)
    more = (Reason.CAMERA_LOST, Reason.DOCUMENT_REMOVED, Reason.TIME_LIMIT)
    assert tuple(one.reason for one in run.state.decision.objections[-3:]) == more


def test_the_document_that_may_be_read_is_that_of_the_crossing_that_begins() -> None:
    assert states.unread_of(inspecting().state) == CROSSING
    assert states.unread_of(two.reading().state) == CROSSING
    opening = ready()
    opening.feed(DocumentPresented(CROSSING))
    assert states.unread_of(opening.state) == CROSSING
    assert states.unread_of(states.Passing("c0", 0, next_document=CROSSING)) == CROSSING
    assert states.unread_of(states.Passing("c0", 0)) is None
    for run in (ready(), recording(), referred(), granted()):
        assert states.unread_of(run.state) is None


def test_a_lane_of_one_door_says_nothing_of_a_first_one() -> None:
    assert decided_record().evidence.first is None


def test_at_the_start_every_open_crossing_has_its_verdict_and_who_is_through_is_admitted() -> None:
    state, effects = machine.start(("c1", "c2"), ("c0",), through="c2")
    restarted = (Objection(Reason.LANE_RESTARTED),)
    closings = (
        Write(records.Closed("c1", ClosedAs.REFERRED, restarted)),
        Write(records.Closed("c2", ClosedAs.ADMITTED)),
    )
    assert (state, effects) == (states.Referred("c1", restarted), (*closings, Show(Screen.OFFICER)))
    assert open_referrals.left(("c0",), closings) == (Referral("c0", restarted), Referral("c1", restarted))


# ── from the decision to the passage ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("run", "door"), [(two.let_in, Door.FIRST), (two.deciding, Door.LAST)])
def test_a_grant_names_its_door_in_the_order_and_in_the_record(run: object, door: Door) -> None:
    assert callable(run)
    lane: Run = run()
    kind = RecordKind.ENTRY_DECIDED if door is Door.FIRST else RecordKind.DECIDED
    assert lane.feed(Recorded(CROSSING, kind)) == [LookAtLane()]
    first, inside = (FIRST, EMPTY) if door is Door.FIRST else (PASSED_FIRST, ALONE)
    assert lane.feed(first, LAST, inside, after_ms=10) == [
        Grant(CROSSING, TIMING.grant_ttl_ms, door),
        Show(Screen.GO),
        Write(records.Granted(CROSSING, TIMING.grant_ttl_ms, Direction.ENTRY, door)),
    ]


def test_a_grant_that_failed_is_taken_back_and_says_so() -> None:
    run = granted()
    failed = Objection(Reason.BARRIER_LOST, "grant")
    assert run.feed(GrantFailed(CROSSING)) == [
        Revoke(),
        Write(records.Revoked(CROSSING, (failed,))),
        incident(IncidentKind.BARRIER_LOST),
        *closed_as_referred(failed),
    ]


@pytest.mark.parametrize(("run", "door"), [(two.first_granted, Door.FIRST), (two.granted, Door.LAST)])
def test_a_grant_that_nobody_used_ends_by_time(run: object, door: Door) -> None:
    assert callable(run)
    lane: Run = run()
    first = FIRST if door is Door.FIRST else PASSED_FIRST
    shown = replace(first if door is Door.FIRST else LAST, grants_left=1)
    lane.feed(shown, after_ms=100)
    effects = lane.feed(Tick(), after_ms=TIMING.grant_ttl_ms + TIMING.grant_slack_ms)
    assert effects == [
        Revoke(door),
        Write(records.GrantEnded(CROSSING, GrantEnd.TIME, door)),
        *closed_as_referred(Objection(Reason.GRANT_NOT_USED)),
    ]


def passed(crossing: str | None, seen: DoorSeen, how: PassedBy = PassedBy.GRANT, count: int = 1) -> Write:
    return Write(records.Passed(crossing, count, how, Direction.ENTRY, seen.counters, seen.door))


def test_whoever_is_through_the_first_door_waits_until_it_has_closed() -> None:
    run = two.first_granted()
    run.feed(replace(FIRST, closed=False, bodies=1, grants_left=1), after_ms=500)
    seen = replace(FIRST, closed=False, passages_entry=1)
    assert run.feed(seen, after_ms=500) == [
        Revoke(Door.FIRST),
        passed(CROSSING, seen),
        Write(records.GrantEnded(CROSSING, GrantEnd.PASSAGE, Door.FIRST)),
        Show(Screen.WAIT),
    ]
    assert run.state == states.Entering(CROSSING, run.now_ms, states.Entry(GENUINE))


def test_somebody_in_the_zone_behind_whoever_is_through_the_first_door_refers_both() -> None:
    run = two.first_granted()
    run.feed(replace(FIRST, closed=False, bodies=1, grants_left=1), after_ms=500)
    seen = replace(FIRST, closed=False, passages_entry=1, bodies=2)
    assert run.feed(seen, after_ms=500) == [
        Revoke(Door.FIRST),
        passed(CROSSING, seen),
        Write(records.GrantEnded(CROSSING, GrantEnd.PASSAGE, Door.FIRST)),
        incident(IncidentKind.BODIES_SEVERAL),
        *closed_as_referred(Objection(Reason.BODIES_SEVERAL)),
    ]


def through(bodies: int = 0) -> tuple[Run, list[Effect], DoorSeen]:
    """A traveller who is through on their grant, with so many in the zone behind them."""
    run = granted()
    run.feed(replace(AT_REST, closed=False, bodies=1, grants_left=1), after_ms=500)
    seen = replace(AT_REST, closed=False, passages_entry=1, bodies=bodies)
    return run, run.feed(seen, after_ms=500), seen


def test_whoever_is_through_is_forgotten_and_the_grant_has_ended() -> None:
    run, effects, seen = through()
    assert effects == [
        Revoke(),
        passed(CROSSING, seen),
        Write(records.GrantEnded(CROSSING, GrantEnd.PASSAGE)),
        Erase(CROSSING),
    ]
    assert run.state == states.Passing(CROSSING, run.now_ms)


def test_somebody_behind_whoever_is_through_is_an_incident_of_that_crossing() -> None:
    run, effects, _ = through(bodies=2)
    assert effects[-2:] == [Erase(CROSSING), incident(IncidentKind.BODIES_SEVERAL)]
    assert run.state == states.Passing(CROSSING, run.now_ms, incident=True)


def test_somebody_who_comes_later_behind_whoever_is_through_is_one_as_well() -> None:
    run, _, seen = through()
    assert run.feed(replace(seen, bodies=2), after_ms=100) == [incident(IncidentKind.BODIES_SEVERAL)]


@pytest.mark.parametrize("ends", ["at rest", "late", "barrier lost"])
def test_a_document_that_was_laid_early_is_taken_up_when_the_passage_is_over(ends: str) -> None:
    run, _, seen = through()
    run.feed(DocumentPresented("c2"), after_ms=100)
    stuck = [] if ends == "at rest" else [incident(IncidentKind.LANE_NOT_CLOSED)]
    if ends == "at rest":
        effects = run.feed(replace(seen, closed=True), after_ms=100)
    elif ends == "late":
        effects = run.feed(Tick(), after_ms=TIMING.passing_max_ms)
    else:
        effects = run.feed(PartLost(Part.BARRIER), after_ms=100)
    assert effects[: len(stuck) + 1] == [*stuck, Write(records.Closed(CROSSING, ClosedAs.ADMITTED))]
    assert run.state == states.Opening("c2", run.now_ms)


# ── what takes it back ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_that_is_taken_back_is_written_down_with_its_crossing() -> None:
    run = granted()
    several = Objection(Reason.BODIES_SEVERAL, "2")
    assert run.feed(replace(AT_REST, grants_left=1, bodies=2), after_ms=100) == [
        Revoke(),
        Write(records.Revoked(CROSSING, (several,))),
        incident(IncidentKind.BODIES_SEVERAL),
        *closed_as_referred(several),
    ]


@pytest.mark.parametrize("door", [FIRST, LAST])
def test_a_grant_that_is_nobodys_is_taken_back_at_its_own_door_until_it_is_gone(door: DoorSeen) -> None:
    run = two.ready()
    granted_there = replace(door, grants_left=1)
    assert Revoke(door.door) in run.feed(granted_there, after_ms=100)
    assert run.feed(granted_there, after_ms=TIMING.order_again_ms - 1) == []
    assert run.feed(granted_there, after_ms=1) == [Revoke(door.door)]


def test_what_one_door_does_not_show_is_said_also_when_the_other_ones_status_comes() -> None:
    run = two.first_granted()
    run.order(Hold(CROSSING))
    assert run.feed(LAST, after_ms=TIMING.order_shown_max_ms) == [incident(IncidentKind.REVOKE_NOT_SHOWN)]


def test_another_door_that_opens_before_a_grant_is_named() -> None:
    run = two.deciding()
    run.feed(replace(PASSED_FIRST, closed=False))
    assert isinstance(run.state, states.Recording)
    assert run.state.spoiled == (Objection(Reason.LANE_NOT_CLOSED, "first"),)


def test_another_door_that_opens_during_a_grant_is_named() -> None:
    run = two.granted()
    run.feed(replace(PASSED_FIRST, closed=False))
    assert run.state == states.Referred(CROSSING, (Objection(Reason.LANE_NOT_CLOSED, "first"),))


def test_a_door_that_opens_around_one_person_alone_is_named() -> None:
    run = two.enclosed()
    run.feed(replace(LAST, closed=False))
    assert run.state == states.Referred(CROSSING, (Objection(Reason.LANE_NOT_CLOSED, "last"),))


def test_a_door_that_was_told_to_open_keeps_the_other_one_closed_and_is_named() -> None:
    run = two.referred_inside()
    assert run.feed(Tick(), after_ms=TIMING.way_back_ms) == [Release(Door.FIRST), incident(IncidentKind.WAY_BACK)]
    run.feed(PASSED_FIRST, LAST, ALONE, ALONE)
    against = keeps_closed(run.rules.policy, run.lane, Door.LAST, now_ms=run.now_ms, by_officer=True)
    assert against == (Objection(Reason.LANE_NOT_CLOSED, "first was told to open"),)


def test_the_way_back_is_offered_again_while_somebody_is_inside_and_no_sooner() -> None:
    run = two.referred_inside()
    assert run.feed(Tick(), after_ms=TIMING.way_back_ms - 1) == []
    assert run.feed(Tick(), after_ms=1) == [Release(Door.FIRST), incident(IncidentKind.WAY_BACK)]
    offered_ms = run.now_ms
    run.feed(replace(PASSED_FIRST, closed=False), after_ms=100)
    run.feed(PASSED_FIRST, LAST, ALONE, after_ms=5_000)
    assert run.feed(Tick(), after_ms=offered_ms + TIMING.way_back_again_ms - run.now_ms - 1) == []
    assert run.feed(Tick(), after_ms=1) == [Release(Door.FIRST)]


@pytest.mark.parametrize(
    ("event", "spoil"),
    [
        (FaceSeen(CROSSING, 3, Guidance.NONE), Objection(Reason.FACES_SEVERAL, "3")),
        (FaceSeen(CROSSING, 0, Guidance.NONE), Objection(Reason.FACE_MISSING)),
        (FaceSeen(CROSSING, 1, Guidance.NONE, session=7), Objection(Reason.TRACK_SWITCHED, "another session")),
        (VideoDoubted(CROSSING, CameraTrouble.LOOPED), Objection(Reason.CAMERA_TAMPERED, "video_looped")),
    ],
)
def test_what_spoils_an_admission_that_waits_for_its_receipt_is_told(event: Event, spoil: Objection) -> None:
    run = recording()
    run.feed(event)
    assert isinstance(run.state, states.Recording)
    assert run.state.spoiled == (spoil,)


def test_more_people_between_two_doors_are_counted_in_what_spoils_an_admission() -> None:
    run = two.deciding()
    run.feed(TWO)
    assert isinstance(run.state, states.Recording)
    assert run.state.spoiled == (Objection(Reason.BODIES_SEVERAL, "2"),)


# ── emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_emergency_that_nobody_ordered_names_the_crossing_that_it_ends() -> None:
    run = inspecting()
    assert run.feed(replace(AT_REST, closed=False, fire=True, emergency_open=True)) == [
        Show(Screen.EMERGENCY),
        Write(records.EmergencyBegan(CROSSING)),
        Erase(CROSSING),
        Write(records.Closed(CROSSING, ClosedAs.REFERRED, (Objection(Reason.EMERGENCY),))),
    ]


def test_a_controller_is_told_again_that_an_emergency_is_over_as_soon_as_it_may_be() -> None:
    standing_open = replace(AT_REST, closed=False, emergency_open=True)
    run = ready()
    run.feed(standing_open)
    run.order(LaneOrder.END_EMERGENCY)
    assert run.feed(standing_open, after_ms=TIMING.order_again_ms - 1) == []
    assert run.feed(standing_open, after_ms=1) == [EndEmergency()]


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_doors_alarm_is_cleared_there_and_ends_there() -> None:
    run = two.ready()
    began_ms = run.now_ms
    assert run.feed(replace(FIRST, alarms=(Alarm.OBSTRUCTED,))) == [
        Show(Screen.CLOSED),
        Write(records.Incident(None, IncidentKind.OBSTRUCTED, door=Door.FIRST)),
        ClearAlarms((Alarm.OBSTRUCTED,), Door.FIRST),
    ]
    effects = run.feed(FIRST, after_ms=100)
    assert Write(records.AlarmEnded(Alarm.OBSTRUCTED, run.now_ms - began_ms, Door.FIRST)) in effects


def test_an_alarm_names_the_crossing_that_runs() -> None:
    assert inspecting().feed(replace(AT_REST, alarms=(Alarm.FORCED,))) == [
        Write(records.Incident(CROSSING, IncidentKind.FORCED, waits=True))
    ]


def test_an_alarm_that_an_officer_has_seen_waits_no_more() -> None:
    run = ready()
    began_ms = run.now_ms
    run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))
    assert run.lane.alarms == (Raised(Alarm.FORCED, began_ms, standing=True, waits=True),)
    run.order(LaneOrder.ACKNOWLEDGE)
    assert run.lane.alarms == (Raised(Alarm.FORCED, began_ms, standing=True, waits=False),)


def test_a_call_that_an_officer_has_acknowledged_is_none_any_more() -> None:
    run = two.ready()
    run.feed(replace(EMPTY, call_pressed=True))
    run.order(LaneOrder.ACKNOWLEDGE)
    assert run.lane.interior is not None
    assert run.lane.interior.called is False


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def done(*effects: Effect) -> list[Effect]:
    """These, and what is said to whoever ordered."""
    return [*effects, Answer(1, Outcome.DONE)]


def obeyed(verb: ObeyedVerb, officer: str = "officer-1", crossing: str | None = None) -> Write:
    return Write(records.Obeyed(crossing, said(officer), verb))


def test_a_pause_of_a_lane_that_serves_nobody() -> None:
    run = ready()
    assert run.order(LaneOrder.PAUSE) == done(Show(Screen.CLOSED), obeyed(ObeyedVerb.PAUSE))
    assert run.state == states.Idle(Screen.CLOSED)


@pytest.mark.parametrize("run", [inspecting, recording, looking])
def test_a_pause_refers_whose_crossing_runs_and_names_the_officer(run: object) -> None:
    assert callable(run)
    lane: Run = run()
    paused = Objection(Reason.LANE_PAUSED, "officer-1")
    assert lane.order(LaneOrder.PAUSE) == done(*closed_as_referred(paused), obeyed(ObeyedVerb.PAUSE, crossing=CROSSING))
    assert lane.state == states.Referred(CROSSING, (paused,))


def test_a_pause_takes_back_the_first_doors_grant() -> None:
    run = two.first_granted()
    paused = Objection(Reason.LANE_PAUSED, "officer-1")
    assert run.order(LaneOrder.PAUSE) == done(
        Revoke(Door.FIRST),
        Write(records.Revoked(CROSSING, (paused,))),
        incident(IncidentKind.GRANT_REVOKED),
        *closed_as_referred(paused),
        obeyed(ObeyedVerb.PAUSE, crossing=CROSSING),
    )


@pytest.mark.parametrize("run", [granted, referred])
def test_a_pause_leaves_who_is_let_through_and_who_waits_as_they_are(run: object) -> None:
    assert callable(run)
    lane: Run = run()
    before = lane.state
    assert lane.order(LaneOrder.PAUSE) == done(obeyed(ObeyedVerb.PAUSE, crossing=CROSSING))
    assert lane.state == before


def test_a_referral_that_is_settled_says_whose_and_by_whom() -> None:
    settled = Write(records.Settled(CROSSING, said(), Disposition.TAKEN_OVER))
    run = referred()
    assert run.order(HandOver(CROSSING, Disposition.TAKEN_OVER)) == done(settled, Show(Screen.WELCOME))
    assert run.lane.waiting == ()
    assert run.lane.decided == ((CROSSING, "officer-1"),)


@pytest.mark.parametrize("command", [LaneOrder.PAUSE, HandOver(CROSSING, Disposition.TAKEN_OVER)])
def test_whoever_is_between_two_doors_then_is_offered_the_way_back_at_once(command: LaneOrder | HandOver) -> None:
    run = two.referred_inside()
    run.order(command, after_ms=10)
    assert run.lane.interior is not None
    assert run.lane.interior.waits == Waits(run.now_ms, offered_ms=run.now_ms, at_once=True)


def test_an_officer_who_admits_beside_a_gate_that_only_watches_leaves_nobody_between_its_doors() -> None:
    run = two.referred_inside()
    run.rules = replace(run.rules, policy=replace(run.rules.policy, shadow=True))
    run.order(Admit(CROSSING), after_ms=10)
    assert run.lane.interior is not None
    assert run.lane.interior.waits == Waits(run.now_ms, offered_ms=run.now_ms, at_once=True)


def test_a_pause_opens_no_second_way_back_for_a_call_from_where_nobody_is() -> None:
    run = two.ready()
    assert Release(Door.FIRST) in run.feed(replace(EMPTY, call_pressed=True))
    run.feed(replace(FIRST, closed=False), after_ms=100)
    run.feed(FIRST, LAST, EMPTY, after_ms=5_000)
    assert Release(Door.FIRST) not in run.order(LaneOrder.PAUSE, after_ms=100)


def test_nobody_waits_for_a_way_back_in_a_lane_of_one_door() -> None:
    run = Run(lane=LaneContext(interior=Interior()))
    run.feed(AT_REST, ALONE)
    run.order(LaneOrder.PAUSE)
    assert run.lane.interior is not None
    assert run.lane.interior.waits is None


@pytest.mark.parametrize(("seen", "said_of_it"), [(ALONE, []), (EMPTY, [IncidentKind.RELEASE_OF_NOBODY])])
def test_a_release_of_nobody_is_one_where_the_sensors_see_nobody(
    seen: SensorsSeen, said_of_it: list[IncidentKind]
) -> None:
    run = two.ready()
    run.feed(seen, seen)
    written = (one.record for one in run.order(LaneOrder.RELEASE) if isinstance(one, Write))
    assert [one.incident for one in written if isinstance(one, records.Incident)] == said_of_it


def test_maintenance_is_asked_for_and_consented_to() -> None:
    run = ready()
    assert run.order(LaneOrder.MAINTAIN, "technician-1") == done(obeyed(ObeyedVerb.MAINTAIN, "technician-1"))
    assert run.lane.asked == ("technician-1", run.now_ms)
    assert run.order(LaneOrder.CONSENT, "supervisor-1") == done(
        Show(Screen.CLOSED), obeyed(ObeyedVerb.CONSENT, "supervisor-1")
    )
    assert run.lane.asked is None


def test_why_a_lane_is_not_maintained_is_said() -> None:
    run = ready()

    def refused(command: LaneOrder, officer: str, after_ms: int = 0) -> str:
        (answer,) = run.order(command, officer, after_ms=after_ms)
        assert isinstance(answer, Answer)
        assert answer.outcome is Outcome.IMPOSSIBLE
        return answer.detail

    assert refused(LaneOrder.CONSENT, "supervisor-1") == "no technician has asked for it lately"
    run.order(LaneOrder.MAINTAIN, "technician-1")
    assert refused(LaneOrder.CONSENT, "technician-1") == "who asks cannot consent"
    run.order(LaneOrder.CONSENT, "supervisor-1")
    assert refused(LaneOrder.MAINTAIN, "technician-2") == "technician-1 works on this lane already"
    run = inspecting()
    assert refused(LaneOrder.MAINTAIN, "technician-1") == "somebody is in the lane, or waits for an officer"


# ── the books ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("door", [FIRST, LAST])
def test_the_books_name_the_door_that_they_are_of(door: DoorSeen) -> None:
    run = two.lane()
    assert Write(records.Counted(door.counters, None, door.door)) in run.feed(door)
    through = replace(door, passages_entry=1)
    effects = run.feed(through, after_ms=100)
    assert effects[:2] == [
        passed(None, through, PassedBy.NOTHING),
        Write(records.Incident(None, IncidentKind.PASSAGE_BEYOND_GRANT, 1, door=door.door)),
    ]


def test_what_was_counted_stands_behind_the_orders_and_before_what_is_written_of_it() -> None:
    counted, ended = passed(CROSSING, LAST), Write(records.GrantEnded(CROSSING, GrantEnd.PASSAGE))
    assert in_order((Revoke(), ended, Erase(CROSSING)), (counted,)) == (Revoke(), counted, ended, Erase(CROSSING))
    assert in_order((Revoke(), Show(Screen.WAIT)), (counted,)) == (Revoke(), Show(Screen.WAIT), counted)


# ── what is known of doors and inside ────────────────────────────────────────────────────────────────────────────────


def test_a_doorway_without_news_is_as_it_was() -> None:
    known = DoorState(seen=AT_REST, seen_ms=5)
    assert replace(known, just_passed=2, just_left=1, new_alarms=(Alarm.FORCED,)).calm() == known


@pytest.mark.parametrize(
    ("known", "seen", "unshut_ms"),
    [
        (DoorState(), AT_REST, None),
        (DoorState(unshut_ms=1), AT_REST, None),
        (DoorState(), replace(AT_REST, closed=False), 5),
        (DoorState(), replace(AT_REST, grants_left=1), 5),
        (DoorState(granting=PendingOrder(1, 1)), AT_REST, 5),
        (DoorState(unshut_ms=1), replace(AT_REST, closed=False, unknown=True), 1),
        (DoorState(), replace(AT_REST, closed=False, unknown=True), 5),
        (DoorState(unshut_ms=1), replace(AT_REST, closed=False, unknown=True, grants_left=1), 5),
        (DoorState(unshut_ms=1, granting=PendingOrder(1, 1)), replace(AT_REST, closed=False, unknown=True), 5),
    ],
)
def test_since_when_a_door_may_have_been_open(known: DoorState, seen: DoorSeen, unshut_ms: int | None) -> None:
    assert known.observe(seen, 5).unshut_ms == unshut_ms


def test_what_was_said_last_blocks_nobody_however_long_ago() -> None:
    run = two.ready()
    assert run.feed(SiteSeen(1.0, clock_sure=True), after_ms=10_000) == []
    assert run.lane.blockers == ()
    assert run.state == states.Idle(Screen.WELCOME)


def test_a_site_that_nobody_looked_at_for_too_long_closes_the_lane_at_once() -> None:
    run = ready()
    seen_ms = run.now_ms
    limit_ms = RULES.policy.site_age_max_s * 1_000
    run.order(BePresent(), after_ms=limit_ms - 10)
    assert run.feed(Tick(), after_ms=seen_ms + limit_ms - run.now_ms) == []
    assert run.feed(Tick(), after_ms=1) == [Show(Screen.CLOSED)]


def test_another_look_is_the_latest_events_alone() -> None:
    run = inspecting()
    run.feed(FaceSeen(CROSSING, 1, Guidance.NONE, session=1), FaceSeen(CROSSING, 1, Guidance.NONE, session=2))
    assert run.lane.another_look is True
    run.feed(Tick())
    assert run.lane.another_look is False


def test_a_status_brings_its_own_news_and_no_older() -> None:
    known = DoorState(counted=AT_REST.counters, just_passed=3, just_left=2, new_alarms=(Alarm.FORCED,))
    assert known.observe(AT_REST, 5) == DoorState(seen=AT_REST, seen_ms=5, counted=AT_REST.counters)
    seen = replace(AT_REST, passages_entry=1, passages_exit=2)
    assert known.observe(seen, 5) == DoorState(seen=seen, seen_ms=5, counted=seen.counters, just_passed=1, just_left=2)


def test_a_door_of_one_counts_nobody_into_the_space_between_two() -> None:
    run = Run(lane=LaneContext(interior=Interior()))
    run.feed(AT_REST, replace(AT_REST, passages_exit=1))
    assert run.lane.interior is not None
    assert run.lane.interior.went_in == 0


def test_a_door_that_fell_silent_open_may_be_passed_to_the_end_of_the_longest_grant() -> None:
    silent = DoorState(unshut_ms=1_000)
    assert silent.may_be_passed(11_000, 10_000)
    assert not silent.may_be_passed(11_001, 10_000)


def test_a_look_that_may_be_the_one_before_is_no_second_look() -> None:
    known = Interior().observe(ALONE, 1_000)
    assert known.observe(replace(ALONE, age_ms=40), 1_040).looks == 1
    assert known.observe(replace(ALONE, age_ms=39), 1_040).looks == 2


def test_what_the_sensors_tell_of_the_gate_names_the_crossing_that_runs() -> None:
    assert two.enclosed().feed(replace(ALONE, mains_present=False)) == [incident(IncidentKind.MAINS_LOST)]


def test_sensors_that_fell_silent_have_seen_nothing() -> None:
    known = Interior().observe(TWO, 0).observe(TWO, 40)
    assert known.looks == 2
    assert known.unseen() == replace(known, seen=None, looks=0)


def test_an_emergency_that_an_officer_ordered_names_the_crossing_and_the_officer() -> None:
    run = inspecting()
    effects = run.order(LaneOrder.OPEN_EMERGENCY)
    assert Write(records.EmergencyBegan(CROSSING, said())) in effects
