"""What the rest of the evidence makes of checks that were judged one by one: the signer's scope, and known defects.

Pure, and the last step before an inspection is concluded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gate.document.authenticity.passive import hash_agrees, judge_country
from gate.document.checks import Check, CheckId, Result
from gate.document.pki.known_defects import Facts, Flaw
from gate.document.signer_scope import judge_document_type, judge_signing_time
from gate.document.softening import soften

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from gate.document.authenticity.passive import SecurityVerdict
    from gate.document.mrz import Mrz
    from gate.document.pki.anchors import TrustAnchors
    from gate.document.pki.certificate import Certificate
    from gate.document.pki.known_defects import Defect
    from gate.document.softening import ChipProof


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """What was read and when, as far as refining needs it. `issued` is the date of EF.DG12 if the issuer signed it."""

    verdict: SecurityVerdict | None
    zone: Mrz | None
    issued: date | None
    files: Mapping[int, bytes]
    proofs: frozenset[ChipProof]
    now: datetime


def refine(checks: tuple[Check, ...], evidence: Evidence, anchors: TrustAnchors) -> tuple[Check, ...]:
    """The checks, each at most refined, in the same order. Documents whose signer is not known are left as they are."""
    signer = _signer(evidence.verdict)
    if signer is None:
        return checks
    refined = {check.id: check for check in _within_scope(checks, evidence, signer)}
    defects = _defects(evidence, signer, anchors)
    if defects:
        refined[CheckId.COUNTRY] = _corrected_country(refined[CheckId.COUNTRY], evidence, signer, defects)
    changed = _changed(evidence)
    return (
        soften(refined.values(), defects, proofs=evidence.proofs, changed=changed)
        if defects
        else tuple(refined.values())
    )


def _signer(verdict: SecurityVerdict | None) -> Certificate | None:
    """The document signer; where its signature does not hold, the one that EF.SOD claims. Defects only explain, so a claim is enough."""
    if verdict is None or verdict.security is None:
        return None
    return verdict.signer or next(iter(verdict.security.message.certificates), None)


def _within_scope(checks: tuple[Check, ...], evidence: Evidence, signer: Certificate) -> tuple[Check, ...]:
    if evidence.verdict is None or evidence.verdict.security is None or evidence.verdict.signer is None:
        return checks
    signed_at = evidence.verdict.security.message.signers[0].signing_time
    refined = []
    for check in checks:
        if check.id is CheckId.DS_VALIDITY:
            refined.append(judge_signing_time(check, signer, signed_at, evidence.issued, now=evidence.now))
        elif check.id is CheckId.COUNTRY and evidence.zone is not None:
            refined.append(judge_document_type(check, signer, evidence.zone.document_type))
        else:
            refined.append(check)
    return tuple(refined)


def _defects(evidence: Evidence, signer: Certificate, anchors: TrustAnchors) -> tuple[Defect, ...]:
    zone = evidence.zone
    facts = Facts(
        signer=signer,
        document_type="" if zone is None else zone.document_type,
        document_number="" if zone is None else zone.number,
        issued=evidence.issued,
    )
    return tuple(defect for entry in anchors.known_defects(signer) if entry.covers(facts) for defect in entry.defects)


def _corrected_country(check: Check, evidence: Evidence, signer: Certificate, defects: tuple[Defect, ...]) -> Check:
    """The check of the issuing state with the country that a defect list supplies (TR-03135-1 §5.8.2.2.5)."""
    countries = [defect.country for defect in defects if defect.flaw is Flaw.ISSUING_COUNTRY]
    signed = evidence.verdict is not None and evidence.verdict.signer is not None
    if not countries or not signed or evidence.zone is None or check.result is Result.SUCCESSFUL:
        return check
    corrected = replace(signer, country=countries[0], issuer_country=countries[0])
    judged = judge_country(corrected, evidence.zone.issuer)
    judged = judge_document_type(judged, corrected, evidence.zone.document_type)
    return replace(judged, reason=f"{judged.reason}, by a defect list")


def _changed(evidence: Evidence) -> frozenset[int]:
    security = None if evidence.verdict is None else evidence.verdict.security
    if security is None:
        return frozenset()
    listed = evidence.files.keys() & security.hashes.keys()
    return frozenset(number for number in listed if not hash_agrees(security, number, evidence.files[number]))
