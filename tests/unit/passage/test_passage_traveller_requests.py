"""What a traveller asks for on the page, in every state: it leads to an officer, opens nothing, and a flood of it is one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
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
from gate.passage.effects import Answer, Effect, Grant, Release, Revoke, Show, Write
from gate.passage.events import DocumentPresented, Recorded, TravellerAsked
from gate.passage.lane import Timing
from gate.passage.names import ClosedAs, Disposition, Outcome, RecordKind, Wish
from gate.passage.orders import HandOver, Hold, LaneOrder
from gate.passage.records import Asked, Closed, Opened
from gate.passage.states import Referred
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


@pytest.mark.parametrize("stage", [*RUNNING.values(), *NOBODYS.values()], ids=[*RUNNING, *NOBODYS])
def test_a_thousand_clicks_make_one_call(stage: Callable[[], Run]) -> None:
    run = stage()
    first = run.feed(HELP, after_ms=10)
    state, waiting = run.state, run.lane.waiting
    again = [effect for number in range(999) for effect in run.feed(TravellerAsked(f"another{number}", Wish.HELP))]
    assert first
    assert again == []
    assert (run.state, run.lane.waiting) == (state, waiting)


def test_help_and_protection_differ_in_nothing_that_a_traveller_can_see() -> None:
    for stage in (*RUNNING.values(), *NOBODYS.values()):
        seen = []
        for event in (HELP, PROTECTION):
            effects = stage().feed(event, after_ms=10)
            seen.append([effect for effect in effects if not isinstance(effect, Write)])
        assert seen[0] == seen[1]


# ── too often ────────────────────────────────────────────────────────────────────────────────────────────────────────


def called_often() -> Run:
    """Officers were called as often as is heeded, and settled all of it."""
    run = ready()
    for number in range(MAX):
        run.feed(TravellerAsked(f"call{number}", Wish.HELP), after_ms=1_000)
        run.order(HandOver(f"call{number}", Disposition.TAKEN_OVER), after_ms=1_000)
    assert isinstance(run.state, states.Idle)
    return run


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


def test_a_call_counts_for_as_long_as_is_said_and_no_longer() -> None:
    for after_ms, is_heeded in ((TIMING.asked_again_ms - 1, False), (TIMING.asked_again_ms, True)):
        run = called_often()
        run.now_ms = run.lane.calls[0] + after_ms
        run.feed(HELP)
        assert isinstance(run.state, Referred) is is_heeded


def test_what_is_asked_while_somebody_waits_is_no_call_more() -> None:
    run = referred()
    run.feed(HELP, PROTECTION)
    assert run.lane.calls == ()


# ── more time ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
