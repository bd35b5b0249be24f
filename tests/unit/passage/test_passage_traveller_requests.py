"""What a traveller asks for on the page, in every state: it leads to an officer, opens nothing, and a flood of it is one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    GENUINE,
    SAME_FACE,
    Run,
    granted,
    granted_by_officer,
    inspecting,
    looking,
    overruling,
    ready,
    recording,
    referred,
)

from gate.passage import machine, records, states
from gate.passage.effects import Answer, Effect, Erase, Grant, Release, Revoke, Show, Shown, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    FaceCompared,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    Tick,
    TravellerAsked,
    VideoDoubted,
    Wish,
)
from gate.passage.lane import Timing
from gate.passage.orders import Disposition, HandOver, Hold, LaneOrder, Outcome
from gate.passage.records import Asked, Closed, ClosedAs, Incident, IncidentKind, Opened
from gate.passage.states import Emergency, Referred
from gate_core.evidence.crossing import CameraTrouble, CheckResult, DocumentEvidence, Notice, Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

HELP, PROTECTION = TravellerAsked("fresh", Wish.HELP), TravellerAsked("fresh", Wish.PROTECTION)
MORE_TIME = TravellerAsked("fresh", Wish.MORE_TIME)
REASONS = {HELP: Reason.HELP_ASKED, PROTECTION: Reason.PROTECTION_ASKED}
TIMING = Timing()
MAX = TIMING.asked_again_max


def opening() -> Run:
    """A document was laid; its crossing is not durable."""
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    return run


def passing() -> Run:
    """The traveller is through."""
    run = granted()
    run.feed(replace(AT_REST, passages_entry=1, closed=False), after_ms=100)
    return run


def closed_lane() -> Run:
    """An officer closed the lane."""
    run = ready()
    run.order(LaneOrder.CLOSE)
    return run


def paused_lane() -> Run:
    """An officer paused the lane."""
    run = ready()
    run.order(LaneOrder.PAUSE)
    return run


def maintained_lane() -> Run:
    """A technician works on the lane."""
    run = ready()
    run.order(LaneOrder.MAINTAIN, "technician")
    run.order(LaneOrder.CONSENT, "supervisor")
    assert run.lane.maintained_by == "technician"
    return run


def emergency() -> Run:
    """The lane stands open."""
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    return run


RUNNING: dict[str, Callable[[], Run]] = {
    "opening": opening,
    "inspecting": inspecting,
    "recording": recording,
    "looking": looking,
    "granted": granted,
    "overruling": overruling,
    "granted by an officer": granted_by_officer,
    "reading": two.reading,
    "recording before the first door": two.let_in,
    "granted at the first door": two.first_granted,
    "entering": two.entering,
    "between the doors": two.enclosed,
    "deciding between the doors": two.deciding,
    "granted at the last door": two.granted,
}
NOBODYS: dict[str, Callable[[], Run]] = {
    "invited": ready,
    "closed": closed_lane,
    "paused": paused_lane,
    "maintained": maintained_lane,
    "passing": passing,
    "emergency": emergency,
    "invited by two doors": two.ready,
}


def written(effects: list[Effect]) -> list[records.Record]:
    """The records among them."""
    return [effect.record for effect in effects if isinstance(effect, Write)]


def opens_nothing(effects: list[Effect]) -> bool:
    """True when nobody is let through or freed by them."""
    return not any(isinstance(effect, Grant | Release) for effect in effects)


@pytest.mark.parametrize("event", [HELP, PROTECTION], ids=str)
@pytest.mark.parametrize("stage", RUNNING.values(), ids=RUNNING)
def test_a_running_crossing_is_referred_with_what_was_asked(stage: Callable[[], Run], event: TravellerAsked) -> None:
    run = stage()
    before = run.state
    crossing = states.crossing_of(before)
    assert crossing is not None
    effects = run.feed(event, after_ms=10)
    reason = Objection(REASONS[event])
    assert isinstance(run.state, Referred)
    assert (run.state.crossing, reason in run.state.objections) == (crossing, True)
    waits = run.lane.waits(crossing)
    assert waits is not None
    assert reason in waits.objections
    assert Show(Screen.OFFICER) in effects
    assert opens_nothing(effects)
    assert Asked(crossing, event.wish, no_outbound_query=True) in written(effects)
    assert not any(isinstance(record, Opened) for record in written(effects))
    if isinstance(before, states.Granted):
        assert effects[0] == Revoke(before.door)  # taking permission away comes before everything


@pytest.mark.parametrize("event", [HELP, PROTECTION], ids=str)
@pytest.mark.parametrize("stage", NOBODYS.values(), ids=NOBODYS)
def test_whoever_has_no_crossing_waits_in_one_without_a_document(
    stage: Callable[[], Run], event: TravellerAsked
) -> None:
    run = stage()
    before = run.state
    effects = run.feed(event, after_ms=10)
    reason = Objection(REASONS[event])
    assert written(effects) == [
        Opened("fresh", document=False),
        Closed("fresh", ClosedAs.REFERRED, (reason,)),
        Asked("fresh", event.wish, no_outbound_query=True),
    ]
    assert opens_nothing(effects)
    assert [one.crossing for one in run.lane.waiting] == ["fresh"]
    match before:
        case states.Idle():
            assert run.state == Referred("fresh", (reason,))
            assert effects[0] == Show(Screen.OFFICER)
        case states.Passing():
            assert run.state == before
            assert effects[0] == Show(Screen.OFFICER)
        case _:
            assert run.state == before
            assert not any(isinstance(effect, Show) for effect in effects), "the way out stays on the screen"


@pytest.mark.parametrize("stage", NOBODYS.values(), ids=NOBODYS)
def test_such_a_call_is_settled_like_every_referral(stage: Callable[[], Run]) -> None:
    run = stage()
    run.feed(HELP, after_ms=10)
    effects = run.order(HandOver("fresh", Disposition.TAKEN_OVER), after_ms=10)
    assert effects[-1] == Answer(1, Outcome.DONE)
    assert run.lane.waiting == ()
    assert not isinstance(run.state, Referred)


def test_who_called_behind_somebody_who_is_through_waits_when_the_lane_is_at_rest() -> None:
    run = passing()
    run.feed(HELP, after_ms=10)
    effects = run.feed(replace(AT_REST, passages_entry=1), after_ms=500)
    assert run.state == Referred("fresh", (Objection(Reason.HELP_ASKED),))
    assert Closed(CROSSING, ClosedAs.ADMITTED) in written(effects)


def test_who_called_in_an_emergency_waits_when_it_is_over() -> None:
    run = ready()
    run.feed(replace(AT_REST, fire=True, emergency_open=True), PROTECTION)
    assert isinstance(run.state, Emergency)
    assert [one.objections for one in run.lane.waiting] == [(Objection(Reason.PROTECTION_ASKED),)]


@pytest.mark.parametrize("stage", [*RUNNING.values(), *NOBODYS.values()], ids=[*RUNNING, *NOBODYS])
def test_a_thousand_clicks_make_one_call(stage: Callable[[], Run]) -> None:
    run = stage()
    first = run.feed(HELP, after_ms=10)
    state, waiting = run.state, run.lane.waiting
    again = [effect for number in range(999) for effect in run.feed(TravellerAsked(f"another{number}", Wish.HELP))]
    assert first
    assert again == []
    assert (run.state, run.lane.waiting) == (state, waiting)


def test_whoever_waits_may_ask_for_protection_too_and_the_page_stays_as_it_is() -> None:
    run = referred()
    effects = run.feed(PROTECTION, HELP, PROTECTION, after_ms=10)
    assert effects == [
        Write(Asked(CROSSING, Wish.PROTECTION, no_outbound_query=True)),
        Write(Asked(CROSSING, Wish.HELP, no_outbound_query=True)),
    ]
    waits = run.lane.waits(CROSSING)
    assert isinstance(run.state, Referred)
    assert waits is not None
    assert run.state.objections == waits.objections
    assert waits.objections[-2:] == (Objection(Reason.PROTECTION_ASKED), Objection(Reason.HELP_ASKED))


def test_help_and_protection_differ_in_nothing_that_a_traveller_can_see() -> None:
    for stage in (*RUNNING.values(), *NOBODYS.values()):
        seen = []
        for event in (HELP, PROTECTION):
            effects = stage().feed(event, after_ms=10)
            seen.append([effect for effect in effects if not isinstance(effect, Write)])
        assert seen[0] == seen[1]


def test_an_officer_who_lets_somebody_through_is_asked_again() -> None:
    run = granted_by_officer()
    effects = run.feed(HELP, after_ms=10)
    revoked = records.Revoked(CROSSING, (Objection(Reason.HELP_ASKED),))
    assert revoked in written(effects)
    assert not any(isinstance(record, Closed) for record in written(effects)), "it has its verdict"


def a_face_on_a_phone() -> Run:
    """A decision against a face that is none of a person; its receipt is on its way."""
    return recording(face=replace(SAME_FACE, liveness=Score(0.0)))


def a_copied_chip() -> Run:
    """A document that failed a check; the face is still looked for."""
    run = inspecting()
    failed = replace(GENUINE.checks[0], result=CheckResult.FAILED)
    run.feed(DocumentRead(CROSSING, replace(GENUINE, checks=(failed, *GENUINE.checks[1:]))))
    return run


def a_face_on_a_phone_before_the_document() -> Run:
    """The face was compared, and the document's checks go on."""
    run = inspecting()
    run.feed(FaceCompared(CROSSING, replace(SAME_FACE, liveness=Score(0.0))))
    return run


