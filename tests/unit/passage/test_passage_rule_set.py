"""A site's written rules: they take away and never give, and what nobody knows speaks against opening."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from fakes import passage_examples as one
from fakes import two_door_lane as two
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered
from hypothesis import given
from hypothesis import strategies as st

from gate.passage import two_officers
from gate.passage.conditions import (
    AgeFrom,
    All,
    DirectionIs,
    DocumentTypeIs,
    Fact,
    Facts,
    NationalityIs,
    Not,
    Sex,
    SexIs,
)
from gate.passage.effects import Show, Write
from gate.passage.events import DocumentPresented, DocumentRead, FaceCompared, Recorded, SiteSeen
from gate.passage.lane import Referral
from gate.passage.names import RecordKind
from gate.passage.orders import Admit
from gate.passage.policy import Verdict, decide, facts_of
from gate.passage.records import Decided, EntryDecided
from gate.passage.rule_set import NO_RULES, Effect, Rule, RuleSet
from gate.passage.states import Inspecting, Referred, Rules
from gate.programs.lane.records import RecordedRuleSets, RecordError, encode, replay
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence, Evidence, Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen
from gate_core.evidence.service_scope import BorderDirection

NOON = datetime(2026, 11, 28, 12, 0)  # noqa: DTZ001 - the site's own wall
TODAY = NOON.date()
ADULT: DocumentEvidence = replace(GENUINE, document_type="P", nationality="FRA", sex="F", age=40)


EVERYBODY = All(())


def rule(effect: Effect, when: Any = EVERYBODY, name: str = "one", **more: Any) -> Rule:
    """A rule in force today."""
    days = {"first": TODAY, "last": TODAY, **more}
    return Rule(name, effect, "A title", "Act 1, Article 2", "N. N.", when=when, instructions="Look.", **days)


def rule_set(*rules: Rule) -> RuleSet:
    """These rules, under a name of their own."""
    return RuleSet("v1", "5ha", rules)


def facts(**more: Any) -> Facts:
    """A grown-up on a day on which the rules are in force."""
    return replace(Facts("P", "UTO", age=40, nationality="FRA", sex=Sex.FEMALE, local=NOON), **more)


# ── what a rule set objects to ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_book_without_rules_asks_nothing_and_objects_to_nobody() -> None:
    assert NO_RULES.asks == frozenset()
    assert NO_RULES.objections(Facts()) == NO_RULES.closings(Facts()) == ()
    assert NO_RULES.face_match_min(Facts(), Score(0.4)) == Score(0.4)


@pytest.mark.parametrize(
    ("age", "objections"),
    [
        (18, ()),
        (17, (Objection(Reason.NOT_ELIGIBLE, "v1"),)),
        (None, (Objection(Reason.NOT_ELIGIBLE, "v1 not known"),)),
    ],
)
def test_where_rules_say_who_is_eligible_nobody_else_is(age: int | None, objections: tuple[Objection, ...]) -> None:
    assert rule_set(rule(Effect.ELIGIBLE, AgeFrom(18))).objections(facts(age=age)) == objections


def test_one_of_several_that_make_eligible_is_enough() -> None:
    several = rule_set(rule(Effect.ELIGIBLE, AgeFrom(18)), rule(Effect.ELIGIBLE, NationalityIs(("FRA",))))
    assert several.objections(facts(age=None)) == ()
    assert several.objections(facts(age=12)) == ()
    assert several.objections(facts(age=12, nationality="UTO")) != ()


@pytest.mark.parametrize(
    ("effect", "reason"), [(Effect.OFFICER, Reason.RULE_OFFICER), (Effect.CUSTOMS, Reason.RULE_CUSTOMS)]
)
@pytest.mark.parametrize(
    ("age", "said"),
    [(11, ["one of v1"]), (12, []), (None, ["one of v1, not known"])],
    ids=["younger", "older", "unknown"],
)
def test_an_officer_sees_whoever_a_rule_means_or_might_mean(
    effect: Effect, reason: Reason, age: int | None, said: list[str]
) -> None:
    found = rule_set(rule(effect, Not(AgeFrom(12)))).objections(facts(age=age))
    assert found == tuple(Objection(reason, detail) for detail in said)


def test_a_rule_may_want_two_officers_and_then_one_of_them_admits_nobody() -> None:
    asked = rule_set(rule(Effect.OFFICER, officers=2))
    assert asked.objections(facts()) == (Objection(Reason.RULE_TWO_OFFICERS, "one of v1"),)
    assert (asked.asks_for_two, NO_RULES.asks_for_two, rule_set(rule(Effect.OFFICER)).asks_for_two) == (
        True,
        False,
        False,
    )
    referral = Referral(CROSSING, asked.objections(facts()))
    assert two_officers.are_needed(by(asked), referral)
    run = comes(asked)
    assert isinstance(run.state, Referred)
    run.feed(ordered(Admit(CROSSING, seen=True), version=run.lane.version))
    run.feed(Recorded(CROSSING, RecordKind.WOULD_ADMIT), AT_REST)
    assert isinstance(run.state, Referred), "the first officer's word opens nothing"
    restarted = Referral(CROSSING, (Objection(Reason.LANE_RESTARTED),))
    assert two_officers.are_needed(by(asked), restarted)
    assert not two_officers.are_needed(by(rule_set(rule(Effect.OFFICER))), restarted)


def test_every_rule_that_means_somebody_is_named() -> None:
    found = rule_set(rule(Effect.OFFICER, name="a"), rule(Effect.CUSTOMS, name="b"), rule(Effect.OFFICER, name="c"))
    assert [one.detail for one in found.objections(facts())] == ["a of v1", "c of v1", "b of v1"]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (2, "r0, r1 of v1, not known"),
        (4, "r0, r1, r2, r3 of v1, not known"),
        (200, "r0, r1, r2, r3 and 196 more of v1, not known"),
    ],
)
def test_rules_that_might_mean_somebody_are_said_together(count: int, said: str) -> None:
    might = [rule(Effect.OFFICER, Not(AgeFrom(12)), name=f"r{number}") for number in range(count)]
    assert rule_set(*might).objections(facts(age=None)) == (Objection(Reason.RULE_OFFICER, said),)


@pytest.mark.parametrize(
    ("usual", "asked", "held_to"), [(0.4, 0.6, 0.6), (0.4, 0.2, 0.4)], ids=["stricter", "never laxer"]
)
def test_a_rule_may_only_ask_for_more_of_a_face(usual: float, asked: float, held_to: float) -> None:
    stricter = rule_set(rule(Effect.THRESHOLD, SexIs((Sex.FEMALE,)), face_match_min=Score(asked)))
    assert stricter.face_match_min(facts(), Score(usual)) == Score(held_to)
    assert stricter.face_match_min(facts(sex=None), Score(usual)) == Score(held_to), "not known"
    assert stricter.face_match_min(facts(sex=Sex.MALE), Score(usual)) == Score(usual)


def test_of_several_thresholds_the_strictest_counts() -> None:
    several = [rule(Effect.THRESHOLD, face_match_min=Score(value)) for value in (0.5, 0.7, 0.6)]
    assert rule_set(*several).face_match_min(facts(), Score(0.4)) == Score(0.7)


def test_a_closing_is_said_whoever_comes() -> None:
    closed = rule_set(rule(Effect.CLOSED, DirectionIs(BorderDirection.EXIT)))
    assert closed.closings(facts(direction=BorderDirection.EXIT)) == (Objection(Reason.RULE_CLOSED, "one of v1"),)
    assert closed.closings(facts(direction=BorderDirection.ENTRY)) == ()
    assert closed.closings(facts(direction=None)) != ()
    assert closed.objections(facts(direction=BorderDirection.EXIT)) == ()


def test_on_its_days_alone_a_rule_makes_eligible_and_before_and_after_nobody_is() -> None:
    one_day = rule_set(rule(Effect.ELIGIBLE))
    assert one_day.objections(facts()) == ()
    for day in (27, 29):
        then = facts(local=datetime(2026, 11, day, 23, 59))  # noqa: DTZ001
        assert one_day.objections(then) == (Objection(Reason.NOT_ELIGIBLE, "v1"),)


@pytest.mark.parametrize("effect", [one for one in Effect if one is not Effect.ELIGIBLE])
def test_a_rule_is_in_force_on_its_days_alone(effect: Effect) -> None:
    one_day = rule_set(rule(effect, face_match_min=Score(0.9)))
    for day, in_force in ((27, False), (28, True), (29, False)):
        then = facts(local=datetime(2026, 11, day, 23, 59))  # noqa: DTZ001
        found = (*one_day.objections(then), *one_day.closings(then))
        stricter = one_day.face_match_min(then, Score(0.4)) != Score(0.4)
        assert (bool(found) or stricter) is in_force


@pytest.mark.parametrize("effect", [one for one in Effect if one is not Effect.THRESHOLD])
def test_without_a_day_no_rule_that_takes_away_is_passed_over(effect: Effect) -> None:
    undated = facts(local=None)
    asked = rule_set(rule(effect, All(())))
    assert asked.objections(undated) or asked.closings(undated)


def test_a_book_asks_for_the_day_and_for_what_its_rules_ask() -> None:
    asked = rule_set(rule(Effect.OFFICER, AgeFrom(12)), rule(Effect.CUSTOMS, SexIs((Sex.MALE,)))).asks
    assert asked == {Fact.AGE, Fact.SEX, Fact.LOCAL}
    assert rule_set(rule(Effect.OFFICER)).asks == {Fact.LOCAL}


def test_the_days_are_counted_until_the_first_rule_ends_that_is_in_force() -> None:
    later = rule(Effect.OFFICER, first=date(2026, 11, 29), last=date(2026, 11, 30))
    over = rule(Effect.OFFICER, first=date(2026, 11, 1), last=date(2026, 11, 27))
    long = rule(Effect.CUSTOMS, last=date(2027, 11, 28))
    assert rule_set(later, over, long, rule(Effect.OFFICER, last=date(2026, 12, 1))).days_left(TODAY) == 3
    assert rule_set(rule(Effect.OFFICER)).days_left(TODAY) == 0
    assert rule_set(later, over).days_left(TODAY) is None
    assert NO_RULES.days_left(TODAY) is None


def test_an_officer_reads_the_rule_and_what_to_do() -> None:
    asked = rule_set(rule(Effect.OFFICER, name="a"), rule(Effect.CUSTOMS, name="ab"))
    said = [asked.explained(found) for found in asked.objections(facts())]
    assert said == ["a of v1: A title. Look.", "ab of v1: A title. Look."]
    assert asked.explained(Objection(Reason.NOT_SERVED, "a of v1")) == "a of v1"
    assert asked.explained(Objection(Reason.RULE_OFFICER, "gone of v0")) == "gone of v0"


# ── in a decision ────────────────────────────────────────────────────────────────────────────────────────────────────


def by(asked: RuleSet) -> Rules:
    """Rules with a rule_set."""
    return replace(RULES, policy=replace(RULES.policy, rules=asked.sha256), rule_set=asked)


def comes(
    asked: RuleSet, document: DocumentEvidence = ADULT, *, score: float = 0.8, local: datetime | None = NOON
) -> Run:
    """A traveller comes and is decided on, durably."""
    run = one.ready()
    run.rules = by(asked)
    run.feed(SiteSeen(1.0, clock_sure=True, local=local))
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(DocumentRead(CROSSING, document), FaceCompared(CROSSING, replace(SAME_FACE, match=Score(score))))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run


def decided(run: Run) -> Decided:
    """The decision."""
    (found,) = (
        effect.record for effect in run.effects if isinstance(effect, Write) and isinstance(effect.record, Decided)
    )
    return found


def body(record: Decided | EntryDecided) -> dict[str, Any]:
    """A decision as an auditor has it."""
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


def test_a_policy_and_a_book_that_do_not_belong_together_run_no_lane() -> None:
    with pytest.raises(ValueError, match="names other rules"):
        replace(RULES, rule_set=rule_set(rule(Effect.OFFICER)))


def test_whom_a_rule_means_is_referred_and_sees_the_screen_of_every_referral() -> None:
    run = comes(rule_set(rule(Effect.OFFICER, NationalityIs(("FRA",)))))
    assert isinstance(run.state, Referred)
    assert run.state.objections == (Objection(Reason.RULE_OFFICER, "one of v1"),)
    shown = [effect.screen for effect in run.effects if isinstance(effect, Show)]
    assert shown[-1] is Screen.OFFICER
    assert Screen.OTHER_LANE not in shown


def test_whom_a_rule_means_waits_for_their_face_as_long_as_everybody() -> None:
    for asked in (rule_set(rule(Effect.OFFICER)), rule_set(rule(Effect.OFFICER, AgeFrom(99)))):
        run = one.ready()
        run.rules = by(asked)
        run.feed(SiteSeen(1.0, clock_sure=True, local=NOON))
        run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED), DocumentRead(CROSSING, ADULT))
        run.feed(AT_REST, after_ms=run.rules.timing.face_max_ms)
        assert isinstance(run.state, Inspecting)


def test_a_stricter_threshold_refers_the_face_that_would_have_done() -> None:
    stricter = rule_set(rule(Effect.THRESHOLD, face_match_min=Score(0.7)))
    assert decided(comes(stricter, score=0.69)).reasons == (Objection(Reason.FACE_BELOW_THRESHOLD),)
    assert decided(comes(stricter, score=0.7)).decision is Verdict.ADMIT


def test_without_a_document_there_is_nobody_whose_face_a_rule_could_mean() -> None:
    lane, site = one.ready().lane.lane_evidence(1_000), one.ready().lane.site_evidence(1_000)
    stricter = rule_set(rule(Effect.THRESHOLD, face_match_min=Score(0.9)))
    for document, below in ((ADULT, True), (None, False)):
        found = decide(Evidence(document, SAME_FACE, lane.last, replace(site, local=NOON)), RULES.policy, stricter)
        assert (Objection(Reason.FACE_BELOW_THRESHOLD) in found.objections) is below
        assert found.verdict is Verdict.REFER


def test_a_rule_gives_nobody_what_the_rest_takes() -> None:
    eligible = rule_set(rule(Effect.ELIGIBLE))
    assert decided(comes(eligible)).decision is Verdict.ADMIT
    assert decided(comes(eligible, score=0.1)).decision is Verdict.REFER
    assert decided(comes(eligible, replace(ADULT, checks=()))).decision is Verdict.REFER


def test_before_two_doors_the_first_stays_closed() -> None:
    run = two.ready()
    run.rules = replace(
        run.rules, policy=replace(run.rules.policy, rules="5ha"), rule_set=rule_set(rule(Effect.OFFICER))
    )
    run.feed(SiteSeen(1.0, clock_sure=True, local=NOON))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentRead(CROSSING, ADULT))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    assert isinstance(run.state, Referred)
    assert run.state.objections == (Objection(Reason.RULE_OFFICER, "one of v1"),)


def test_a_lane_that_a_rule_closes_invites_nobody_and_refers_whoever_lays_a_document() -> None:
    run = one.ready()
    run.rules = by(rule_set(rule(Effect.CLOSED)))
    run.feed(SiteSeen(1.0, clock_sure=True, local=NOON), AT_REST)
    assert [effect.screen for effect in run.effects if isinstance(effect, Show)][-1] is Screen.CLOSED
    assert not run.lane.in_service()
    run.feed(SiteSeen(1.0, clock_sure=True, local=datetime(2026, 11, 29)), AT_REST)  # noqa: DTZ001 - the day after
    assert run.lane.in_service()
    assert decided(comes(rule_set(rule(Effect.CLOSED)))).reasons == (Objection(Reason.RULE_CLOSED, "one of v1"),)


def test_a_document_that_could_not_be_read_is_referred_for_that_and_not_once_a_rule() -> None:
    asked = rule_set(*(rule(Effect.OFFICER, AgeFrom(12), name=f"r{number}") for number in range(50)))
    run = one.ready()
    run.rules = by(asked)
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(AT_REST, after_ms=run.rules.timing.crossing_max_ms + 1)
    assert not [found for found in decided(run).reasons if found.reason is Reason.RULE_OFFICER]
    assert decided(run).decision is Verdict.REFER


@pytest.mark.parametrize("result", [one for one in CheckResult if one is not CheckResult.SUCCESSFUL])
def test_a_page_of_which_nothing_was_read_is_referred_for_that_alone(result: CheckResult) -> None:
    unread = replace(GENUINE, issuer="", checks=(Check(CheckId.MRZ, result),))
    reasons = {found.reason for found in decided(comes(rule_set(rule(Effect.OFFICER, AgeFrom(12))), unread)).reasons}
    assert reasons
    assert not reasons & {Reason.RULE_OFFICER, Reason.NOT_ELIGIBLE}


# ── what is written, and taken again ─────────────────────────────────────────────────────────────────────────────────


def test_only_what_a_rule_asks_for_is_written() -> None:
    bare = body(decided(comes(NO_RULES)))["evidence"]
    assert (bare["document"]["nationality"], bare["document"]["sex"], bare["document"]["age"]) == ("", "", None)
    assert (bare["site"]["local"], bare["direction"]) == (None, None)
    of_age = body(decided(comes(rule_set(rule(Effect.OFFICER, Not(AgeFrom(12)))))))["evidence"]
    assert (of_age["document"]["nationality"], of_age["document"]["sex"], of_age["document"]["age"]) == ("", "", 40)
    assert (of_age["site"]["local"], of_age["direction"]) == ("2026-11-28T12:00:00", None)
    rest = rule_set(
        rule(Effect.OFFICER, All((NationalityIs(("UTO",)), SexIs((Sex.MALE,)), DirectionIs(BorderDirection.EXIT))))
    )
    asked = body(decided(comes(rest)))["evidence"]
    assert (asked["document"]["nationality"], asked["document"]["sex"], asked["document"]["age"]) == ("FRA", "F", None)
    assert asked["direction"] == "entry"


class Stating(RecordedRuleSets):
    """A log that states one rule set."""

    def __init__(self, stated: RuleSet) -> None:
        super().__init__()
        self._rule_sets[stated.sha256] = stated


RULE_SETS = {
    "officer": rule_set(rule(Effect.OFFICER, NationalityIs(("FRA",)))),
    "nobody": rule_set(rule(Effect.OFFICER, NationalityIs(("UTO",)))),
    "age": rule_set(rule(Effect.ELIGIBLE, All((AgeFrom(18), DocumentTypeIs(("P",)))))),
    "face": rule_set(rule(Effect.THRESHOLD, DirectionIs(BorderDirection.ENTRY), face_match_min=Score(0.9))),
    "closed": rule_set(rule(Effect.CLOSED)),
}


@pytest.mark.parametrize("name", RULE_SETS)
@pytest.mark.parametrize(
    "document", [ADULT, replace(ADULT, age=None, nationality="", sex="")], ids=["known", "unknown"]
)
def test_a_decision_replays_from_its_record_with_the_rules_that_the_log_states(
    name: str, document: DocumentEvidence
) -> None:
    record = decided(comes(RULE_SETS[name], document))
    again, same = replay(body(record), rule_sets=Stating(RULE_SETS[name]))
    assert same
    assert again.objections == record.reasons
    with pytest.raises(RecordError, match="no record before it states"):
        replay(body(record))


def test_a_decision_by_other_rules_does_not_replay() -> None:
    record = decided(comes(RULE_SETS["nobody"]))
    assert record.decision is Verdict.ADMIT
    assert not replay(body(record), rule_sets=Stating(RULE_SETS["officer"]))[1]


def test_a_record_from_before_written_rules_is_read() -> None:
    fields = body(decided(comes(NO_RULES)))
    del fields["policy"]["rules"], fields["evidence"]["direction"], fields["evidence"]["site"]["local"]
    del fields["evidence"]["document"]["sex"], fields["evidence"]["document"]["age"]
    assert replay(fields)[1]


# ── whatever they are ────────────────────────────────────────────────────────────────────────────────────────────────

a_condition = st.sampled_from([All(()), AgeFrom(18), NationalityIs(("FRA",)), SexIs((Sex.MALE,)), Not(AgeFrom(60))])
a_rule = st.builds(
    lambda effect, when, day, at_least: rule(effect, when, first=day, last=day, face_match_min=Score(at_least)),
    st.sampled_from(Effect),
    a_condition,
    st.sampled_from([date(2026, 11, 27), TODAY]),
    st.sampled_from([0.0, 0.5, 0.95]),
)
a_document = st.builds(
    lambda age, nationality, sex: replace(ADULT, age=age, nationality=nationality, sex=sex),
    st.sampled_from([None, 17, 18, 60]),
    st.sampled_from(["", "FRA", "UTO"]),
    st.sampled_from(["", "F", "M", "?"]),
)


@given(st.lists(a_rule, max_size=4).map(tuple), a_document, st.sampled_from([None, NOON]), st.sampled_from([0.3, 0.8]))
def test_no_rules_open_for_anybody_for_whom_the_gate_would_not_open_without_them(
    rules: tuple[Rule, ...], document: DocumentEvidence, local: datetime | None, score: float
) -> None:
    lane = one.ready().lane.lane_evidence(1_000)
    site = replace(one.ready().lane.site_evidence(1_000), local=local)
    evidence = Evidence(
        document, replace(SAME_FACE, match=Score(score)), lane.last, site, direction=BorderDirection.ENTRY
    )
    without = decide(evidence, RULES.policy)
    beside = decide(evidence, RULES.policy, rule_set(*rules))
    assert set(without.objections) <= set(beside.objections)
    unknown = replace(evidence, document=replace(document, age=None, nationality="", sex=""))
    assert len(decide(unknown, RULES.policy, rule_set(*rules)).objections) >= bool(beside.objections)


def test_rules_are_asked_about_what_the_document_says_and_what_it_leaves_open_is_not_known() -> None:
    lane, site = one.ready().lane.lane_evidence(1_000), replace(one.ready().lane.site_evidence(1_000), local=NOON)
    said = replace(ADULT, issuer="UTO", issued=date(2024, 2, 29), expires=date(2034, 2, 28))
    empty = replace(said, document_type="", issuer="", issued=None, expires=None, nationality="", sex="", age=None)
    whole = Facts("P", "UTO", said.issued, said.expires, "FRA", Sex.FEMALE, 40, BorderDirection.EXIT, NOON)
    nothing = Facts(direction=BorderDirection.EXIT, local=NOON)
    for document, known in ((said, whole), (empty, nothing), (None, nothing)):
        assert facts_of(Evidence(document, None, lane.last, site, direction=BorderDirection.EXIT)) == known


def test_a_letter_that_no_mrz_has_is_not_known() -> None:
    lane = one.ready().lane.lane_evidence(1_000)
    site = one.ready().lane.site_evidence(1_000)
    assert facts_of(Evidence(replace(ADULT, sex="?"), None, lane.last, site)).sex is None
