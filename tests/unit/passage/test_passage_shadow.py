"""A gate that only watches: it decides and records, an officer does the work, and nothing is ever ordered of a barrier."""

from __future__ import annotations

import json
from dataclasses import replace

from fakes.passage_examples import CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.effects import ClearAlarms, Effect, EndEmergency, Erase, Grant, Release, Revoke, Write
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
    SiteSeen,
    Tick,
    TrackChanged,
)
from gate.passage.names import ClosedAs, Disposition, RecordKind, TrackChange
from gate.passage.orders import Admit, BePresent, HandOver, Hold, LaneOrder
from gate.passage.policy import Verdict
from gate.passage.records import Closed, Decided
from gate.passage.states import Referred, Rules
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import FaceEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance

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


def test_a_gate_that_is_no_shadow_keeps_whoever_waits_before_it() -> None:
    run = Run()
    run.state = Referred(CROSSING, ())
    assert run.feed(DocumentPresented("c2")) == []


@given(st.lists(EVENTS, max_size=40))
def test_whatever_happens_it_orders_nothing_of_a_barrier(events: list[Event]) -> None:
    run = watching()
    for event in events:
        assert not [one for one in run.feed(event, after_ms=100) if isinstance(one, OF_THE_BARRIER)]