def a_looped_picture() -> Run:
    """The camera's video is doubted while the document is read."""
    run = inspecting()
    run.feed(VideoDoubted(CROSSING, CameraTrouble.LOOPED))
    return run


def a_camera_that_was_gone() -> Run:
    """The camera was lost while the document is read, and is back."""
    run = inspecting()
    run.feed(PartLost(Part.CAMERA), PartBack(Part.CAMERA))
    return run


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        (a_face_on_a_phone, Reason.LIVENESS_BELOW_BOUND),
        (a_face_on_a_phone_before_the_document, Reason.LIVENESS_BELOW_BOUND),
        (a_copied_chip, Reason.DOCUMENT_CHECK_FAILED),
        (a_looped_picture, Reason.CAMERA_TAMPERED),
        (a_camera_that_was_gone, Reason.CAMERA_LOST),
    ],
)
def test_whoever_calls_hides_nothing_that_was_found(stage: Callable[[], Run], found: Reason) -> None:
    run = stage()
    effects = run.feed(HELP, after_ms=10)
    assert isinstance(run.state, Referred)
    reasons = [one.reason for one in run.state.objections]
    assert reasons == [found, Reason.HELP_ASKED]
    assert Closed(CROSSING, ClosedAs.REFERRED, run.state.objections) in written(effects)
    doubted = found in {Reason.LIVENESS_BELOW_BOUND, Reason.CAMERA_TAMPERED}
    assert Erase(CROSSING, Shown.ALARM if doubted else Shown.PICTURES) in effects


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Hold(CROSSING), Reason.HELD_BY_OFFICER),
        (LaneOrder.PAUSE, Reason.LANE_PAUSED),
        (LaneOrder.RELEASE, Reason.RELEASED_BY_OFFICER),
    ],
)
@pytest.mark.parametrize(
    ("stage", "found"),
    [
        (a_face_on_a_phone, Reason.LIVENESS_BELOW_BOUND),
        (a_face_on_a_phone_before_the_document, Reason.LIVENESS_BELOW_BOUND),
        (a_copied_chip, Reason.DOCUMENT_CHECK_FAILED),
    ],
)
def test_an_officer_who_ends_a_crossing_sees_what_was_found(
    stage: Callable[[], Run], found: Reason, command: Hold | LaneOrder, reason: Reason
) -> None:
    run = stage()
    effects = run.order(command)
    assert isinstance(run.state, Referred)
    assert [one.reason for one in run.state.objections] == [found, reason]
    assert Closed(CROSSING, ClosedAs.REFERRED, run.state.objections) in written(effects)


