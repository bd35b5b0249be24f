"""A companion passes on the holder's grant: beams count a body, and the camera still sees whom the grant was for (safety invariant 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import two_door_lane
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, granted, granted_by_officer

from gate.passage import records, states
from gate.passage.effects import Answer, Effect, Erase, Revoke, Show, Shown, Write
from gate.passage.events import (
    DocumentPresented,
    Event,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    RecordKind,
    RecordReplaced,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.orders import Disposition, HandOver, Hold, LaneOrder, Ordered, Outcome, Said
from gate.passage.passage_stage import NEARER_MIN, PROVED_EVERY_MS
from gate.passage.records import ClosedAs, GrantEnd, IncidentKind
from gate.passage.states import Rules
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import CameraTrouble
from gate_core.evidence.names import Role
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance, Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)
IN_ZONE = replace(OPEN, bodies=1)
THROUGH = replace(AT_REST, closed=False, bodies=1, passages_entry=1)
RESTS = replace(AT_REST, passages_entry=1)
LOST = TrackChanged(CROSSING, TrackChange.LOST, 0, 600, 2.5)  # of who walked up to the camera
LIMIT_MS = RULES.timing.view_after_passage_ms
WALKS_OUT_MS = RULES.timing.walks_out_ms
BESIDE_MS = 100 + PROVED_EVERY_MS  # `passed()` looks at the zone 100 ms before the status that counts the passage
SEEN_AGAIN_MS = RULES.timing.seen_again_ms
SEES_ZONE = replace(RULES, policy=replace(RULES.policy, camera_sees_zone=True))


def sees_zone(run: Run, rules: Rules = SEES_ZONE) -> Run:
    """The same lane at a site whose camera sees the passage zone."""
    run.rules = rules
    return run


def passed() -> Run:
    """Somebody is through, and the lane is at rest behind them; the camera has not lost the holder."""
    run = sees_zone(granted())
    run.feed(IN_ZONE, after_ms=300)
    run.feed(IN_ZONE, after_ms=600)
    run.feed(THROUGH, after_ms=100)
    run.feed(RESTS, after_ms=900)
    return run


def written(effects: list[Effect]) -> list[records.Record]:
    return [one.record for one in effects if isinstance(one, Write)]


def closings(run: Run) -> list[records.Closed]:
    return [one for one in written(run.effects) if isinstance(one, records.Closed)]


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    return [one.incident for one in written(effects) if isinstance(one, records.Incident)]


def is_admitted(run: Run) -> bool:
    return [one.verdict for one in closings(run)] == [ClosedAs.ADMITTED]


# ── the companion ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_holder_who_stays_in_view_after_a_passage_is_referred_an_incident_and_nobody_is_invited() -> None:
    run = passed()
    assert closings(run) == []
    effects = run.feed(Tick(), after_ms=LIMIT_MS - 900 + 1)
    reason = Objection(Reason.HOLDER_IN_VIEW)
    assert effects == [
        Revoke(),
        Write(records.Revoked(CROSSING, (reason,))),
        Write(records.Incident(CROSSING, IncidentKind.HOLDER_IN_VIEW)),
        Show(Screen.OFFICER),
        Erase(CROSSING, Shown.PICTURES),
        Write(records.Closed(CROSSING, ClosedAs.REFERRED, (reason,))),
    ]
    assert isinstance(run.state, states.Referred)
    run.feed(RESTS, DocumentPresented("next"), LOST, Tick(), after_ms=60_000)
    assert Show(Screen.WELCOME) not in run.effects[-10:]
    assert run.lane.waits(CROSSING) is not None
    settled = run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    assert Show(Screen.WELCOME) in settled or Show(Screen.CLOSED) in settled


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("told_ms", [100, 300, 700, 1_500, 1_900])
def test_a_holder_who_leaves_after_the_companion_passed_was_proved_too_late_to_be_the_one_who_passed(
    change: TrackChange, told_ms: int
) -> None:
    """`passed()` ends 900 ms after the passage: the face was proved once more a millisecond after a traveller's way out of the picture."""
    run = passed()
    run.feed(Tick(), after_ms=WALKS_OUT_MS - 900)
    effects = run.feed(TrackChanged(CROSSING, change, seen_ago_ms=told_ms - 1), after_ms=told_ms)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]
    assert incidents(effects) == [IncidentKind.HOLDER_IN_VIEW]
    run.feed(LOST, RESTS, after_ms=100)
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("proved_ms", [-BESIDE_MS, 0, 700, WALKS_OUT_MS])
def test_a_traveller_who_came_nearer_and_was_proved_for_the_last_time_on_the_way_out_of_the_picture_is_admitted(
    proved_ms: int, change: TrackChange
) -> None:
    run = passed()
    run.feed(TrackChanged(CROSSING, change, seen_ago_ms=1_400, grown=NEARER_MIN), after_ms=proved_ms + 1_400 - 900)
    run.feed(RESTS)
    assert is_admitted(run)
    assert incidents(run.effects) == []


