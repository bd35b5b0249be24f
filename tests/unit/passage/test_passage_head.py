"""The log's head after a boot: until somebody bears it out nobody is admitted, and nobody waits for that who must be freed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered, said

from gate.passage import records, states
from gate.passage.effects import Answer, Effect, Grant, Release, Show, Write
from gate.passage.events import DocumentPresented, DocumentRead, FaceCompared, HeadSeen, Recorded, SiteSeen
from gate.passage.names import Disposition, Outcome, RecordKind
from gate.passage.orders import BePresent, HandOver, LaneOrder
from gate.passage.policy import Verdict
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import Notice
from gate_core.evidence.names import Head
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

ROOT = "ab" * 32
UNCONFIRMED = HeadSeen(Head.UNCONFIRMED, 7, ROOT, 1.0)
STRICT = replace(RULES, policy=replace(RULES.policy, head_required=True))
WHY = Objection(Reason.HEAD_UNCONFIRMED)


def lane(*said_of_head: HeadSeen, rules: states.Rules = STRICT) -> Run:
    """One in which all is well but for the log's head."""
    run = Run(rules)
    run.feed(AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True), *said_of_head)
    return run


def comes(run: Run, crossing: str = CROSSING) -> list[Effect]:
    """A genuine traveller, up to the answer to the receipt."""
    run.feed(DocumentPresented(crossing), Recorded(crossing, RecordKind.OPENED))
    run.feed(DocumentRead(crossing, GENUINE), FaceCompared(crossing, SAME_FACE))
    run.feed(Recorded(crossing, RecordKind.DECIDED))
    return run.feed(AT_REST, after_ms=10)


def decided(run: Run) -> records.Decided:
    (record,) = (
        one.record for one in run.effects if isinstance(one, Write) and isinstance(one.record, records.Decided)
    )
    return record


def answer(effects: list[Effect]) -> Answer:
    (found,) = (one for one in effects if isinstance(one, Answer))
    return found


@pytest.mark.parametrize("heard", [(), (UNCONFIRMED,)], ids=["the log has said nothing", "unconfirmed"])
def test_nobody_is_invited_and_who_lays_a_document_is_referred(heard: tuple[HeadSeen, ...]) -> None:
    run = lane(*heard)
    assert run.lane.blockers == (WHY,)
    assert run.lane.notices() == (Notice.HEAD_UNCONFIRMED,)
    assert isinstance(run.state, states.Idle)
    assert run.state.shown is Screen.CLOSED
    assert not any(isinstance(effect, Grant) for effect in comes(run))
    assert run.state == states.Referred(CROSSING, (WHY,))
    assert (decided(run).decision, decided(run).reasons) == (Verdict.REFER, (WHY,))


@pytest.mark.parametrize("head", [Head.CONFIRMED, Head.ACCEPTED])
def test_once_somebody_bears_it_out_the_lane_invites_and_admits(head: Head) -> None:
    run = lane(UNCONFIRMED)
    assert Show(Screen.WELCOME) in run.feed(replace(UNCONFIRMED, head=head, age_s=3.0))
    assert run.lane.notices() == ()
    run.feed(AT_REST, after_ms=2_000)
    assert Grant(CROSSING, 10_000) in comes(run)
    site = decided(run).evidence.site
    assert (site.head, site.head_age_s) == (head, 5.0)


def test_where_nobody_need_bear_it_out_it_is_only_written_down() -> None:
    run = lane(UNCONFIRMED, rules=RULES)
    assert run.lane.notices() == ()
    assert Grant(CROSSING, 10_000) in comes(run)
    assert decided(run).evidence.site.head is Head.UNCONFIRMED


def test_the_decision_can_be_taken_again_from_its_record_and_one_of_before_too() -> None:
    import json

    run = lane(UNCONFIRMED)
    comes(run)
    body = json.loads(encode(decided(run)))
    again, agrees = replay(body)
    assert (again.objections, agrees) == ((WHY,), True)
    before = json.loads(encode(decided(run)))
    for name in ("head", "head_age_s"):
        del before["evidence"]["site"][name]
    del before["policy"]["head_required"]
    assert replay({**before, "decision": "admit", "reasons": []})[1], "older records knew nothing of it"


def test_freeing_people_emergencies_and_the_end_of_a_referral_wait_for_nothing() -> None:
    run = lane(UNCONFIRMED)
    comes(run)
    assert answer(run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))).outcome is Outcome.DONE
    assert isinstance(run.order(LaneOrder.RELEASE)[0], Release)
    assert isinstance(run.order(LaneOrder.OPEN_EMERGENCY)[0], Release)
    assert isinstance(run.state, states.Emergency)


def test_a_supervisors_word_is_a_record_of_what_was_found_and_counts_when_the_log_says_so() -> None:
    run = lane(UNCONFIRMED)
    effects = run.order(LaneOrder.ACCEPT_HEAD, "chief")
    assert [one.record for one in effects if isinstance(one, Write)] == [records.HeadAccepted(said("chief"), 7, ROOT)]
    assert answer(effects).outcome is Outcome.ORDERED
    assert run.lane.blockers == (WHY,), "it is not durable yet"
    run.feed(replace(UNCONFIRMED, head=Head.ACCEPTED))
    assert run.lane.blockers == ()
    again = answer(run.order(LaneOrder.ACCEPT_HEAD, "chief"))
    assert (again.outcome, again.detail) == (Outcome.IMPOSSIBLE, "the log's head is accepted already")