# ── too often ────────────────────────────────────────────────────────────────────────────────────────────────────────


def called_often() -> Run:
    """Officers were called as often as is heeded, and settled all of it."""
    run = ready()
    for number in range(MAX):
        run.feed(TravellerAsked(f"call{number}", Wish.HELP), after_ms=1_000)
        run.order(HandOver(f"call{number}", Disposition.TAKEN_OVER), after_ms=1_000)
    assert isinstance(run.state, states.Idle)
    return run


def test_a_page_that_calls_on_and_on_keeps_the_lane_out_of_service_no_longer() -> None:
    run = called_often()
    assert run.feed(HELP, after_ms=10) == [Write(Incident(None, IncidentKind.ASKED_OFTEN))]
    assert run.feed(HELP, after_ms=10) == []
    assert isinstance(run.state, states.Idle)
    assert run.lane.notices() == (Notice.ASKED_OFTEN,)
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED), HELP)
    assert isinstance(run.state, states.Inspecting)


@pytest.mark.parametrize("told", [False, True])
def test_whoever_asks_for_protection_is_heard_however_often_others_called(*, told: bool) -> None:
    run = called_often()
    run.feed(*((HELP,) if told else ()))
    for name in ("one", "another"):  # and whoever comes after an officer settled the one before
        effects = run.feed(TravellerAsked(name, Wish.PROTECTION), after_ms=10)
        asked = (Objection(Reason.PROTECTION_ASKED),)
        assert run.state == Referred(name, asked)
        assert Show(Screen.OFFICER) in effects
        assert Asked(name, Wish.PROTECTION, no_outbound_query=True) in written(effects)
        assert Closed(name, ClosedAs.REFERRED, asked) in written(effects)
        assert run.feed(PROTECTION) == []
        run.order(HandOver(name, Disposition.TAKEN_OVER))
    assert run.lane.asked_often is told
    assert len(run.lane.calls) == MAX


