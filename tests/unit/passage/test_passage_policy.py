"""Decisions from evidence: nothing missing, doubtful or stale ever admits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from fakes.passage_examples import GENUINE, RULES, SAME_FACE
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.policy import (
    NoChipAuthentication,
    PadPolicy,
    Policy,
    Verdict,
    decide,
    decide_entry,
    face_objections,
    lane_objections,
)
from gate_core.evidence.crossing import (
    AccessEvidence,
    AccessProtocol,
    Alarm,
    CameraTrouble,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    DoorEvidence,
    Evidence,
    FaceEvidence,
    InsideEvidence,
    LaneEvidence,
    PadEvidence,
    PadResult,
    PageCheck,
    PageEvidence,
    Password,
    Score,
    SiteEvidence,
    Swap,
)
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.reasons import Objection, Reason

POLICY = RULES.policy
LANE = DoorEvidence(age_ms=10, closed=True, bodies=0, grants_left=0, emergency=False)
SITE = SiteEvidence(officer_seen_ago_s=5.0, trust_age_days=1.0, clock_sure=True)
GOOD = Evidence(GENUINE, SAME_FACE, LANE, SITE)


def with_check(check_id: CheckId, result: CheckResult | None) -> DocumentEvidence:
    kept = tuple(check for check in GENUINE.checks if check.id is not check_id)
    return replace(GENUINE, checks=kept if result is None else (*kept, Check(check_id, result)))


def reasons(evidence: Evidence, policy: object = POLICY) -> set[Reason]:
    decision = decide(evidence, policy)  # type: ignore[arg-type]
    assert (decision.verdict is Verdict.ADMIT) is (not decision.objections)
    return {objection.reason for objection in decision.objections}


def test_good_evidence_admits() -> None:
    assert decide(GOOD, POLICY).verdict is Verdict.ADMIT


@pytest.mark.parametrize("check_id", list(CheckId))
@pytest.mark.parametrize("result", [*(result for result in CheckResult if result is not CheckResult.SUCCESSFUL), None])
def test_a_check_that_is_not_successful_refers(check_id: CheckId, result: CheckResult | None) -> None:
    evidence = replace(GOOD, document=with_check(check_id, result))
    tolerated = check_id is CheckId.COM_SOD and result is CheckResult.NOT_SUPPORTED
    assert bool(reasons(evidence)) is not tolerated


REASON_OF = {
    None: Reason.DOCUMENT_CHECK_MISSING,
    CheckResult.FAILED: Reason.DOCUMENT_CHECK_FAILED,
    CheckResult.UNDETERMINED: Reason.DOCUMENT_CHECK_UNDETERMINED,
    CheckResult.ABORTED: Reason.DOCUMENT_CHECK_ABORTED,
}


@pytest.mark.parametrize("check_id", list(CheckId))
@pytest.mark.parametrize("result", REASON_OF)
def test_an_objection_names_its_check(check_id: CheckId, result: CheckResult | None) -> None:
    decision = decide(replace(GOOD, document=with_check(check_id, result)), POLICY)
    assert decision.objections == (Objection(REASON_OF[result], check_id.value),)


def test_a_chip_that_cannot_prove_itself_is_objected_to_by_its_issuer() -> None:
    document = with_check(CheckId.CHIP_AUTHENTICITY, CheckResult.NOT_SUPPORTED)
    absent = Objection(Reason.CHIP_AUTHENTICATION_ABSENT, "UTO")
    assert decide(replace(GOOD, document=document), POLICY).objections == (absent,)


def test_no_chip_authentication_is_normal_only_for_the_named_issuer_and_dates() -> None:
    old = replace(with_check(CheckId.CHIP_AUTHENTICITY, CheckResult.NOT_SUPPORTED), issued=date(2016, 5, 1))
    rule = NoChipAuthentication("UTO", date(2015, 1, 1), date(2017, 1, 1))
    policy = replace(POLICY, without_chip_authentication=(rule,))
    assert not reasons(replace(GOOD, document=old), policy)
    for issued in (rule.issued_from, rule.issued_to):
        assert not reasons(replace(GOOD, document=replace(old, issued=issued)), policy)
    for document in (replace(old, issued=date(2018, 1, 1)), replace(old, issued=None), replace(old, issuer="XXX")):
        assert reasons(replace(GOOD, document=document), policy) == {Reason.CHIP_AUTHENTICATION_ABSENT}
    failed = replace(with_check(CheckId.CHIP_AUTHENTICITY, CheckResult.FAILED), issued=date(2016, 5, 1))
    assert reasons(replace(GOOD, document=failed), policy) == {Reason.DOCUMENT_CHECK_FAILED}


IN_CLEAR = AccessEvidence(AccessProtocol.NONE, None)


def test_a_chip_that_anyone_may_read_is_worth_what_its_keys_are_worth() -> None:
    document = replace(with_check(CheckId.CHIP_ACCESS, CheckResult.NOT_SUPPORTED), access=IN_CLEAR)
    assert not reasons(replace(GOOD, document=document))
    for result in (CheckResult.FAILED, CheckResult.UNDETERMINED, CheckResult.ABORTED, CheckResult.NOT_SUPPORTED):
        checks = tuple(
            replace(check, result=result) if check.id is CheckId.CHIP_AUTHENTICITY else check
            for check in document.checks
        )
        assert reasons(replace(GOOD, document=replace(document, checks=checks)))
    unproven = tuple(
        replace(check, result=CheckResult.NOT_SUPPORTED) if check.id is CheckId.CHIP_AUTHENTICITY else check
        for check in document.checks
    )
    old = replace(document, checks=unproven, issued=date(2005, 5, 1))
    assert reasons(replace(GOOD, document=old)) == {Reason.CHIP_AUTHENTICATION_ABSENT}
    rule = NoChipAuthentication("UTO", date(2004, 1, 1), date(2006, 1, 1))
    assert not reasons(replace(GOOD, document=old), replace(POLICY, without_chip_authentication=(rule,)))


@pytest.mark.parametrize("access", [None, AccessEvidence(AccessProtocol.BAC, Password.MRZ)])
def test_access_that_is_not_supported_refers_unless_the_chip_was_read_in_clear(access: AccessEvidence | None) -> None:
    document = replace(with_check(CheckId.CHIP_ACCESS, CheckResult.NOT_SUPPORTED), access=access)
    assert reasons(replace(GOOD, document=document)) == {Reason.DOCUMENT_CHECK_UNDETERMINED}


def test_access_that_failed_refers_though_the_chip_was_read_in_clear() -> None:
    document = replace(with_check(CheckId.CHIP_ACCESS, CheckResult.FAILED), access=IN_CLEAR)
    assert reasons(replace(GOOD, document=document)) == {Reason.DOCUMENT_CHECK_FAILED}


def test_revocation_may_be_undetermined_only_where_policy_says_so() -> None:
    evidence = replace(GOOD, document=with_check(CheckId.REVOCATION, CheckResult.UNDETERMINED))
    assert reasons(evidence) == {Reason.DOCUMENT_CHECK_UNDETERMINED}
    assert not reasons(evidence, replace(POLICY, revocation_required=False))


def test_a_test_document_never_opens_a_gate_in_service() -> None:
    assert reasons(GOOD, replace(POLICY, test_documents=False)) == {Reason.TEST_DOCUMENT}


def test_a_weak_algorithm_refers_with_each_place_unless_policy_lets_it_pass() -> None:
    weak = replace(GOOD, document=replace(GENUINE, weak_algorithms=("lds_hash:sha1", "ds_key:rsa-1024")))
    assert decide(weak, POLICY).objections == (
        Objection(Reason.WEAK_ALGORITHM, "lds_hash:sha1"),
        Objection(Reason.WEAK_ALGORITHM, "ds_key:rsa-1024"),
    )
    assert not reasons(weak, replace(POLICY, weak_algorithms_refer=False))


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        (None, {Reason.FACE_NOT_COMPARED}),
        (FaceEvidence(faces=0), {Reason.FACE_MISSING, Reason.FACE_NOT_COMPARED, Reason.LIVENESS_NOT_RUN}),
        (replace(SAME_FACE, faces=2), {Reason.FACES_SEVERAL}),
        (replace(SAME_FACE, portrait_usable=False), {Reason.PORTRAIT_UNUSABLE}),
        (replace(SAME_FACE, match=Score(0.4109)), {Reason.FACE_BELOW_THRESHOLD}),
        (replace(SAME_FACE, liveness=Score(0.49)), {Reason.LIVENESS_BELOW_BOUND}),
        (replace(SAME_FACE, liveness=None), {Reason.LIVENESS_NOT_RUN}),
        (replace(SAME_FACE, track_held=False), {Reason.TRACK_LOST}),
        (replace(SAME_FACE, trouble=(CameraTrouble.LOOPED,)), {Reason.CAMERA_TAMPERED}),
    ],
)
def test_every_doubt_about_the_face_refers(face: FaceEvidence | None, expected: set[Reason]) -> None:
    assert reasons(replace(GOOD, face=face)) == expected


def test_how_many_faces_and_how_long_ago_is_told() -> None:
    face = replace(SAME_FACE, faces=3, age_ms=POLICY.face_age_max_ms + 1)
    assert decide(replace(GOOD, face=face), POLICY).objections == (
        Objection(Reason.FACES_SEVERAL, "3"),
        Objection(Reason.FACE_NOT_COMPARED, "15001 ms ago"),
    )


def test_a_face_that_is_as_alike_and_as_alive_as_it_must_be_refers_nobody() -> None:
    least = replace(SAME_FACE, match=POLICY.face_match_min, liveness=POLICY.liveness_min, age_ms=POLICY.face_age_max_ms)
    assert reasons(replace(GOOD, face=least)) == set()


def page(*checks: tuple[PageCheckId, CheckResult]) -> DocumentEvidence:
    """The document, its page read by a camera with these results."""
    seen = PageEvidence("camera", "TD3", 0.99, 1, checks=tuple(PageCheck(*one) for one in checks))
    return replace(GENUINE, page=seen)


ACCEPTED = (PageCheckId.PAGE_ACCEPTED, CheckResult.SUCCESSFUL)
B900 = PageCheckId.B900_INK
LISTED = replace(POLICY, page_checks_refer=(B900, PageCheckId.PRINTED_PORTRAIT_CHIP, PageCheckId.PAGE_ACCEPTED))


def page_objections(document: DocumentEvidence, policy: Policy = POLICY, *seen_of_face: PageCheck) -> list[str]:
    """Of which checks of the page a decision complains; and it complains of nothing else."""
    face = replace(SAME_FACE, page_checks=seen_of_face)
    found = decide(replace(GOOD, document=document, face=face), policy).objections
    assert {one.reason for one in found} <= {Reason.PAGE_CHECK}
    return [one.detail for one in found]


def test_a_page_that_is_not_accepted_refers_whatever_the_policy_lists() -> None:
    assert page_objections(page(ACCEPTED)) == []
    for result in (result for result in CheckResult if result is not CheckResult.SUCCESSFUL):
        assert page_objections(page((PageCheckId.PAGE_ACCEPTED, result))) == ["page_accepted"]
    assert page_objections(page()) == ["page_accepted"]
    assert page_objections(GENUINE, LISTED) == [], "a reader that gives text alone has no page to check"


def test_what_the_policy_lists_of_a_page_must_have_passed_on_the_page_or_beside_the_face() -> None:
    portrait = PageCheck(PageCheckId.PRINTED_PORTRAIT_CHIP, CheckResult.SUCCESSFUL)
    assert page_objections(page(ACCEPTED), LISTED) == [B900.value, "printed_portrait_chip"]
    assert page_objections(page(ACCEPTED), LISTED, portrait) == [B900.value]
    ink = (B900, CheckResult.SUCCESSFUL)
    assert page_objections(page(ACCEPTED, ink), LISTED, portrait) == []
    assert page_objections(page(ACCEPTED, ink), LISTED, replace(portrait, result=CheckResult.FAILED)) == [
        "printed_portrait_chip"
    ]
    assert page_objections(page(ACCEPTED, ink)) == []


def test_a_page_is_objected_to_before_there_is_a_face_as_well() -> None:
    decision = decide(replace(GOOD, document=page(), face=None), POLICY)
    assert decision.objections == (
        Objection(Reason.FACE_NOT_COMPARED),
        Objection(Reason.PAGE_CHECK, "page_accepted"),
    )


@pytest.mark.parametrize(
    ("lane", "expected"),
    [
        (None, {Reason.BARRIER_LOST}),
        (replace(LANE, age_ms=301), {Reason.LANE_STATUS_OLD}),
        (replace(LANE, closed=False), {Reason.LANE_NOT_CLOSED}),
        (replace(LANE, grants_left=1), {Reason.LANE_NOT_CLOSED}),
        (replace(LANE, bodies=2), {Reason.BODIES_SEVERAL}),
        (replace(LANE, emergency=True), {Reason.EMERGENCY}),
        (replace(LANE, alarms=(Alarm.FORCED,)), {Reason.BARRIER_ALARM}),
    ],
)
def test_every_doubt_about_the_lane_refers(lane: DoorEvidence | None, expected: set[Reason]) -> None:
    assert reasons(replace(GOOD, lane=lane)) == expected


@pytest.mark.parametrize(
    ("lane", "expected"),
    [
        (None, Objection(Reason.BARRIER_LOST)),
        (replace(LANE, age_ms=POLICY.lane_age_max_ms), None),
        (replace(LANE, age_ms=301), Objection(Reason.LANE_STATUS_OLD, "301")),
        (replace(LANE, closed=False), Objection(Reason.LANE_NOT_CLOSED)),
        (replace(LANE, grants_left=1), Objection(Reason.LANE_NOT_CLOSED)),
        (replace(LANE, bodies=1), Objection(Reason.ZONE_NOT_EMPTY)),
        (replace(LANE, bodies=2), Objection(Reason.BODIES_SEVERAL, "2")),
        (replace(LANE, emergency=True), Objection(Reason.EMERGENCY)),
        (replace(LANE, alarms=(Alarm.FORCED,)), Objection(Reason.BARRIER_ALARM, "forced")),
    ],
)
def test_what_a_door_objects_to_is_told_with_its_figure_and_of_two_with_its_name(
    lane: DoorEvidence | None, expected: Objection | None
) -> None:
    only = () if expected is None else (expected,)
    assert decide(replace(GOOD, lane=lane), POLICY).objections == only
    named = tuple(Objection(one.reason, f"first {one.detail}".strip()) for one in only)
    if lane is not None and lane.bodies == 1:
        named = ()  # one body in the first door's zone is theirs who is let in
    evidence = replace(GOOD, face=None, first=lane, inside=EMPTY)
    assert decide_entry(evidence, TWO_DOORS).objections == named


def test_alone_in_the_zone_before_the_sites_camera_is_the_traveller() -> None:
    camera_inside = replace(POLICY, camera_inside_zone=True)
    assert decide(replace(GOOD, lane=replace(LANE, bodies=1)), camera_inside).objections == ()
    several = (Objection(Reason.BODIES_SEVERAL, "2"),)
    assert decide(replace(GOOD, lane=replace(LANE, bodies=2)), camera_inside).objections == several
    assert lane_objections(replace(GOOD, lane=replace(LANE, bodies=1)).doors, POLICY, by_officer=True) == ()
    assert lane_objections(LaneEvidence(None), replace(POLICY, shadow=True)) == ()


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (None, [Reason.SENSORS_LOST]),
        (InsideEvidence(10, 0, object_left=False, looks=2, session=1), []),
        (
            InsideEvidence(
                9_999,
                None,
                object_left=None,
                looks=0,
                session=1,
                cabinet_open=True,
                mains_present=False,
                help_called=True,
            ),
            [Reason.CABINET_OPEN, Reason.MAINS_LOST, Reason.HELP_CALLED],
        ),
    ],
)
def test_what_a_unit_beside_one_door_objects_to(inside: InsideEvidence | None, expected: list[Reason]) -> None:
    evidence = replace(GOOD, inside=inside)
    assert [one.reason for one in decide(evidence, replace(POLICY, sensors=True)).objections] == expected
    without_unit = [] if inside is None else expected
    assert [one.reason for one in decide(evidence, POLICY).objections] == without_unit


def test_what_the_site_objects_to_is_told_apart() -> None:
    stale = replace(SITE, trust_age_days=POLICY.trust_age_max_days + 1)
    assert decide(replace(GOOD, site=stale), POLICY).objections == (Objection(Reason.LISTS_STALE, "trust"),)
    unseen = replace(SITE, age_s=POLICY.site_age_max_s + 1)
    assert decide(replace(GOOD, site=unseen), POLICY).objections == (
        Objection(Reason.LISTS_STALE, "not looked at"),
        Objection(Reason.CLOCK_UNSURE),
    )
    absent = replace(SITE, officer_seen_ago_s=None)
    assert decide(replace(GOOD, site=absent), replace(POLICY, shadow=True)).objections == ()


TWO_DOORS = replace(POLICY, two_doors=True)
ALONE = InsideEvidence(age_ms=10, people=1, object_left=False, looks=2, session=1)
EMPTY = replace(ALONE, people=0)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (ALONE, None),
        (replace(ALONE, age_ms=TWO_DOORS.inside_age_max_ms), None),
        (replace(ALONE, age_ms=601), Objection(Reason.INSIDE_UNKNOWN, "601 ms ago")),
        (replace(ALONE, people=None), Objection(Reason.INSIDE_UNKNOWN, "people")),
        (replace(ALONE, looks=1), Objection(Reason.INSIDE_UNKNOWN, "people")),
        (replace(ALONE, people=2), Objection(Reason.BODIES_SEVERAL, "2")),
        (EMPTY, Objection(Reason.NOBODY_INSIDE)),
        (replace(ALONE, object_left=True), None),
        (None, Objection(Reason.SENSORS_LOST)),
    ],
)
def test_the_last_of_two_doors_opens_for_one_person_alone(
    inside: InsideEvidence | None, expected: Objection | None
) -> None:
    evidence = replace(GOOD, first=LANE, inside=inside)
    assert decide(evidence, TWO_DOORS).objections == (() if expected is None else (expected,))


def test_in_the_last_doors_zone_the_traveller_stands_alone_and_nobody_while_the_first_one_opens() -> None:
    one, several = replace(LANE, bodies=1), replace(LANE, bodies=2)
    inside = replace(GOOD, first=LANE, inside=ALONE)
    assert decide(replace(inside, lane=one), TWO_DOORS).objections == ()
    assert decide(replace(inside, lane=several), TWO_DOORS).objections == (Objection(Reason.BODIES_SEVERAL, "2"),)
    entering = replace(GOOD, lane=one, face=None, first=LANE, inside=EMPTY)
    assert decide_entry(entering, TWO_DOORS).objections == (Objection(Reason.ZONE_NOT_EMPTY),)


def test_who_waits_before_the_first_door_does_not_keep_the_last_one_closed() -> None:
    evidence = replace(GOOD, first=replace(LANE, bodies=2), inside=ALONE)
    assert decide(evidence, TWO_DOORS).verdict is Verdict.ADMIT


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (EMPTY, None),
        (ALONE, Objection(Reason.PERSON_INSIDE)),
        (replace(EMPTY, object_left=True), Objection(Reason.LEFT_OBJECT)),
        (replace(EMPTY, object_left=None), Objection(Reason.INSIDE_UNKNOWN, "objects")),
    ],
)
def test_the_first_of_two_doors_opens_onto_an_empty_lane(inside: InsideEvidence, expected: Objection | None) -> None:
    evidence = replace(GOOD, face=None, first=LANE, inside=inside)
    assert decide_entry(evidence, TWO_DOORS).objections == (() if expected is None else (expected,))


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        (replace(SITE, officer_seen_ago_s=None), Reason.OFFICER_ABSENT),
        (replace(SITE, officer_seen_ago_s=120.1), Reason.OFFICER_ABSENT),
        (replace(SITE, trust_age_days=None), Reason.LISTS_STALE),
        (replace(SITE, trust_age_days=90.1), Reason.LISTS_STALE),
        (replace(SITE, clock_sure=False), Reason.CLOCK_UNSURE),
    ],
)
def test_every_doubt_about_the_surroundings_refers(site: SiteEvidence, expected: Reason) -> None:
    assert reasons(replace(GOOD, site=site)) == {expected}


def test_what_is_as_old_as_it_may_be_refers_nobody() -> None:
    oldest = SiteEvidence(
        POLICY.officer_presence_max_s, POLICY.trust_age_max_days, clock_sure=True, age_s=POLICY.site_age_max_s
    )
    assert reasons(replace(GOOD, site=oldest)) == set()


def test_no_document_at_all_refers() -> None:
    assert (
        Objection(Reason.DOCUMENT_CHECK_MISSING, "document") in decide(replace(GOOD, document=None), POLICY).objections
    )


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_score_may_be_at_the_end_of_its_range(value: float) -> None:
    assert Score(value).value == value


@given(st.floats())
def test_a_score_is_in_range_or_is_none_at_all(value: float) -> None:
    if -1.0 <= value <= 1.0:
        assert Score(value).value == value
    else:
        with pytest.raises(ValueError, match="out of range"):
            Score(value)


SENSOR = PadEvidence("Depth 3", "2.1", Score(0.5), PadResult.LIVE, Score(0.8), 120)
WANTED = PadPolicy("Depth 3", ("2.0", "2.1"), Score(0.5), 1000)


@pytest.mark.parametrize(
    ("said", "objections"),
    [
        (SENSOR, ()),
        (replace(SENSOR, score=Score(0.5), age_ms=1000), ()),
        (None, (Objection(Reason.LIVENESS_NOT_RUN, "sensor"),)),
        (replace(SENSOR, name="Depth 4"), (Objection(Reason.LIVENESS_NOT_RUN, "another sensor"),)),
        (replace(SENSOR, version="2.2"), (Objection(Reason.LIVENESS_NOT_RUN, "another sensor"),)),
        (replace(SENSOR, bound=Score(0.4)), (Objection(Reason.LIVENESS_NOT_RUN, "another sensor"),)),
        (replace(SENSOR, age_ms=1001), (Objection(Reason.LIVENESS_NOT_RUN, "sensor, 1001 ms ago"),)),
        (replace(SENSOR, age_ms=-1), (Objection(Reason.LIVENESS_NOT_RUN, "sensor, -1 ms ago"),)),
        (
            replace(SENSOR, result=PadResult.UNDETERMINED, score=None),
            (Objection(Reason.LIVENESS_NOT_RUN, "sensor undecided"),),
        ),
        (replace(SENSOR, score=None), (Objection(Reason.LIVENESS_NOT_RUN, "sensor undecided"),)),
        (replace(SENSOR, result=PadResult.ATTACK), (Objection(Reason.LIVENESS_BELOW_BOUND, "sensor"),)),
        (replace(SENSOR, score=Score(0.49)), (Objection(Reason.LIVENESS_BELOW_BOUND, "sensor"),)),
    ],
)
def test_a_sensors_own_verdict_must_be_there_its_own_fresh_and_favourable_where_there_is_one(
    said: PadEvidence | None, objections: tuple[Objection, ...]
) -> None:
    face = replace(SAME_FACE, pad=said)
    assert face_objections(face, RULES.policy) == ()
    assert face_objections(face, replace(RULES.policy, pad=WANTED)) == objections


@pytest.mark.parametrize(
    ("swap", "objections"),
    [
        (Swap.NONE, ()),
        (None, (Objection(Reason.SWAP_NOT_CHECKED),)),
        (Swap.OTHER_FACE, (Objection(Reason.SWAP_SUSPECTED, "other_face"),)),
        (Swap.OTHER_DOCUMENT, (Objection(Reason.SWAP_SUSPECTED, "other_document"),)),
    ],
)
def test_who_came_lately_with_another_document_is_an_officers_where_the_site_looks(
    swap: Swap | None, objections: tuple[Objection, ...]
) -> None:
    face = replace(SAME_FACE, swap=swap)
    assert face_objections(face, RULES.policy) == ()
    looking = replace(RULES.policy, swap_check_minutes=5)
    assert face_objections(face, looking) == objections
    uncompared = face_objections(replace(face, match=None), looking)
    assert [one.reason for one in uncompared] == [Reason.FACE_NOT_COMPARED]
