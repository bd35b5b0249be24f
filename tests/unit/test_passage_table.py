"""Every event in every state, and random histories: the invariants hold whatever happens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ready
from hypothesis import given
from hypothesis import strategies as st

from gate.passage import machine
from gate.passage.effects import Grant, Release, Revoke, Write
from gate.passage.events import (
    Disposition,
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    EmergencyEnded,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    NotRecorded,
    OfficerSeen,
    PageGuided,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    ReleaseOrdered,
    Settled,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
)
from gate.passage.evidence import Alarm
from gate.passage.policy import Decision, Verdict
from gate.passage.records import Closed
from gate.passage.screen import Guidance, Screen

ADMIT = Decision(Verdict.ADMIT, ())
STATES: tuple[machine.State, ...] = (
    machine.Idle(Screen.WELCOME),
    machine.Opening(CROSSING, 0),
    machine.Inspecting(CROSSING, 0),
    machine.Recording(CROSSING, ADMIT, 0),
    machine.Looking(CROSSING, 0),
    machine.Granted(CROSSING, 0),
    machine.Passing(CROSSING, 0),
    machine.Referred(CROSSING, ()),
    machine.Emergency(),
)
EVENTS: tuple[Event, ...] = (
    DocumentPresented("c2"),
    DocumentRemoved(),
    PageGuided(Guidance.PAGE_TURN),
    DocumentRead(CROSSING, GENUINE),
    FaceSeen(CROSSING, 1, Guidance.NONE),
    FaceCompared(CROSSING, SAME_FACE),
    *(TrackChanged(CROSSING, change) for change in TrackChange),
    AT_REST,
    replace(AT_REST, closed=False, bodies=1),
    replace(AT_REST, closed=False, bodies=2, grants_left=1),
    replace(AT_REST, passages_entry=1),
    replace(AT_REST, fire=True, emergency_open=True),
    replace(AT_REST, alarms=(Alarm.FORCED,)),
    GrantFailed(CROSSING),
    *(Recorded(CROSSING, kind) for kind in (RecordKind.OPENED, RecordKind.DECIDED)),
    *(NotRecorded(CROSSING, kind) for kind in (RecordKind.OPENED, RecordKind.DECIDED)),
    *(PartLost(part) for part in Part),
    *(PartBack(part) for part in Part),
    SiteSeen(1.0, clock_sure=True),
    OfficerSeen("officer-1"),
    Settled(CROSSING, "officer-1", Disposition.WALKED_BACK),
    ReleaseOrdered("officer-1"),
    EmergencyEnded("officer-1"),
    Tick(),
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_only_a_fresh_look_after_the_receipt_grants(state: machine.State) -> None:
    for event in EVENTS:
        run = ready()
        run.state = state
        run.now_ms = 1_000 if not isinstance(state, machine.Looking) else 100
        grants = [effect for effect in run.feed(event) if isinstance(effect, Grant)]
        assert not grants or (isinstance(state, machine.Looking) and event == AT_REST)


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_crossing_that_ends_is_closed_exactly_once(state: machine.State) -> None:
    before = machine.crossing_of(state)
    for event in EVENTS:
        run = ready()
        run.state = state
        effects = run.feed(event)
        closings = [e for e in effects if isinstance(e, Write) and isinstance(e.record, Closed)]
        ended = (
            before is not None
            and not isinstance(state, machine.Referred)
            and (machine.crossing_of(run.state) != before or isinstance(run.state, machine.Referred))
        )
        assert len(closings) == int(ended)


@given(history=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 4_000)), max_size=60))
def test_whatever_happens_a_grant_follows_one_durable_admission_and_ends(
    history: list[tuple[Event, int]],
) -> None:
    run = Run()
    durable = False
    outstanding = 0
    for event, pause_ms in history:
        deciding = isinstance(run.state, machine.Recording)
        for effect in run.feed(event, after_ms=pause_ms):
            match effect:
                case Grant():
                    assert durable
                    assert not outstanding
                    outstanding, durable = 1, False
                case Revoke():
                    assert not isinstance(run.state, machine.Emergency)
                    outstanding = 0
                case Release() | _:
                    pass
        if deciding and isinstance(run.state, machine.Looking):
            assert event == Recorded(CROSSING, RecordKind.DECIDED) or isinstance(event, Recorded)
            durable = True
        if not isinstance(run.state, machine.Granted):
            outstanding = 0 if isinstance(run.state, machine.Emergency) else outstanding
            assert not outstanding
        else:
            assert run.now_ms - run.state.since_ms <= RULES.timing.grant_ttl_ms + RULES.timing.grant_slack_ms
