"""From a page that was read to evidence: what counts as accepted, which checks are told, what the policy makes of them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from fakes.page_readings import PASSPORT, geometry, reading
from fakes.passage_examples import GENUINE, RULES, SAME_FACE, ready

from gate.channel import vision_messages
from gate.page.picture.crosscheck import MEASURED_ON
from gate.page.values import Read, Why
from gate.passage.policy import page_objections
from gate.programs.lane.document.inspection import page_evidence
from gate.programs.vision.page_source_child import guidance_of, message_of, readings_of
from gate_core.evidence.crossing import CheckResult, Evidence, PageCheck, PageEvidence, page_checks
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import PageResult, PageVerdict, PageVerdicts, VendorCheck
from gate_documents.checks import Check, CheckId, Result
from gate_documents.verdict.conclusion import DocumentFields, Inspection

READ = vision_messages.PageRead(1, "camera", "TD3", 0.9, True, [])


def inspected(mrz_dg1: Result) -> Inspection:
    fields = DocumentFields("P", "UTO", "UTO", number_present=True, issued=None, expires=None)
    return Inspection((Check(CheckId.MRZ_DG1, mrz_dg1, ""),), fields, test_issuer=True)


@pytest.mark.parametrize(
    ("accepted", "mrz_dg1", "tries", "counts"),
    [
        (True, Result.SUCCESSFUL, 1, True),
        (True, Result.ABORTED, 1, True),
        (True, Result.ABORTED, 2, False),  # the second reading was never accepted by the rule
        (True, Result.SUCCESSFUL, 2, True),
        (False, Result.SUCCESSFUL, 1, True),
        (False, Result.FAILED, 1, False),
        (False, Result.UNDETERMINED, 1, False),
    ],
)
def test_a_reading_counts_by_the_rule_or_because_the_chip_says_the_same(
    accepted: bool,  # noqa: FBT001 - a row of the table
    mrz_dg1: Result,
    tries: int,
    counts: bool,  # noqa: FBT001
) -> None:
    shown = vision_messages.PageRead(1, "camera", "TD3", 0.9, accepted, [])
    evidence = page_evidence(shown, inspected(mrz_dg1), visa=False, tries=tries)
    (check,) = evidence.checks
    assert check.id is PageCheckId.PAGE_ACCEPTED
    assert (check.result is CheckResult.SUCCESSFUL) is counts


def test_vision_alone_cannot_say_that_a_page_is_accepted_and_the_first_finding_of_a_kind_counts() -> None:
    told = [
        PageCheck(PageCheckId.PAGE_ACCEPTED, CheckResult.SUCCESSFUL),
        PageCheck(PageCheckId.DULL_PAPER, CheckResult.FAILED, 0.2, 0.01, "ACME 1"),
        PageCheck(PageCheckId.DULL_PAPER, CheckResult.SUCCESSFUL),
    ]
    assert page_checks(told) == (PageCheck(PageCheckId.DULL_PAPER, CheckResult.FAILED, 0.2, 0.01, "ACME 1"),)


def test_a_second_reading_is_tried_and_no_third() -> None:
    second, third = ((PASSPORT[0], PASSPORT[1].replace("0", letter, 1)) for letter in "OD")
    seen = Read(1, reading(alternatives=(PASSPORT, second, third)), accepted=False)
    assert readings_of(seen) == [list(PASSPORT), list(second)]


def test_a_reading_becomes_a_message_with_the_print_and_the_vendors_verdicts() -> None:
    uneven = reading(geometry=geometry(pitch_residual=0.4), alternatives=(PASSPORT,) * 20)
    verdicts = PageVerdicts("ACME Pages 3", (PageVerdict(VendorCheck.B900_INK, PageResult.FAILED, 0.1, 0.02),))
    message = message_of(Read(4, uneven, accepted=False), source="folder", verdicts=verdicts)
    assert (message.page, message.accepted, message.format) == (4, False, "TD3")
    assert PASSPORT[1] not in str(msgspec.to_builtins(message)), "the lines go another way"
    found = {finding.id: finding for finding in message.findings}
    assert found[PageCheckId.MRZ_PITCH_EVEN].result is CheckResult.FAILED
    assert found[PageCheckId.MRZ_PITCH_EVEN].measured_on == MEASURED_ON
    assert found[PageCheckId.MRZ_LINE_SPACING].result is CheckResult.SUCCESSFUL
    b900 = found[PageCheckId.B900_INK]
    assert (b900.result, b900.measured, b900.false_alarm_rate) == (CheckResult.FAILED, 0.1, 0.02)
    assert b900.measured_on == "ACME Pages 3"


def test_print_that_is_too_coarse_to_tell_is_undetermined() -> None:
    coarse = reading(geometry=geometry(pitch_px=6.0))
    message = message_of(Read(1, coarse, accepted=True), source="camera", verdicts=None)
    assert {finding.result for finding in message.findings} == {CheckResult.UNDETERMINED}


@pytest.mark.parametrize("why", [None, *Why])
def test_every_reason_has_advice_about_the_page(why: Why | None) -> None:
    advice = guidance_of(why)
    assert (advice is Guidance.NONE) is (why is None)
    assert why is None or advice.value.startswith("page_")


# ── what the policy makes of it ──────────────────────────────────────────────────────────────────────────────────────

ACCEPTED = PageCheck(PageCheckId.PAGE_ACCEPTED, CheckResult.SUCCESSFUL)
DULL = PageCheck(PageCheckId.DULL_PAPER, CheckResult.FAILED, 0.1)
UNLIKE = PageCheck(PageCheckId.PRINTED_PORTRAIT_CHIP, CheckResult.FAILED, 0.2)


def evidence_with(*checks: PageCheck) -> Evidence:
    page = PageEvidence("camera", "TD3", 0.9, 1, checks=checks)
    face = replace(SAME_FACE, page_checks=(UNLIKE,))
    site = ready().lane.site_evidence(1_000)
    return Evidence(replace(GENUINE, page=page), face, None, site)


def test_checks_of_the_page_refer_nobody_by_themselves() -> None:
    assert page_objections(evidence_with(ACCEPTED, DULL), RULES.policy) == ()


def test_a_page_that_is_not_accepted_always_refers() -> None:
    refused = PageCheck(PageCheckId.PAGE_ACCEPTED, CheckResult.FAILED)
    for checks in ((refused,), ()):
        assert page_objections(evidence_with(*checks), RULES.policy) == (Objection(Reason.PAGE_CHECK, "page_accepted"),)


def test_the_policy_lists_which_checks_refer_and_one_that_did_not_run_never_counts_as_passed() -> None:
    listed = (PageCheckId.DULL_PAPER, PageCheckId.PRINTED_PORTRAIT_CHIP, PageCheckId.B900_INK)
    policy = replace(RULES.policy, page_checks_refer=listed)
    found = page_objections(evidence_with(ACCEPTED, DULL), policy)
    assert [objection.detail for objection in found] == ["dull_paper", "printed_portrait_chip", "b900_ink"]


def test_a_document_from_a_reader_that_gives_text_alone_has_no_page_to_object_to() -> None:
    policy = replace(RULES.policy, page_checks_refer=(PageCheckId.DULL_PAPER,))
    without = evidence_with(ACCEPTED)
    assert page_objections(replace(without, document=GENUINE), policy) == ()
    assert page_objections(replace(without, document=None), policy) == ()
    assert page_objections(replace(evidence_with(ACCEPTED), face=None), RULES.policy) == ()


def test_whatever_is_looked_at_on_a_page_has_its_name_in_the_record() -> None:
    assert {one.value for one in VendorCheck} < {one.value for one in PageCheckId}