@pytest.mark.parametrize("change", [TrackChange.LOST, TrackChange.SWITCHED])
@pytest.mark.parametrize("grown", [None, 0.0, 1.0, NEARER_MIN - 0.01])
@pytest.mark.parametrize("proved_ms", [-BESIDE_MS, 0, 700, WALKS_OUT_MS])
def test_a_holder_who_leaves_beside_the_companions_passage_and_came_no_nearer_did_not_pass(
    proved_ms: int, grown: float | None, change: TrackChange
) -> None:
    run = passed()
    effects = run.feed(TrackChanged(CROSSING, change, 0, 1_400, grown), after_ms=proved_ms + 1_400 - 900)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]
    assert incidents(effects) == [IncidentKind.HOLDER_IN_VIEW]
    run.feed(LOST, RESTS, after_ms=100)
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("counted_ms", [0, 200])
@pytest.mark.parametrize(("grown", "verdict"), [(1.0, ClosedAs.REFERRED), (2.5, ClosedAs.ADMITTED)])
@pytest.mark.parametrize("bodies", [1, 2])
def test_a_holder_whose_loss_is_told_before_the_passage_is_counted_is_judged_when_it_is(
    bodies: int, grown: float, verdict: ClosedAs, counted_ms: int
) -> None:
    """The later the passage is counted, the earlier it may have been."""
    run = sees_zone(granted())
    run.feed(IN_ZONE, after_ms=300)
    ago_ms = PROVED_EVERY_MS
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 5_000, 1.0))  # the newest word counts
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, ago_ms, grown))
    effects = run.feed(replace(THROUGH, bodies=bodies), after_ms=counted_ms)
    assert effects[0] == Revoke()
    others = [IncidentKind.BODIES_SEVERAL] if bodies > 1 else []
    assert incidents(effects) == ([IncidentKind.HOLDER_IN_VIEW] if verdict is ClosedAs.REFERRED else []) + others
    run.feed(RESTS, after_ms=SEEN_AGAIN_MS)
    run.feed(RESTS, after_ms=100)
    assert [one.verdict for one in closings(run)] == [verdict]


def test_a_face_that_was_proved_for_the_last_time_well_before_the_passage_need_not_have_come_nearer() -> None:
    """A traveller may look down from the first step on."""
    run = passed()
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 901 + BESIDE_MS, 1.0))
    run.feed(Tick(), RESTS, after_ms=SEEN_AGAIN_MS - 900)
    assert is_admitted(run)


def test_where_travellers_are_compared_within_the_beams_they_need_not_have_come_nearer_before_the_passage() -> None:
    within = replace(SEES_ZONE, policy=replace(SEES_ZONE.policy, camera_inside_zone=True))
    for ago_ms, verdict in ((901, ClosedAs.ADMITTED), (900, ClosedAs.REFERRED)):
        run = sees_zone(granted(), within)
        run.feed(IN_ZONE, THROUGH)
        run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, ago_ms, 1.0), after_ms=900)
        run.feed(Tick(), RESTS, after_ms=SEEN_AGAIN_MS)
        assert [one.verdict for one in closings(run)] == [verdict]


@pytest.mark.parametrize("grown", [1.0, 2.5])
def test_a_holder_who_was_hidden_and_is_seen_again_once_the_companion_is_through_is_found(grown: float) -> None:
    run = sees_zone(granted())
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 700, 1.0), IN_ZONE, after_ms=300)
    run.feed(IN_ZONE, after_ms=600)
    run.feed(THROUGH, after_ms=100)
    assert closings(run) == []
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 50, grown), after_ms=SEEN_AGAIN_MS - 10)
    run.feed(Tick(), RESTS, after_ms=10)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED if grown == 1.0 else ClosedAs.ADMITTED]


def test_a_holder_who_walks_up_to_the_camera_after_the_passage_was_proved_too_late() -> None:
    run = passed()
    run.feed(TrackChanged(CROSSING, TrackChange.LOST, 0, 0, 2.5), after_ms=WALKS_OUT_MS - 900 + 1)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]


