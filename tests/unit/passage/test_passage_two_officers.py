"""Two officers where a rule says so: the first order is a record and nothing else, and only another officer's lets anybody through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, referred, said

from gate.passage import machine, open_referrals, records, states, two_officers
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import NotRecorded, Recorded, SiteSeen, TravellerAsked
from gate.passage.lane import LaneContext, Referral
from gate.passage.names import Disposition, Outcome, RecordKind, Wish
from gate.passage.orders import Admit, HandOver, Hold
from gate_core.evidence.reasons import Objection, Reason

OF_TWO = replace(RULES, two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD}))
KEPT = Recorded(CROSSING, RecordKind.WOULD_ADMIT)
SEEN = Admit(CROSSING, seen=True)
FACE = (Objection(Reason.FACE_BELOW_THRESHOLD),)
LONG_MS = RULES.timing.first_word_max_ms


def of_two(rules: states.Rules = OF_TWO) -> Run:
    """A traveller who waits for two officers."""
    run = referred()
    run.rules = rules
    return run


def answers(effects: list[Effect]) -> list[Answer]:
    return [effect for effect in effects if isinstance(effect, Answer)]


def written(effects: list[Effect]) -> list[Any]:
    return [effect.record for effect in effects if isinstance(effect, Write)]


def first_of_two() -> Run:
    """The first officer's order is recorded."""
    run = of_two()
    run.order(SEEN)
    run.feed(KEPT)
    return run


def is_admitted(run: Run) -> bool:
    return isinstance(run.state, states.Overruling)


# ── the first order ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_for_any_other_reason_one_officer_is_enough_whatever_they_were_shown() -> None:
    others = frozenset(Reason) - {Reason.FACE_BELOW_THRESHOLD, Reason.LANE_RESTARTED}
    run = of_two(replace(RULES, two_officers_for=others))
    assert written(run.order(Admit(CROSSING))) == [records.Overruled(CROSSING, said(), FACE)]


def test_one_reason_of_several_is_enough_to_take_two() -> None:
    for reason in Reason:
        rules = replace(RULES, two_officers_for=frozenset({reason}))
        mixed = Referral(CROSSING, (Objection(Reason.PAGE_CHECK, "b900_ink"), Objection(reason)))
        assert two_officers.are_needed(rules, mixed)
        assert not two_officers.are_needed(RULES, mixed)


# ── what the log says of it ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind is not RecordKind.WOULD_ADMIT])
def test_the_receipt_of_another_record_makes_no_order_count(kind: RecordKind) -> None:
    run = of_two()
    run.order(SEEN)
    assert answers(run.feed(Recorded(CROSSING, kind), NotRecorded(CROSSING, kind))) == []
    assert answers(run.feed(Recorded("another", RecordKind.WOULD_ADMIT))) == []
    run.order(SEEN, "officer-2")
    assert not is_admitted(run)


# ── until when it stands ─────────────────────────────────────────────────────────────────────────────────────────────

ENDS: dict[str, Callable[[Run], object]] = {
    "its officer takes it back": lambda run: run.order(Hold(CROSSING)),
    "another takes it back": lambda run: run.order(Hold(CROSSING), "officer-3"),
    "its time is over": lambda run: run.feed(after_ms=LONG_MS + 1),
    "the traveller asks for protection": lambda run: run.feed(TravellerAsked("a", Wish.PROTECTION)),
}


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_an_order_that_stands_no_more_seconds_nothing(end: str) -> None:
    run = first_of_two()
    ENDS[end](run)
    run.feed(AT_REST)
    assert [type(one) for one in written(run.order(SEEN, "officer-2"))] == [records.WouldAdmit]
    assert not is_admitted(run)


def test_after_a_start_of_the_lane_whoever_waits_is_two_officers_since_nobody_knows_why_they_wait() -> None:
    waits = Referral(CROSSING, (Objection(Reason.LANE_RESTARTED),))
    assert two_officers.are_needed(OF_TWO, waits)
    assert not two_officers.are_needed(RULES, waits)


def test_a_lane_that_was_killed_between_the_two_orders_knows_no_first_one() -> None:
    killed = machine.start((), (CROSSING,))[0]
    run = Run(OF_TWO, lane=LaneContext(waiting=open_referrals.left((CROSSING,), ())), state=killed)
    run.feed(AT_REST, SiteSeen(1.0, clock_sure=True))
    for officer in ("officer-1", "officer-2"):  # what was sealed to them is gone with the lane
        assert run.order(Admit(CROSSING), officer) == [Answer(1, Outcome.IMPOSSIBLE, two_officers.NOT_SHOWN)]
    assert [type(one) for one in written(run.order(SEEN, "officer-2"))] == [records.WouldAdmit]
    run.order(HandOver(CROSSING, Disposition.TAKEN_OVER))
    assert run.lane.waiting == ()


def test_first_orders_of_others_stay_as_they_are() -> None:
    run = first_of_two()
    other = replace(run.lane.first_words[0], crossing="c0")
    run.lane = replace(
        run.lane,
        first_words=(other, *run.lane.first_words),
        waiting=(Referral("c0", FACE, 1_000), *run.lane.waiting),
    )
    run.order(SEEN, "officer-2")
    assert run.lane.first_words == (other,)
