"""Applies known defects to the results of checks (BSI TR-03135-1 §5.8.2).

A defect explains a failure: failed becomes undetermined, for an officer to look. It never makes a check successful
without evidence of its own. A revoked signer or a compromised key has the opposite effect and removes a success.

Three clauses leave room, and the careful reading is used: an incorrect validity period makes the check not supported
(§5.6.4.3.4) and the whole at best undetermined (§5.8.2.1.6); with EF.COM and EF.SOD known to differ, the check is
successful only if the data groups agree with EF.SOD (§5.8.2.2.3); and what a replacement certificate would show stays
undetermined.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gate_documents.authenticity.passive_authentication import judge_country
from gate_documents.authenticity.proofs import ChipProof
from gate_documents.authenticity.signer_scope import judge_document_type
from gate_documents.checks import Check, CheckId, Result
from gate_documents.pki.known_defects import Facts, Flaw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gate_documents.pki.certificate import Certificate
    from gate_documents.pki.known_defects import Defect
    from gate_documents.verdict.findings import Findings

_CERTIFICATE_CHECKS: Final = (CheckId.SOD_SIGNATURE, CheckId.DS_SIGNATURE, CheckId.DS_VALIDITY, CheckId.COUNTRY)
# Flaws that explain the failure of a check.
_EXPLAINS: Final = {
    Flaw.DS_REPLACED: _CERTIFICATE_CHECKS,
    Flaw.DS_ENCODING: _CERTIFICATE_CHECKS,
    Flaw.DS_SIGNATURE: (CheckId.DS_SIGNATURE,),
    Flaw.CSCA_ENCODING: (CheckId.DS_SIGNATURE, CheckId.CSCA_VALIDITY),
    Flaw.SOD_SIGNATURE: (CheckId.SOD_SIGNATURE,),
    Flaw.WRONG_SIGNER: (CheckId.SOD_SIGNATURE,),
    Flaw.MRZ_DATA: (CheckId.MRZ, CheckId.MRZ_DG1),
    Flaw.MRZ_CHECK_DIGIT: (CheckId.MRZ,),
    Flaw.CHIP: (CheckId.CHIP_ACCESS, CheckId.CHIP_AUTHENTICITY),
}
_VALIDITY: Final = {Flaw.DS_VALIDITY: CheckId.DS_VALIDITY, Flaw.CSCA_VALIDITY: CheckId.CSCA_VALIDITY}
# A signer that is not trusted takes with it what it vouches for (§5.8.2.1.1).
_SIGNED: Final = (CheckId.DS_SIGNATURE, CheckId.REVOCATION, CheckId.DG_HASHES)
_COMPROMISED: Final = {
    Flaw.CHIP_KEYS_COMPROMISED: frozenset({ChipProof.CHIP_AUTHENTICATION, ChipProof.PACE_CAM}),
    Flaw.ACTIVE_KEYS_COMPROMISED: frozenset({ChipProof.ACTIVE_AUTHENTICATION}),
}
_FAILING: Final = {
    Flaw.CHIP_AUTHENTICATION_FAILS: ChipProof.CHIP_AUTHENTICATION,
    Flaw.ACTIVE_AUTHENTICATION_FAILS: ChipProof.ACTIVE_AUTHENTICATION,
    Flaw.PACE_CAM_FAILS: ChipProof.PACE_CAM,
    Flaw.CARD_SECURITY: ChipProof.PACE_CAM,  # malformed: what it would prove stays open
}
_KNOWN: Final = "a known defect of these documents"


def judge_known_defects(checks: tuple[Check, ...], findings: Findings) -> tuple[Check, ...]:
    """Return the checks with this document's known defects applied, in the same order.

    Checks of documents with an unknown signer are unchanged.
    """
    signer = _signer(findings)
    defects = () if signer is None else _defects(findings, signer)
    if signer is None or not defects:
        return checks
    corrected = (
        _corrected_country(check, findings, signer, defects) if check.id is CheckId.COUNTRY else check
        for check in checks
    )
    return soften(corrected, defects, proofs=findings.proofs(), changed=_changed(findings))


def _signer(findings: Findings) -> Certificate | None:
    """Return the document signer, or the one claimed in EF.SOD if its signature is invalid. Defects only explain, so a claim suffices."""
    if findings.sod is None or findings.sod.security is None:
        return None
    return findings.sod.signer or next(iter(findings.sod.security.message.certificates), None)


def _defects(findings: Findings, signer: Certificate) -> tuple[Defect, ...]:
    mrz = findings.chip_mrz()
    facts = Facts(
        signer=signer,
        document_type="" if mrz is None else mrz.document_type,
        document_number="" if mrz is None else mrz.number,
        issued=findings.issued(),
    )
    return tuple(
        defect for entry in findings.anchors.known_defects(signer) if entry.covers(facts) for defect in entry.defects
    )


def _corrected_country(check: Check, findings: Findings, signer: Certificate, defects: tuple[Defect, ...]) -> Check:
    """Return the check of the issuing state with the country from a defect list (TR-03135-1 §5.8.2.2.5)."""
    countries = [defect.country for defect in defects if defect.flaw is Flaw.ISSUING_COUNTRY]
    signed = findings.sod is not None and findings.sod.signer is not None
    mrz = findings.chip_mrz()
    if not countries or not signed or mrz is None or check.result is Result.SUCCESSFUL:
        return check
    corrected = replace(signer, country=countries[0], issuer_country=countries[0])
    judged = judge_document_type(judge_country(corrected, mrz.issuer), corrected, mrz.document_type)
    return replace(judged, reason=f"{judged.reason}, by a defect list")


def _changed(findings: Findings) -> frozenset[int]:
    """Return the data groups that do not agree with EF.SOD."""
    return frozenset(number for number in findings.files if findings.lists(number) and findings.file(number) is None)


def soften(
    checks: Iterable[Check], defects: Iterable[Defect], *, proofs: frozenset[ChipProof], changed: frozenset[int]
) -> tuple[Check, ...]:
    """Return the checks with the defects applied, in the same order.

    `proofs`: the protocols by which the chip was asked to prove itself; `changed`: the data groups that differ from
    EF.SOD. A corrected issuing country is not applied here: the check of the country compares with it.
    """
    found = tuple(defects)
    flaws = {defect.flaw for defect in found}
    softened = {check.id: check for check in checks}
    for flaw in flaws & _EXPLAINS.keys():
        for check_id in _EXPLAINS[flaw]:
            _explain(softened, check_id)
    _soften_validity(softened, flaws)
    _soften_hashes(softened, found, changed)
    _soften_com(softened, flaws)
    _judge_chip(softened, flaws, proofs)
    _judge_trust(softened, flaws)
    return tuple(softened.values())


def _explain(checks: dict[CheckId, Check], check_id: CheckId) -> None:
    check = checks[check_id]
    if check.result is Result.FAILED:
        checks[check_id] = replace(check, result=Result.UNDETERMINED, reason=f"{_KNOWN} explains: {check.reason}")


def _worsen(checks: dict[CheckId, Check], check_id: CheckId, result: Result, reason: str) -> None:
    """Remove a success; and make an undetermined check a failure if the failure is certain."""
    check = checks[check_id]
    if check.result is Result.SUCCESSFUL or (result is Result.FAILED and check.result is Result.UNDETERMINED):
        checks[check_id] = replace(check, result=result, reason=reason)


def _soften_validity(checks: dict[CheckId, Check], flaws: set[Flaw]) -> None:
    for flaw in flaws & _VALIDITY.keys():
        check = checks[_VALIDITY[flaw]]
        if check.result is Result.FAILED:
            reason = f"the validity period is known to be wrong: {check.reason}"
            checks[check.id] = replace(check, result=Result.NOT_SUPPORTED, reason=reason)


def _soften_hashes(checks: dict[CheckId, Check], defects: tuple[Defect, ...], changed: frozenset[int]) -> None:
    """Hashes known to be wrong explain a failure that is only theirs. The hashes of malformed groups must hold."""
    known = frozenset[int]().union(*(one.data_groups for one in defects if one.flaw is Flaw.DATA_GROUP_HASH))
    if changed and changed <= known:
        _explain(checks, CheckId.DG_HASHES)
    malformed = frozenset[int]().union(*(one.data_groups for one in defects if one.flaw is Flaw.DATA_GROUP_MALFORMED))
    check = checks[CheckId.DG_HASHES]
    if malformed and check.result is Result.UNDETERMINED:
        named = ", ".join(f"DG{number}" for number in sorted(malformed))
        checks[check.id] = replace(check, reason=f"{check.reason}; {named} known to be malformed")


def _soften_com(checks: dict[CheckId, Check], flaws: set[Flaw]) -> None:
    check = checks[CheckId.COM_SOD]
    if Flaw.COM_SOD in flaws and check.result is Result.FAILED:
        holds = checks[CheckId.DG_HASHES].result is Result.SUCCESSFUL
        result = Result.SUCCESSFUL if holds else Result.UNDETERMINED
        checks[check.id] = replace(check, result=result, reason=f"{_KNOWN} explains: {check.reason}")


def _judge_chip(checks: dict[CheckId, Check], flaws: set[Flaw], proofs: frozenset[ChipProof]) -> None:
    """Which of several proofs succeeded is unknown here, so one compromised key invalidates them all."""
    for flaw in flaws & _COMPROMISED.keys():
        if proofs & _COMPROMISED[flaw]:
            _worsen(checks, CheckId.CHIP_AUTHENTICITY, Result.FAILED, "the chips' keys are known to be compromised")
            return
    failing = {_FAILING[flaw] for flaw in flaws & _FAILING.keys()}
    if proofs and proofs <= failing:
        _explain(checks, CheckId.CHIP_AUTHENTICITY)


def _judge_trust(checks: dict[CheckId, Check], flaws: set[Flaw]) -> None:
    if Flaw.DS_NOT_TRUSTED in flaws:
        for check_id in _SIGNED:
            _worsen(checks, check_id, Result.FAILED, "a defect list revokes the document signer")
    elif Flaw.DS_UNDER_INVESTIGATION in flaws:
        for check_id in _SIGNED:
            _worsen(checks, check_id, Result.UNDETERMINED, "a defect list casts doubt on the document signer")
    if Flaw.UNKNOWN_DOCUMENT_DEFECT in flaws:
        for check_id in (CheckId.DG_HASHES, CheckId.CHIP_AUTHENTICITY):
            _worsen(checks, check_id, Result.UNDETERMINED, "a defect that is not understood: the chip is not relied on")