def test_a_loss_of_which_nobody_knows_when_the_face_was_seen_refers() -> None:
    run = passed()
    run.feed(TrackChanged(CROSSING, TrackChange.LOST))
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]


def test_the_limits_are_those_that_were_reasoned() -> None:
    """A change of one of these changes who is found: docs/safety.md, and `gate.passage.passage_stage`."""
    assert (NEARER_MIN, PROVED_EVERY_MS, SEEN_AGAIN_MS, WALKS_OUT_MS, LIMIT_MS) == (1.25, 300, 1_000, 1_100, 3_000)


def test_a_record_that_could_not_be_kept_while_the_holder_is_in_view_admits_nobody() -> None:
    run = passed()
    run.feed(RecordReplaced(CROSSING, RecordKind.GRANTED))
    run.feed(LOST, RESTS, after_ms=100)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]
    assert [one.reason for one in closings(run)[0].reasons] == [Reason.RECORD_REPLACED]


def test_the_limit_holds_to_the_last_millisecond_and_waits_for_no_status() -> None:
    run = passed()
    run.feed(Tick(), after_ms=LIMIT_MS - 900)
    assert isinstance(run.state, states.Passing)
    run.feed(Tick(), after_ms=1)
    assert isinstance(run.state, states.Referred)


def test_where_the_camera_does_not_see_the_zone_nothing_is_concluded_from_it() -> None:
    """The control: with the rule switched off the companion is admitted, and the next traveller is invited."""
    run = sees_zone(granted(), RULES)
    run.feed(IN_ZONE, THROUGH, after_ms=300)
    run.feed(RESTS, after_ms=900)
    assert is_admitted(run)
    assert run.state == states.Idle(Screen.WELCOME)


def test_a_picture_that_lost_the_face_for_a_moment_does_not_say_that_the_holder_is_gone() -> None:
    run = passed()
    run.feed(FaceSeen(CROSSING, 0, Guidance.NONE), FaceSeen(CROSSING, 1, Guidance.NONE), RESTS, after_ms=100)
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert isinstance(run.state, states.Referred)


def test_several_faces_after_the_passage_may_be_the_holders_too() -> None:
    run = passed()
    run.feed(TrackChanged(CROSSING, TrackChange.SEVERAL), RESTS)
    assert isinstance(run.state, states.Passing)
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (PartLost(Part.CAMERA), Reason.CAMERA_LOST),
        (PartLost(Part.VISION), Reason.VISION_LOST),
        (VideoDoubted(CROSSING, CameraTrouble.COVERED), Reason.CAMERA_TAMPERED),
        (TrackChanged(CROSSING, TrackChange.LOST, session=7), Reason.TRACK_SWITCHED),
        (FaceSeen(CROSSING, 1, Guidance.NONE, session=7), Reason.TRACK_SWITCHED),
    ],
)
def test_where_nobody_can_tell_any_more_an_officer_looks_at_once(event: Event, reason: Reason) -> None:
    run = sees_zone(granted())
    run.feed(FaceSeen(CROSSING, 1, Guidance.NONE), IN_ZONE, THROUGH)
    effects = run.feed(event)
    assert [one.reason for one in closings(run)[0].reasons] == [reason]
    assert closings(run)[0].verdict is ClosedAs.REFERRED
    assert IncidentKind.of_reason(reason) in incidents(effects)


def test_a_second_body_after_the_passage_does_not_hide_the_holder() -> None:
    run = passed()
    effects = run.feed(replace(AT_REST, closed=False, passages_entry=2, bodies=1))
    assert IncidentKind.PASSAGE_BEYOND_GRANT in incidents(effects)
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert isinstance(run.state, states.Referred)


def test_a_barrier_that_is_lost_behind_the_passage_admits_nobody_who_is_in_view() -> None:
    run = passed()
    run.feed(PartLost(Part.BARRIER), Tick())
    assert closings(run) == []
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]


def test_an_emergency_admits_nobody_who_is_in_view_and_erases() -> None:
    for fire in (replace(RESTS, fire=True), replace(THROUGH, fire=True)):
        run = passed() if fire.closed else sees_zone(granted())
        effects = run.feed(fire)
        assert isinstance(run.state, states.Emergency)
        assert Erase(CROSSING) in effects
        assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]


def test_an_officer_who_sees_it_first_holds_the_crossing() -> None:
    run = passed()
    effects = run.order(Hold(CROSSING))
    assert [one.outcome for one in effects if isinstance(one, Answer)] == [Outcome.DONE]
    assert [one.reason for one in closings(run)[0].reasons] == [Reason.HELD_BY_OFFICER]