def test_a_crossing_whose_traveller_asks_for_protection_is_an_officers_even_then() -> None:
    run = called_often()
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED), PROTECTION)
    assert run.state == Referred(CROSSING, (Objection(Reason.PROTECTION_ASKED),))
    assert run.lane.shielded[-1] == CROSSING


@pytest.mark.parametrize("stage", [passing, emergency])
def test_protection_waits_beside_what_goes_on_even_then(stage: Callable[[], Run]) -> None:
    run = stage()
    run.lane = replace(run.lane, calls=(run.now_ms,) * MAX, asked_often=True)
    run.feed(PROTECTION, after_ms=10)
    waits = run.lane.waits("fresh")
    assert waits is not None
    assert waits.objections == (Objection(Reason.PROTECTION_ASKED),)


def test_whoever_waits_already_is_heard_however_often_others_called() -> None:
    run = called_often()
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.order(Hold(CROSSING))
    assert run.feed(PROTECTION) == [Write(Asked(CROSSING, Wish.PROTECTION, no_outbound_query=True))]
    assert isinstance(run.state, Referred)
    assert run.state.objections[-1] == Objection(Reason.PROTECTION_ASKED)
    assert not run.lane.asked_often


def test_several_who_asked_for_protection_are_asked_about_nowhere() -> None:
    run = inspecting()
    run.feed(PROTECTION)
    run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    run.feed(TravellerAsked("next", Wish.PROTECTION))
    assert run.lane.shielded == (CROSSING, "next")


def test_a_call_counts_for_as_long_as_is_said_and_no_longer() -> None:
    for after_ms, is_heeded in ((TIMING.asked_again_ms - 1, False), (TIMING.asked_again_ms, True)):
        run = called_often()
        run.now_ms = run.lane.calls[0] + after_ms
        run.feed(HELP)
        assert isinstance(run.state, Referred) is is_heeded


def test_an_officer_who_acknowledges_it_is_called_again() -> None:
    run = called_often()
    run.feed(HELP)
    effects = run.order(LaneOrder.ACKNOWLEDGE)
    assert Answer(1, Outcome.ORDERED) in effects
    assert run.lane.notices() == ()
    run.feed(HELP)
    assert isinstance(run.state, Referred)


def test_nothing_is_to_be_acknowledged_before() -> None:
    run = called_often()
    assert run.order(LaneOrder.ACKNOWLEDGE) == [Answer(1, Outcome.IMPOSSIBLE, "there is no alarm")]


def test_calls_of_long_ago_do_not_count() -> None:
    run = called_often()
    run.feed(HELP, after_ms=TIMING.asked_again_ms)
    assert isinstance(run.state, Referred)


def test_what_is_asked_while_somebody_waits_is_no_call_more() -> None:
    run = referred()
    run.feed(HELP, PROTECTION)
    assert run.lane.calls == ()


# ── more time ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_time_is_given_once_and_by_as_much_as_is_said() -> None:
    run = inspecting()
    began_ms = run.now_ms
    assert run.feed(MORE_TIME) == [Write(Asked(CROSSING, Wish.MORE_TIME, no_outbound_query=False))]
    assert run.feed(MORE_TIME) == []
    end_ms = began_ms + TIMING.crossing_max_ms + TIMING.more_time_ms
    run.now_ms = end_ms
    assert run.feed(Tick()) == []
    (decided, _) = run.feed(Tick(), after_ms=1)
    assert isinstance(decided, Write)
    assert isinstance(decided.record, records.Decided)
    assert Objection(Reason.TIME_LIMIT) in decided.record.reasons


@pytest.mark.parametrize(
    ("document", "patience_ms"),
    [(GENUINE, TIMING.face_max_ms), (replace(GENUINE, checks=GENUINE.checks[2:]), TIMING.face_after_failure_max_ms)],
)
def test_a_face_may_come_later_whatever_the_document_was(document: DocumentEvidence, patience_ms: int) -> None:
    run = inspecting()
    run.feed(MORE_TIME, DocumentRead(CROSSING, document))
    assert run.feed(Tick(), after_ms=patience_ms + TIMING.more_time_ms) == []
    assert run.feed(Tick(), after_ms=1) != []


@pytest.mark.parametrize("stage", [ready, opening, recording, looking, granted, passing, referred, emergency])
def test_more_time_is_for_the_look_alone(stage: Callable[[], Run]) -> None:
    run = stage()
    before = run.state
    assert run.feed(MORE_TIME) == []
    assert run.state == before


# ── over a restart ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_start_knows_who_asked_for_protection() -> None:
    state, effects = machine.start(("open",), ("asked", "other"), protected=("asked", "open"))
    restarted = Objection(Reason.LANE_RESTARTED)
    protection = Objection(Reason.PROTECTION_ASKED)
    assert Write(Closed("open", ClosedAs.REFERRED, (restarted, protection))) in effects
    assert state == Referred("open", (restarted, protection))
