"""Two officers where a rule says so: the first order is a record and nothing else, and only another officer's lets anybody through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, ordered, referred, said

from gate.passage import machine, open_referrals, records, states, two_officers
from gate.passage.effects import Answer, Effect, Show, Write
from gate.passage.events import NotRecorded, Recorded, RecordKind, RecordReplaced, SiteSeen, Tick, TravellerAsked, Wish
from gate.passage.lane import LaneContext, Referral
from gate.passage.orders import Admit, Disposition, HandOver, Hold, Outcome
from gate.passage.records import ObeyedVerb
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


def test_the_first_order_is_a_record_that_lets_nobody_through_and_is_answered_by_its_receipt() -> None:
    run = of_two()
    before, seen_ms = run.state, run.lane.officer_seen_ms
    effects = run.feed(ordered(SEEN, version=run.lane.version, number=7), after_ms=50)
    assert effects == [Write(records.WouldAdmit(CROSSING, said(), FACE), awaited=True)]
    assert not records.WouldAdmit.leads_to_admission
    assert not records.WouldAdmit.ends_crossing
    assert answers(run.feed(Tick(), AT_REST, after_ms=50)) == []
    assert run.feed(KEPT) == [Answer(7, Outcome.ONE_MORE, two_officers.ONE_MORE)]
    assert (run.state, run.lane.officer_seen_ms) == (before, seen_ms)
    assert run.feed(KEPT) == []  # once


def test_another_officers_order_admits_and_its_record_names_both() -> None:
    run = first_of_two()
    effects = run.order(SEEN, "officer-2")
    assert written(effects) == [records.Overruled(CROSSING, said("officer-2"), FACE, said())]
    assert is_admitted(run)
    assert run.lane.first_words == ()
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED), after_ms=10)
    run.feed(AT_REST, after_ms=10)
    assert isinstance(run.state, states.Granted)


def test_the_same_officer_twice_stays_one_however_often_and_it_changes_nothing() -> None:
    run = first_of_two()
    before = run.lane
    for _ in range(3):
        assert run.order(SEEN) == [Answer(1, Outcome.ONE_MORE, two_officers.ONE_MORE)]
    assert run.lane == before


@pytest.mark.parametrize("shared", ["signing", "sealing"])
def test_two_names_with_one_key_are_one_officer(shared: str) -> None:
    run = of_two()
    run.feed(replace(ordered(SEEN, version=run.lane.version), keys=frozenset({"signing", "sealing"})), KEPT)
    other = frozenset({shared, "another"})
    effects = run.feed(replace(ordered(SEEN, "officer-2", version=run.lane.version), keys=other))
    assert [one.outcome for one in answers(effects)] == [Outcome.ONE_MORE]
    assert not is_admitted(run)
    run.feed(replace(ordered(SEEN, "officer-2", version=run.lane.version), keys=frozenset({"c", "d"})))
    assert is_admitted(run)


def test_an_officer_who_was_shown_nothing_is_neither_the_first_nor_the_second() -> None:
    for run in (of_two(), first_of_two()):
        for officer in ("officer-1", "officer-2"):
            before = run.lane
            assert run.order(Admit(CROSSING), officer) == [Answer(1, Outcome.IMPOSSIBLE, two_officers.NOT_SHOWN)]
            assert run.lane == before


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


def test_an_order_that_answers_the_challenge_before_the_first_one_is_stale() -> None:
    run = of_two()
    version = run.lane.version
    run.feed(ordered(SEEN, version=version), KEPT)
    for officer in ("officer-1", "officer-2"):  # a replay, and two orders at once
        effects = run.feed(ordered(SEEN, officer, version=version))
        assert [one.outcome for one in answers(effects)] == [Outcome.STALE]
    assert not is_admitted(run)


# ── what the log says of it ──────────────────────────────────────────────────────────────────────────────────────────


def test_while_the_log_is_silent_no_order_counts_and_none_is_the_second() -> None:
    run = of_two()
    run.order(SEEN)
    for officer in ("officer-1", "officer-2"):
        (answer,) = answers(run.order(SEEN, officer))
        assert answer.outcome is Outcome.IMPOSSIBLE
        assert "the log has not answered" in answer.detail
    assert not is_admitted(run)


def test_an_order_that_the_log_does_not_take_counts_for_nothing() -> None:
    run = of_two()
    run.order(SEEN)
    assert run.feed(NotRecorded(CROSSING, RecordKind.WOULD_ADMIT)) == [
        Answer(1, Outcome.IMPOSSIBLE, two_officers.NOT_RECORDED)
    ]
    assert written(run.order(SEEN, "officer-2")) == [records.WouldAdmit(CROSSING, said("officer-2"), FACE)]


def test_a_receipt_that_comes_too_late_counts_for_nothing_and_stands_for_no_other_order() -> None:
    run = of_two()
    run.order(SEEN)
    late = run.feed(Tick(), after_ms=RULES.timing.receipt_max_ms + 1)
    assert answers(late) == [Answer(1, Outcome.IMPOSSIBLE, two_officers.NOT_ANSWERED)]
    (answer,) = answers(run.order(SEEN, "officer-2"))
    assert answer.outcome is Outcome.IMPOSSIBLE, "its receipt would pass for this one's"
    assert answers(run.feed(KEPT)) == []
    run.order(SEEN, "officer-2")
    assert not is_admitted(run)
    run.feed(KEPT, AT_REST)
    run.order(SEEN, "officer-3")
    assert is_admitted(run)


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind is not RecordKind.WOULD_ADMIT])
def test_the_receipt_of_another_record_makes_no_order_count(kind: RecordKind) -> None:
    run = of_two()
    run.order(SEEN)
    assert answers(run.feed(Recorded(CROSSING, kind), NotRecorded(CROSSING, kind))) == []
    assert answers(run.feed(Recorded("another", RecordKind.WOULD_ADMIT))) == []
    run.order(SEEN, "officer-2")
    assert not is_admitted(run)


def test_of_a_crossing_of_which_a_record_is_missing_no_order_is_the_first() -> None:
    run = of_two()
    run.feed(RecordReplaced(CROSSING, RecordKind.DECIDED))
    (answer,) = answers(run.order(SEEN))
    assert answer.outcome is Outcome.IMPOSSIBLE
    assert run.lane.first_words == ()


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


def test_it_stands_to_the_last_moment_of_its_time() -> None:
    run = first_of_two()
    run.feed(AT_REST, after_ms=LONG_MS)
    run.order(SEEN, "officer-2")
    assert is_admitted(run)


@pytest.mark.parametrize("officer", ["officer-1", "officer-2"])
def test_taking_it_back_waits_for_nothing_and_is_on_record(officer: str) -> None:
    run = first_of_two()
    before = run.state
    effects = run.order(Hold(CROSSING), officer)
    assert effects == [Write(records.Obeyed(CROSSING, said(officer), ObeyedVerb.REFER)), Answer(1, Outcome.DONE)]
    assert run.state == before
    (answer,) = answers(run.order(Hold(CROSSING), officer))
    assert answer.outcome is Outcome.IMPOSSIBLE, "nothing is left to take back"


def test_an_order_of_which_the_log_is_silent_can_be_taken_back_and_both_are_answered() -> None:
    run = of_two()
    run.feed(ordered(SEEN, version=run.lane.version, number=7))
    effects = run.feed(ordered(Hold(CROSSING), "officer-2", version=run.lane.version, number=8))
    assert answers(effects) == [
        Answer(7, Outcome.IMPOSSIBLE, "taken back by officer-2"),
        Answer(8, Outcome.DONE),
    ]
    assert answers(run.feed(KEPT)) == []
    run.order(SEEN, "officer-3")
    assert not is_admitted(run)


def test_a_referral_that_is_settled_takes_the_order_with_it_and_whoever_waits_for_an_answer_gets_one() -> None:
    run = of_two()
    run.feed(ordered(SEEN, version=run.lane.version, number=7))
    run.order(HandOver(CROSSING, Disposition.TAKEN_OVER), "officer-2")
    assert answers(run.feed(Tick())) == [Answer(7, Outcome.IMPOSSIBLE, two_officers.OVER)]
    assert run.lane.first_words == ()


def test_an_admission_that_failed_takes_two_orders_anew() -> None:
    run = first_of_two()
    run.order(SEEN, "officer-2")
    run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    assert isinstance(run.state, states.Referred)
    for officer in ("officer-1", "officer-2"):
        assert not is_admitted(run)
        run.order(SEEN, officer)
        run.feed(KEPT)
    assert is_admitted(run)


def test_a_lane_that_says_no_leaves_the_first_order_as_it_is() -> None:
    run = first_of_two()
    run.feed(replace(AT_REST, closed=False))
    (answer,) = answers(run.order(SEEN, "officer-2"))
    assert "lane_not_closed" in answer.detail
    run.feed(AT_REST)
    run.order(SEEN, "officer-2")
    assert is_admitted(run)


def test_an_emergency_comes_between_and_nothing_is_admitted_in_it() -> None:
    run = first_of_two()
    run.feed(replace(AT_REST, fire=True))
    for officer in ("officer-1", "officer-2"):
        (answer,) = answers(run.order(SEEN, officer))
        assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "an emergency")


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


def test_the_travellers_screen_shows_nothing_of_it() -> None:
    run = of_two()
    shown = [
        effect
        for events in ([ordered(SEEN, version=run.lane.version)], [KEPT], [Tick()])
        for effect in run.feed(*events)
        if isinstance(effect, Show)
    ]
    assert shown == []
    assert [one for one in run.order(Hold(CROSSING), "officer-2") if isinstance(one, Show)] == []


def test_who_is_let_through_already_is_referred_at_once_by_either() -> None:
    for officer in ("officer-1", "officer-2"):
        run = first_of_two()
        run.order(SEEN, "officer-2")
        run.feed(Recorded(CROSSING, RecordKind.OVERRULED), after_ms=10)
        run.feed(AT_REST, after_ms=10)
        run.order(Hold(CROSSING), officer)
        assert isinstance(run.state, states.Referred)


def test_a_gate_that_only_watches_opens_nothing_for_which_it_would_take_two() -> None:
    run = of_two(replace(OF_TWO, policy=replace(OF_TWO.policy, shadow=True)))
    (settled,) = written(run.order(Admit(CROSSING)))
    assert settled == records.Settled(CROSSING, said(), Disposition.ADMITTED_BY_OFFICER)


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
