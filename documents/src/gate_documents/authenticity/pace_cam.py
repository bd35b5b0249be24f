"""The verdict on PACE-CAM: whether the key that the chip holds is in EF.CardSecurity, signed under a trusted CSCA.

ICAO 9303-11 §4.4.3.5. EF.CardSecurity is judged by the same rules as EF.SOD, because a clone can bring its own file and key.
One state's signer must not vouch for the chip of another state's document, so both files must have signers of one state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_documents.access.agreement_keys import parse_agreement_key
from gate_documents.authenticity.passive_authentication import judge_signer
from gate_documents.checks import Check, CheckId, Result, Tolerance, tolerating
from gate_documents.errors import AlgorithmUnknownError, DocumentError, SignerMissingError
from gate_documents.lds.card_security import CardSecurity, parse_card_security
from gate_documents.pki.known_defects import Flaw, flaws_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gate_documents.access.pace import MappingProof
    from gate_documents.authenticity.passive_authentication import SecurityVerdict
    from gate_documents.lds.security_infos import SecurityInfos
    from gate_documents.pki.anchors import Anchor, TrustAnchors
    from gate_documents.pki.certificate import Certificate


def judge_mapping(
    proofs: Sequence[MappingProof],
    content: bytes | None,
    *,
    offered: SecurityInfos | None,
    sod: SecurityVerdict,
    anchors: TrustAnchors,
    now: datetime,
) -> Check:
    """Return the verdict on every opening with chip authentication mapping. `offered`: EF.CardAccess; `sod`: the verdict on EF.SOD."""
    if not content:
        return _check(Result.FAILED, "the chip does not give EF.CardSecurity, which PACE-CAM needs")
    vouched = _vouched(content, offered, sod, anchors, now)
    if isinstance(vouched, Check):
        return vouched
    card, tolerated = vouched
    # Last: computations only for a file with a trusted signer.
    if not all(_holds_key(card, proof) for proof in proofs):
        return _check(Result.FAILED, "the chip does not hold the key that EF.CardSecurity names")
    return _check(Result.SUCCESSFUL, tolerating("PACE-CAM with the key of EF.CardSecurity", tolerated))


def judge_copied_card(
    content: bytes, *, offered: SecurityInfos | None, sod: SecurityVerdict, anchors: TrustAnchors, now: datetime
) -> Check | None:
    """Return an objection to the EF.CardSecurity of a chip read elsewhere, or None. It proves no chip."""
    vouched = _vouched(content, offered, sod, anchors, now)
    return vouched if isinstance(vouched, Check) else None


def _vouched(
    content: bytes, offered: SecurityInfos | None, sod: SecurityVerdict, anchors: TrustAnchors, now: datetime
) -> tuple[CardSecurity, frozenset[Tolerance]] | Check:
    """Return the file and what was tolerated of its signer, if the signer is trusted; else the objection."""
    try:
        card = parse_card_security(content)
        signer = card.message.verify()
    except (AlgorithmUnknownError, SignerMissingError) as error:
        return _check(Result.UNDETERMINED, f"EF.CardSecurity: {error}")
    except DocumentError as error:
        return _check(Result.FAILED, f"EF.CardSecurity: {error}")
    # It holds all that EF.CardAccess offers (9303-11 §9.2.11), and may hold more that is no PACE.
    if offered is not None and set(card.infos.pace) != set(offered.pace):
        return _check(Result.FAILED, "EF.CardAccess and EF.CardSecurity offer different PACE")
    judged = _judge_card_signer(signer, sod, anchors, now)
    return judged if isinstance(judged, Check) else (card, judged)


def _judge_card_signer(
    signer: Certificate, sod: SecurityVerdict, anchors: TrustAnchors, now: datetime
) -> Check | frozenset[Tolerance]:
    """Return an objection to the file's signer, or else what was tolerated of it."""
    judged = judge_signer(signer, anchors, now)
    for check in judged.checks:
        if check.result is Result.FAILED:
            return _check(Result.FAILED, f"EF.CardSecurity: {check.reason}")
    if judged.anchor is None:
        return _check(Result.UNDETERMINED, "nobody we trust signed EF.CardSecurity")
    if sod.signer is None:
        return _check(Result.UNDETERMINED, "without a signer of EF.SOD nobody knows whose chip it should be")
    if not _of_one_issuer(signer, judged.anchor, sod.signer, sod.anchor):
        return _check(Result.FAILED, "EF.CardSecurity and EF.SOD are signed for different states")
    flaws = flaws_of(signer, anchors.known_defects(signer))
    if flaws & {Flaw.DS_NOT_TRUSTED, Flaw.CHIP_KEYS_COMPROMISED}:
        return _check(Result.FAILED, "a defect list revokes the signer of EF.CardSecurity, or its chips' keys")
    if Flaw.DS_UNDER_INVESTIGATION in flaws:
        return _check(Result.UNDETERMINED, "a defect list casts doubt on the signer of EF.CardSecurity")
    reasons = " ".join(check.reason for check in judged.checks)
    return frozenset(one for one in Tolerance if f"; tolerated: {one.value}" in reasons)


def _of_one_issuer(card: Certificate, card_anchor: Anchor, document: Certificate, anchor: Anchor | None) -> bool:
    """True when both signers are of one state, and both for service or both for demos."""
    return card.issuer_country == document.issuer_country and (anchor is None or anchor.test == card_anchor.test)


def _holds_key(card: CardSecurity, proof: MappingProof) -> bool:
    """True when the proof was made with one of the file's keys, in the group of that key."""
    for one in card.infos.chip_keys:
        try:
            key = parse_agreement_key(one.spki)
        except DocumentError:
            continue
        if key.group == proof.group and proof.fits(key.element):
            return True
    return False


def _check(result: Result, reason: str) -> Check:
    return Check(CheckId.CHIP_AUTHENTICITY, result, reason)
