"""What lists and registers said, in a lane: each that is required must have answered, and a hit looks like every other referral."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ready
from hypothesis import given
from hypothesis import strategies as st

from gate.passage import states
from gate.passage.effects import Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    Recorded,
    RegistersAnswered,
    SiteSeen,
    Tick,
)
from gate.passage.names import RecordKind
from gate.passage.policy import Verdict, is_read
from gate.passage.records import Decided
from gate_core.evidence.crossing import Check, CheckId, CheckResult
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import (
    Register,
    RegisterAnswer,
    RegisterCause,
    RegisterFinding,
    Suspension,
    asked,
    register_objections,
    unknown,
)

STOLEN = Register("stolen-documents")
EES = Register(
    "entry-exit",
    (
        Suspension(
            "Suspended at this crossing point", "Regulation (EU) 2017/2226", date(2026, 12, 5), date(2026, 12, 9)
        ),
    ),
)
REQUIRED = replace(RULES, policy=replace(RULES.policy, registers=(STOLEN,)))
NONE = RegisterFinding("stolen-documents", RegisterAnswer.NONE, edition="7")
HIT = RegisterFinding("stolen-documents", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, "7", "h1")
UNKNOWN = RegisterFinding("stolen-documents", RegisterAnswer.UNKNOWN, RegisterCause.LIST_OLD, "7")
UNREAD = replace(GENUINE, checks=(Check(CheckId.MRZ, CheckResult.UNDETERMINED, "nothing of the page was read"),))


def lane(rules: states.Rules = REQUIRED) -> Run:
    run = ready()
    run.rules = rules
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    return run


def decided(run: Run, *events: Event, after_ms: int = 10) -> Decided | None:
    effects = run.feed(*events, after_ms=after_ms)
    records = [one.record for one in effects if isinstance(one, Write)]
    return next((one for one in records if isinstance(one, Decided)), None)


def registers_of(reasons: tuple[Objection, ...]) -> list[Objection]:
    return [one for one in reasons if one.reason in {Reason.REGISTER_HIT, Reason.REGISTER_UNKNOWN}]


@pytest.mark.parametrize(
    ("finding", "objection"),
    [
        (HIT, Objection(Reason.REGISTER_HIT, "stolen-documents: number_listed")),
        (UNKNOWN, Objection(Reason.REGISTER_UNKNOWN, "stolen-documents: list_old")),
    ],
)
def test_a_hit_and_what_is_not_known_lead_to_an_officer(finding: RegisterFinding, objection: Objection) -> None:
    run = lane()
    record = decided(
        run, RegistersAnswered(CROSSING, (finding,)), DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE)
    )
    assert record is not None
    assert record.decision is Verdict.REFER
    assert registers_of(record.reasons) == [objection]
    assert record.evidence.registers == (finding,)
    assert record.policy.registers == (STOLEN,)


def test_the_decision_waits_for_the_registers_and_no_longer_than_their_time() -> None:
    run = lane()
    assert decided(run, DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE)) is None
    assert decided(run, Tick(), after_ms=REQUIRED.timing.registers_max_ms - 20) is None
    record = decided(run, AT_REST, Tick(), after_ms=30)
    assert record is not None
    assert record.reasons == (Objection(Reason.REGISTER_UNKNOWN, "stolen-documents"),)
    assert record.evidence.registers is None


REUSE = Register("reuse")
ELSEWHERE = RegisterFinding("reuse", RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE, about="gate b at 14:05")
BOTH = replace(RULES, policy=replace(RULES.policy, registers=(STOLEN, REUSE)))


@pytest.mark.parametrize(
    ("later", "objections"),
    [
        (RegisterFinding("reuse", RegisterAnswer.NONE), ()),
        (ELSEWHERE, (Objection(Reason.REGISTER_HIT, "reuse: presented_elsewhere: gate b at 14:05"),)),
        (
            RegisterFinding("reuse", RegisterAnswer.UNKNOWN, RegisterCause.NO_KEY),
            (Objection(Reason.REGISTER_UNKNOWN, "reuse: no_key"),),
        ),
    ],
    ids=["none", "hit", "unknown"],
)
def test_who_answers_later_than_others_is_waited_for_and_what_the_others_said_stays(
    later: RegisterFinding, objections: tuple[Objection, ...]
) -> None:
    run = lane(BOTH)
    assert decided(run, RegistersAnswered(CROSSING, (NONE,)), DocumentRead(CROSSING, GENUINE)) is None
    assert decided(run, FaceCompared(CROSSING, SAME_FACE)) is None
    record = decided(run, RegistersAnswered(CROSSING, (later,)))
    assert record is not None
    assert record.reasons == objections
    assert record.evidence.registers == (NONE, later)


def test_where_no_register_is_required_nobody_waits() -> None:
    record = decided(lane(RULES), DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    assert record is not None
    assert record.decision is Verdict.ADMIT
    assert (record.evidence.registers, record.evidence.no_outbound_query) == (None, False)


def test_a_document_that_was_not_read_waits_for_no_register_and_is_referred_for_that_alone() -> None:
    record = decided(lane(), DocumentRead(CROSSING, UNREAD), FaceCompared(CROSSING, SAME_FACE))
    assert record is not None
    assert record.decision is Verdict.REFER
    assert registers_of(record.reasons) == []


@pytest.mark.parametrize("result", list(CheckResult))
def test_whether_a_document_was_read_its_mrz_says_and_no_other_check(result: CheckResult) -> None:
    for other in (CheckResult.SUCCESSFUL, CheckResult.FAILED):
        others = (Check(one, other) for one in CheckId if one is not CheckId.MRZ)
        document = replace(GENUINE, checks=(Check(CheckId.MRZ, result), *others))
        assert is_read(document) is (result is CheckResult.SUCCESSFUL)
    assert not is_read(None)


def suspended_lane(local: datetime | None) -> Run:
    run = lane(replace(RULES, policy=replace(RULES.policy, registers=(STOLEN, EES))))
    run.feed(SiteSeen(1.0, clock_sure=True, local=local))
    return run


def test_a_register_that_is_suspended_today_need_not_answer_and_the_record_shows_the_day() -> None:
    local = datetime(2026, 12, 7, 9, 30)  # noqa: DTZ001 - what the wall shows
    record = decided(
        suspended_lane(local),
        DocumentRead(CROSSING, GENUINE),
        RegistersAnswered(CROSSING, (NONE,)),
        FaceCompared(CROSSING, SAME_FACE),
    )
    assert record is not None
    assert record.reasons == ()
    assert record.evidence.site.local == local
    assert record.policy.registers == (STOLEN, EES)


@pytest.mark.parametrize("day", [4, 10, None])
def test_on_every_other_day_and_when_nobody_knows_the_day_it_must_answer(day: int | None) -> None:
    local = None if day is None else datetime(2026, 12, day, 9, 30)  # noqa: DTZ001 - what the wall shows
    run = suspended_lane(local)
    read = (DocumentRead(CROSSING, GENUINE), RegistersAnswered(CROSSING, (NONE,)), FaceCompared(CROSSING, SAME_FACE))
    assert decided(run, *read) is None
    record = decided(run, AT_REST, Tick(), after_ms=REQUIRED.timing.registers_max_ms + 10)
    assert record is not None
    assert record.reasons == (Objection(Reason.REGISTER_UNKNOWN, "entry-exit"),)


def test_where_all_are_suspended_nobody_waits() -> None:
    run = lane(replace(RULES, policy=replace(RULES.policy, registers=(EES,))))
    run.feed(SiteSeen(1.0, clock_sure=True, local=datetime(2026, 12, 7, 9, 30)))  # noqa: DTZ001 - what the wall shows
    record = decided(run, DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    assert record is not None
    assert record.decision is Verdict.ADMIT


findings = st.builds(
    RegisterFinding,
    st.sampled_from(["stolen-documents", "entry-exit", "other"]),
    st.sampled_from(RegisterAnswer),
    st.none() | st.sampled_from(RegisterCause),
)


@given(said=st.lists(findings, max_size=5).map(tuple))
def test_nothing_is_objected_to_only_when_every_required_register_said_none(said: tuple[RegisterFinding, ...]) -> None:
    objections = register_objections((STOLEN, EES), said, None)
    answered = {one.register for one in said if one.answer is RegisterAnswer.NONE}
    clean = all(one.answer is RegisterAnswer.NONE for one in said) and {"stolen-documents", "entry-exit"} <= answered
    assert (objections == ()) is clean


def test_of_registers_that_are_not_reached_each_is_not_known() -> None:
    names = asked((STOLEN, EES), None)
    assert names == ("stolen-documents", "entry-exit")
    assert [one.cause for one in unknown(names, RegisterCause.NOT_REACHED)] == [RegisterCause.NOT_REACHED] * 2