def test_a_release_settles_nothing_of_who_passed() -> None:
    run = passed()
    run.order(LaneOrder.RELEASE)
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert [one.verdict for one in closings(run)] == [ClosedAs.REFERRED]


# ── the traveller ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lost_ms", [0, 300, 650, 1_000, 1_700, LIMIT_MS])
def test_whoever_goes_through_is_admitted_whichever_of_camera_and_beams_tells_first(lost_ms: int) -> None:
    """The passage is told a second after the first step; the loss of the face before, with or after it."""
    run = sees_zone(granted())
    walked = replace(LOST, seen_ago_ms=max(600, lost_ms + 350 - 1_800))
    told: list[tuple[int, Event]] = [(350, IN_ZONE), (1_000, THROUGH), (1_900, RESTS), (lost_ms + 350, walked)]
    before_ms = 0
    for when_ms, event in sorted(told, key=lambda one: one[0]):
        run.feed(event, after_ms=when_ms - before_ms)
        before_ms = when_ms
    run.feed(RESTS, RESTS, after_ms=150)
    assert is_admitted(run)
    assert incidents(run.effects) == []
    assert Erase(CROSSING) in run.effects
    assert run.state == states.Idle(Screen.WELCOME)
    ended = [one for one in written(run.effects) if isinstance(one, records.GrantEnded)]
    assert ended == [records.GrantEnded(CROSSING, GrantEnd.PASSAGE)]


def test_the_next_travellers_face_says_that_the_holder_is_gone() -> None:
    run = passed()
    effects = run.feed(TrackChanged(CROSSING, TrackChange.SWITCHED, 0, 600, 2.5), after_ms=SEEN_AGAIN_MS - 900)
    assert Erase(CROSSING) in effects
    run.feed(RESTS)
    assert is_admitted(run)


def test_whose_track_is_lost_of_another_crossing_says_nothing_of_this_one() -> None:
    run = passed()
    run.feed(TrackChanged("another", TrackChange.LOST), RESTS)
    assert isinstance(run.state, states.Passing)


def test_the_lane_is_held_up_until_it_rests_and_no_longer() -> None:
    run = sees_zone(granted())
    run.feed(LOST, IN_ZONE, THROUGH)
    run.feed(RESTS, after_ms=SEEN_AGAIN_MS - 1)
    assert isinstance(run.state, states.Passing)
    run.feed(RESTS, after_ms=1)
    run.feed(RESTS)
    assert is_admitted(run)


def test_an_officers_admission_asks_no_camera() -> None:
    run = sees_zone(granted_by_officer())
    run.feed(IN_ZONE, THROUGH, RESTS)
    assert isinstance(written(run.effects)[-1], records.Settled)


def test_between_two_doors_the_sensors_say_who_is_left() -> None:
    run = two_door_lane.granted()
    run.rules = replace(run.rules, policy=replace(run.rules.policy, camera_sees_zone=True))
    last = replace(two_door_lane.LAST, closed=False, passages_entry=1)
    run.feed(last)
    assert run.state == states.Passing(CROSSING, run.now_ms)


def test_a_document_that_was_laid_behind_a_companion_opens_no_crossing() -> None:
    run = passed()
    run.feed(DocumentPresented("next"))
    run.feed(Tick(), after_ms=LIMIT_MS)
    assert isinstance(run.state, states.Referred)
    assert states.unread_of(run.state) is None


# ── a death in between ───────────────────────────────────────────────────────────────────────────────────────────────


def remembered(run: Run) -> Remembered:
    known = Remembered()
    for record in written(run.effects):
        known = known.after(record)
    return known


def test_a_lane_that_starts_anew_admits_only_whose_passage_the_camera_bore_out() -> None:
    run = passed()
    assert remembered(run).through is None
    run.feed(LOST, Tick(), after_ms=SEEN_AGAIN_MS - 900)
    assert remembered(run).through == CROSSING
    run = sees_zone(granted(), RULES)
    run.feed(THROUGH)
    assert remembered(run).through == CROSSING


def test_lost_parts_that_come_back_leave_the_referral() -> None:
    run = passed()
    run.feed(PartLost(Part.CAMERA), PartBack(Part.CAMERA), RESTS)
    assert isinstance(run.state, states.Referred)
    said = Said("officer-1", Role.OFFICER, "")
    run.feed(Ordered(9, run.lane.version, said, LaneOrder.ACKNOWLEDGE))
    assert isinstance(run.state, states.Referred)
