"""What the signer's scope and known defects make of checks: a failure explained, a success taken away, nothing made good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.master_lists import party
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia

from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.authenticity.proofs import ChipProof
from gate_documents.authenticity.signer_scope import judge_document_type, judge_signing_time
from gate_documents.checks import Check, CheckId, Result
from gate_documents.inspection import inspect_files
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.known_defects import Affected, Defect, Flaw, KnownDefects
from gate_documents.pki.path import find_issuer
from gate_documents.verdict.conclusion import Inspection
from gate_documents.verdict.defects import judge_known_defects, soften
from gate_documents.verdict.findings import Findings

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
AA, CA, CAM = ChipProof.ACTIVE_AUTHENTICATION, ChipProof.CHIP_AUTHENTICATION, ChipProof.PACE_CAM


def softened(
    flaw: Flaw,
    *failing: CheckId,
    result: Result = Result.FAILED,
    proofs: frozenset[ChipProof] = frozenset(),
    changed: frozenset[int] = frozenset(),
    groups: frozenset[int] = frozenset(),
) -> dict[CheckId, Result]:
    """The results that are not successful; the checks named have failed, the others are successful."""
    checks = [Check(one, result if one in failing else Result.SUCCESSFUL, "why") for one in CheckId]
    done = soften(checks, [Defect(flaw, groups)], proofs=proofs, changed=changed)
    assert [check.id for check in done] == list(CheckId)
    return {check.id: check.result for check in done if check.result is not Result.SUCCESSFUL}


@pytest.mark.parametrize(
    ("flaw", "explained"),
    [
        (Flaw.DS_SIGNATURE, [CheckId.DS_SIGNATURE]),
        (Flaw.DS_ENCODING, [CheckId.SOD_SIGNATURE, CheckId.DS_SIGNATURE, CheckId.DS_VALIDITY, CheckId.COUNTRY]),
        (Flaw.DS_REPLACED, [CheckId.SOD_SIGNATURE, CheckId.DS_SIGNATURE, CheckId.DS_VALIDITY, CheckId.COUNTRY]),
        (Flaw.CSCA_ENCODING, [CheckId.DS_SIGNATURE, CheckId.CSCA_VALIDITY]),
        (Flaw.SOD_SIGNATURE, [CheckId.SOD_SIGNATURE]),
        (Flaw.WRONG_SIGNER, [CheckId.SOD_SIGNATURE]),
        (Flaw.MRZ_DATA, [CheckId.MRZ, CheckId.MRZ_DG1]),
        (Flaw.MRZ_CHECK_DIGIT, [CheckId.MRZ]),
        (Flaw.CHIP, [CheckId.CHIP_ACCESS, CheckId.CHIP_AUTHENTICITY]),
    ],
)
def test_a_defect_explains_the_failures_of_its_checks_and_of_no_other(flaw: Flaw, explained: list[CheckId]) -> None:
    left = softened(flaw, *CheckId)
    assert {check for check, result in left.items() if result is Result.UNDETERMINED} == set(explained)
    assert {result for check, result in left.items() if check not in explained} == {Result.FAILED}


@pytest.mark.parametrize("flaw", [flaw for flaw in Flaw if flaw is not Flaw.UNKNOWN_DOCUMENT_DEFECT])
@pytest.mark.parametrize("result", [Result.FAILED, Result.ABORTED, Result.UNDETERMINED])
def test_no_defect_ever_makes_a_check_successful_that_its_evidence_does_not(flaw: Flaw, result: Result) -> None:
    everything = frozenset(ChipProof)
    left = softened(flaw, *CheckId, result=result, proofs=everything, changed=frozenset({12}), groups=frozenset({12}))
    assert left.keys() == set(CheckId)


def test_a_defect_changes_nothing_about_a_document_without_a_failure() -> None:
    explaining = set(Flaw) - {
        Flaw.DS_NOT_TRUSTED,
        Flaw.DS_UNDER_INVESTIGATION,
        Flaw.CHIP_KEYS_COMPROMISED,
        Flaw.ACTIVE_KEYS_COMPROMISED,
        Flaw.UNKNOWN_DOCUMENT_DEFECT,
    }
    for flaw in explaining:
        assert softened(flaw, proofs=frozenset(ChipProof)) == {}


@pytest.mark.parametrize(
    ("flaw", "check"), [(Flaw.DS_VALIDITY, CheckId.DS_VALIDITY), (Flaw.CSCA_VALIDITY, CheckId.CSCA_VALIDITY)]
)
def test_a_validity_that_is_known_to_be_wrong_is_not_judged_and_the_whole_stays_undetermined(
    flaw: Flaw, check: CheckId
) -> None:
    assert softened(flaw, check) == {check: Result.NOT_SUPPORTED}
    checks = tuple(Check(one, Result.NOT_SUPPORTED if one is check else Result.SUCCESSFUL) for one in CheckId)
    assert Inspection(checks, None, test_issuer=False).overall is Result.UNDETERMINED  # type: ignore[arg-type]


def test_wrong_hashes_are_explained_only_as_far_as_they_are_known() -> None:
    known = frozenset({12})
    explained = softened(Flaw.DATA_GROUP_HASH, CheckId.DG_HASHES, changed=known, groups=known)
    assert explained == {CheckId.DG_HASHES: Result.UNDETERMINED}
    more = softened(Flaw.DATA_GROUP_HASH, CheckId.DG_HASHES, changed=frozenset({2, 12}), groups=known)
    assert more == {CheckId.DG_HASHES: Result.FAILED}
    malformed = softened(Flaw.DATA_GROUP_MALFORMED, CheckId.DG_HASHES, changed=known, groups=known)
    assert malformed == {CheckId.DG_HASHES: Result.FAILED}


def test_groups_known_to_be_malformed_are_named() -> None:
    checks = [Check(one, Result.UNDETERMINED, "breaks its format") for one in CheckId]
    defect = Defect(Flaw.DATA_GROUP_MALFORMED, frozenset({11, 3}))
    done = soften(checks, [defect], proofs=frozenset(), changed=frozenset())
    reason = next(check.reason for check in done if check.id is CheckId.DG_HASHES)
    assert reason == "breaks its format; DG3, DG11 known to be malformed"


def test_a_known_difference_of_com_and_sod_counts_only_with_hashes_that_hold() -> None:
    assert softened(Flaw.COM_SOD, CheckId.COM_SOD) == {}
    both = softened(Flaw.COM_SOD, CheckId.COM_SOD, CheckId.DG_HASHES)
    assert both == {CheckId.COM_SOD: Result.UNDETERMINED, CheckId.DG_HASHES: Result.FAILED}


@pytest.mark.parametrize(
    ("flaw", "proofs", "expected"),
    [
        (Flaw.ACTIVE_KEYS_COMPROMISED, {AA}, Result.FAILED),
        (Flaw.ACTIVE_KEYS_COMPROMISED, {AA, CA}, Result.FAILED),
        (Flaw.ACTIVE_KEYS_COMPROMISED, {CA}, Result.SUCCESSFUL),
        (Flaw.CHIP_KEYS_COMPROMISED, {CAM}, Result.FAILED),
        (Flaw.CHIP_KEYS_COMPROMISED, {AA}, Result.SUCCESSFUL),
    ],
)
def test_compromised_keys_prove_nothing(flaw: Flaw, proofs: set[ChipProof], expected: Result) -> None:
    left = softened(flaw, proofs=frozenset(proofs))
    assert left.get(CheckId.CHIP_AUTHENTICITY, Result.SUCCESSFUL) is expected


@pytest.mark.parametrize(
    ("flaw", "proofs", "expected"),
    [
        (Flaw.ACTIVE_AUTHENTICATION_FAILS, {AA}, Result.UNDETERMINED),
        (Flaw.ACTIVE_AUTHENTICATION_FAILS, {AA, CA}, Result.FAILED),
        (Flaw.CHIP_AUTHENTICATION_FAILS, {CA}, Result.UNDETERMINED),
        (Flaw.PACE_CAM_FAILS, {CAM}, Result.UNDETERMINED),
        (Flaw.CARD_SECURITY, {CAM}, Result.UNDETERMINED),
        (Flaw.CARD_SECURITY, {AA}, Result.FAILED),
        (Flaw.ACTIVE_AUTHENTICATION_FAILS, set(), Result.FAILED),
    ],
)
def test_a_protocol_known_to_fail_explains_only_its_own_failure(
    flaw: Flaw, proofs: set[ChipProof], expected: Result
) -> None:
    left = softened(flaw, CheckId.CHIP_AUTHENTICITY, proofs=frozenset(proofs))
    assert left == {CheckId.CHIP_AUTHENTICITY: expected}


def test_a_signer_that_a_list_revokes_takes_with_it_what_it_vouches_for() -> None:
    signed = (CheckId.DS_SIGNATURE, CheckId.REVOCATION, CheckId.DG_HASHES)
    assert softened(Flaw.DS_NOT_TRUSTED) == dict.fromkeys(signed, Result.FAILED)
    assert softened(Flaw.DS_UNDER_INVESTIGATION) == dict.fromkeys(signed, Result.UNDETERMINED)
    unknown = softened(Flaw.DS_NOT_TRUSTED, CheckId.REVOCATION, result=Result.UNDETERMINED)
    assert unknown[CheckId.REVOCATION] is Result.FAILED


def test_a_defect_that_nobody_understands_leaves_the_chip_unproven() -> None:
    left = softened(Flaw.UNKNOWN_DOCUMENT_DEFECT)
    assert left == {CheckId.DG_HASHES: Result.UNDETERMINED, CheckId.CHIP_AUTHENTICITY: Result.UNDETERMINED}


# ── scope ────────────────────────────────────────────────────────────────────────────────────────────────────────────

VALID = Check(CheckId.DS_VALIDITY, Result.SUCCESSFUL, "valid")
STATE = Check(CheckId.COUNTRY, Result.SUCCESSFUL, "UTO signs as UT")


def signer() -> Certificate:
    base = parse_certificate(party("Signer", authority=False).der)
    return replace(
        base,
        not_before=NOW - timedelta(days=1000),
        not_after=NOW + timedelta(days=1000),
        key_use=(NOW - timedelta(days=1000), NOW - timedelta(days=900)),
        document_types=frozenset({"P"}),
    )


def test_the_period_in_which_a_key_may_sign_is_within_its_certificates_validity() -> None:
    one = signer()
    assert one.may_sign_at(NOW - timedelta(days=950))
    assert not one.may_sign_at(NOW)
    assert one.valid_at(NOW)
    assert replace(one, key_use=(None, None)).may_sign_at(NOW)
    assert not replace(one, key_use=(NOW, None)).may_sign_at(NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("days_ago", "issued_days_ago", "expected"),
    [
        (950, None, Result.SUCCESSFUL),
        (None, None, Result.SUCCESSFUL),
        (899, None, Result.FAILED),
        (1001, None, Result.FAILED),
        (950, 945, Result.SUCCESSFUL),
        (950, 880, Result.SUCCESSFUL),
        (950, 1020, Result.SUCCESSFUL),
        (950, 860, Result.UNDETERMINED),
        (None, 3000, Result.UNDETERMINED),
    ],
)
def test_a_document_is_made_in_its_signers_time(
    days_ago: int | None, issued_days_ago: int | None, expected: Result
) -> None:
    signed_at = None if days_ago is None else NOW - timedelta(days=days_ago)
    issued = None if issued_days_ago is None else (NOW - timedelta(days=issued_days_ago)).date()
    assert judge_signing_time(VALID, signer(), signed_at, issued, now=NOW).result is expected


def test_what_has_failed_is_not_refined() -> None:
    failed = replace(VALID, result=Result.FAILED)
    assert judge_signing_time(failed, signer(), NOW, date(1999, 1, 1), now=NOW) is failed


@pytest.mark.parametrize(
    ("listed", "document_type", "expected"),
    [
        (None, "P<", Result.SUCCESSFUL),
        ({"P"}, "P<", Result.SUCCESSFUL),
        ({"P"}, "PD", Result.SUCCESSFUL),
        ({"PD"}, "PD", Result.SUCCESSFUL),
        ({"PD"}, "P", Result.FAILED),
        ({"ID", "AR"}, "P", Result.FAILED),
        (set(), "P", Result.UNDETERMINED),
    ],
)
def test_a_signer_signs_the_types_of_documents_that_it_was_made_for(
    listed: set[str] | None, document_type: str, expected: Result
) -> None:
    one = replace(signer(), document_types=None if listed is None else frozenset(listed))
    assert judge_document_type(STATE, one, document_type).result is expected


def test_a_state_cannot_sign_in_anothers_name() -> None:
    csca = party("CSCA", country="UT")
    posing = party("CSCA of ZZ", country="ZZ", key=csca.key)  # the key of UT under a name of ZZ
    forged = parse_certificate(party("Signer", country="ZZ", issuer=posing, authority=False).der)
    path = find_issuer(forged, ListedAnchors([csca.der]), NOW)
    assert (path.result, path.anchor) == (Result.FAILED, None)
    assert "another country" in path.reason


# ── whole inspections ────────────────────────────────────────────────────────────────────────────────────────────────


def inspection(flaw: Flaw, *, country: str = "", changed: bool = False) -> Inspection:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
    files = {name.replace("_", "."): content for name, content in passport.files.items()}
    if changed:
        files["EF.DG2"] = files["EF.DG2"][:-1] + b"\x00"
    entry = KnownDefects(Affected(document_numbers=frozenset({ANNA.number})), (Defect(flaw, frozenset({2}), country),))
    anchors = ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values(), defects=[entry])
    return inspect_files(files, anchors=anchors, now=NOW, mrz=parse(passport.mrz_lines))


def test_an_inspection_asks_for_the_defects_of_its_document() -> None:
    assert inspection(Flaw.CHIP).result_of(CheckId.DG_HASHES) is Result.SUCCESSFUL
    assert inspection(Flaw.DS_NOT_TRUSTED).result_of(CheckId.REVOCATION) is Result.FAILED
    assert inspection(Flaw.DATA_GROUP_HASH, changed=True).result_of(CheckId.DG_HASHES) is Result.UNDETERMINED
    assert inspection(Flaw.CHIP, changed=True).result_of(CheckId.DG_HASHES) is Result.FAILED


def refined_country(corrected: str) -> Check:
    """The check of the country for a document of Utopia whose signer names a wrong country."""
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
    verdict = judge_sod(passport.files["EF_SOD"], ListedAnchors(utopia().csca_files().values()), NOW)
    assert verdict.signer is not None
    verdict = replace(verdict, signer=replace(verdict.signer, issuer_country="UTO"))
    entry = KnownDefects(Affected(document_type="P"), (Defect(Flaw.ISSUING_COUNTRY, country=corrected),))
    findings = Findings(anchors=ListedAnchors(defects=[entry]), now=NOW, printed=None, sod=verdict)
    findings.take(1, passport.files["EF_DG1"])
    checks = tuple(Check(one, Result.FAILED if one is CheckId.COUNTRY else Result.SUCCESSFUL) for one in CheckId)
    done = judge_known_defects(checks, findings)
    return next(check for check in done if check.id is CheckId.COUNTRY)


def test_a_corrected_country_is_what_the_check_compares_with() -> None:
    right = refined_country("UT")
    assert (right.result, right.reason) == (Result.SUCCESSFUL, "UTO signs as UT, by a defect list")
    assert refined_country("FR").result is Result.FAILED
    assert refined_country("ZZ").result is Result.UNDETERMINED


def test_without_a_known_signer_nothing_is_refined() -> None:
    checks = tuple(Check(one, Result.FAILED) for one in CheckId)
    assert judge_known_defects(checks, Findings(anchors=ListedAnchors(), now=NOW, printed=None)) is checks
