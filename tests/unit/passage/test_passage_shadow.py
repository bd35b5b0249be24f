"""A gate that only watches: it decides and records, an officer does the work, and nothing is ever ordered of a barrier."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes.passage_examples import CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered, said
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.effects import Answer, ClearAlarms, Effect, EndEmergency, Erase, Grant, Release, Revoke, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    Event,
    FaceCompared,
    FaceSeen,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
)
from gate.passage.orders import Admit, BePresent, Command, Disposition, HandOver, Hold, LaneOrder, Missing, Outcome
from gate.passage.policy import Verdict
from gate.passage.records import Closed, ClosedAs, Decided, Incident, IncidentKind, Overruled, Released, Settled
from gate.passage.states import Referred, Rules
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import FaceEvidence, Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance, Screen

SHADOW = Rules(replace(RULES.policy, shadow=True), RULES.timing)
OF_THE_BARRIER = (Grant, Revoke, Release, EndEmergency, ClearAlarms)
WHO = st.sampled_from(["c1", "c2", "c3"])
EVENTS = st.one_of(
    st.builds(DocumentPresented, WHO),
    st.builds(DocumentRead, WHO, st.just(GENUINE)),
    st.builds(FaceCompared, WHO, st.just(SAME_FACE)),
    st.builds(FaceSeen, WHO, st.integers(0, 2), st.just(Guidance.NONE)),
    st.builds(TrackChanged, WHO, st.sampled_from(TrackChange)),
    st.builds(Recorded, WHO, st.sampled_from(RecordKind)),
    st.builds(NotRecorded, WHO, st.sampled_from(RecordKind)),
    st.builds(PartLost, st.sampled_from([Part.VISION, Part.LOG, Part.READER])),
    st.builds(PartBack, st.sampled_from([Part.VISION, Part.LOG, Part.READER])),
    st.just(DocumentRemoved()),
    st.just(Tick()),
    st.builds(
        ordered,
        st.one_of(
            st.builds(Admit, WHO),
            st.builds(Hold, WHO),
            st.builds(HandOver, WHO, st.sampled_from(Disposition)),
            st.sampled_from(
                [
                    LaneOrder.RELEASE,
                    LaneOrder.OPEN_EMERGENCY,
                    LaneOrder.END_EMERGENCY,
                    LaneOrder.ACKNOWLEDGE,
                    LaneOrder.CLOSE,
                    LaneOrder.OPEN,
                    BePresent(),
                ]
            ),
        ),
        version=st.integers(0, 3),
    ),
)


def watching() -> Run:
    """A gate beside an officer who never says that they are there; no barrier has ever been heard."""
    run = Run(rules=SHADOW)
    run.feed(SiteSeen(1.0, clock_sure=True))
    return run


def decided(run: Run, crossing: str = CROSSING, face: FaceEvidence = SAME_FACE) -> list[Effect]:
    """Have a traveller looked at and decided on."""
    return run.feed(
        DocumentPresented(crossing),
        Recorded(crossing, RecordKind.OPENED),
        DocumentRead(crossing, GENUINE),
        FaceCompared(crossing, face),
        Recorded(crossing, RecordKind.DECIDED),
    )


def written(effects: list[Effect], kind: type) -> list[object]:
    return [one.record for one in effects if isinstance(one, Write) and isinstance(one.record, kind)]


def test_whoever_would_be_admitted_is_recorded_so_and_left_to_the_officer() -> None:
    run = watching()
    effects = decided(run)
    (record,) = written(effects, Decided)
    assert isinstance(record, Decided)
    assert (record.decision, record.reasons) == (Verdict.ADMIT, ())
    assert written(effects, Closed) == [Closed(CROSSING, ClosedAs.REFERRED, (Objection(Reason.SHADOW_MODE),))]
    assert Erase(CROSSING) in effects, "of whom it would have admitted nobody sees pictures"
    assert isinstance(run.state, Referred)
    body = json.loads(encode(record))
    again, same = replay(body)
    assert (again.verdict, same) == (Verdict.ADMIT, True)


def test_whoever_would_be_referred_has_the_gates_own_reasons_alone() -> None:
    effects = decided(watching(), face=replace(SAME_FACE, match=Score(0.1)))
    (closed,) = written(effects, Closed)
    assert isinstance(closed, Closed)
    assert [one.reason for one in closed.reasons] == [Reason.FACE_BELOW_THRESHOLD]


def test_lists_and_clock_are_judged_as_ever() -> None:
    run = watching()
    run.feed(SiteSeen(1000.0, clock_sure=False))
    (closed,) = written(decided(run), Closed)
    assert isinstance(closed, Closed)
    assert {one.reason for one in closed.reasons} == {Reason.LISTS_STALE, Reason.CLOCK_UNSURE}


def test_an_officers_admission_is_written_down_and_opens_nothing() -> None:
    run = watching()
    decided(run)
    effects = run.order(Admit(CROSSING))
    (settled,) = written(effects, Settled)
    assert isinstance(settled, Settled)
    assert settled.disposition is Disposition.ADMITTED_BY_OFFICER
    assert not written(effects, Overruled)
    assert [one.outcome for one in effects if isinstance(one, Answer)] == [Outcome.DONE]
    (answer,) = (one for one in run.order(Admit(CROSSING), "officer-2") if isinstance(one, Answer))
    assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "already decided by officer-1")


def test_nobody_waits_for_an_officers_word_and_it_may_come_later() -> None:
    run = watching()
    decided(run)
    effects = decided(run, "c2")
    assert written(effects, Closed)
    assert [one.crossing for one in run.lane.waiting] == [CROSSING, "c2"]
    effects = run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    assert written(effects, Settled)
    assert run.state == Referred("c2", (Objection(Reason.SHADOW_MODE),))
    run.order(HandOver("c2", Disposition.WALKED_BACK))
    assert (run.lane.waiting, getattr(run.state, "shown", None)) == ((), Screen.WELCOME)


def test_a_gate_that_an_officer_closed_takes_no_next_document() -> None:
    run = watching()
    decided(run)
    run.order(LaneOrder.CLOSE)
    assert run.feed(DocumentPresented("c2")) == []


@pytest.mark.parametrize("command", [LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY])
def test_whoever_asks_it_to_open_hears_that_it_cannot_and_the_order_is_on_record(command: Command) -> None:
    run = watching()
    decided(run)
    assert run.feed(ordered(command, "officer-3", version=99, number=7)) == [
        Write(Released(CROSSING, said("officer-3", (Missing.VERSION,)))),
        Write(Incident(CROSSING, IncidentKind.RELEASE_NOT_SHOWN)),
        Answer(
            7,
            Outcome.IMPOSSIBLE,
            "this gate only watches (mode = shadow) and moves no barrier: open it by hand",
        ),
    ]


def test_a_gate_that_is_no_shadow_keeps_whoever_waits_before_it() -> None:
    run = Run()
    run.state = Referred(CROSSING, ())
    assert run.feed(DocumentPresented("c2")) == []


@given(st.lists(EVENTS, max_size=40))
def test_whatever_happens_it_orders_nothing_of_a_barrier(events: list[Event]) -> None:
    run = watching()
    for event in events:
        assert not [one for one in run.feed(event, after_ms=100) if isinstance(one, OF_THE_BARRIER)]
