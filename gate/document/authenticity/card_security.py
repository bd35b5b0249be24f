"""The verdict on PACE-CAM: is the key that the chip proved to hold in EF.CardSecurity, signed under a trusted CSCA.

ICAO 9303-11 §4.4.3.5. EF.CardSecurity is judged by the same rules as EF.SOD: a clone can bring a file and a key of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.document.access.agreement_keys import parse_agreement_key
from gate.document.authenticity.passive import judge_signer
from gate.document.checks import Check, CheckId, Result
from gate.document.errors import AlgorithmUnknownError, DocumentError, SignerMissingError
from gate.document.lds.card_security import CardSecurity, parse_card_security

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gate.document.access.pace import MappingProof
    from gate.document.lds.security_infos import SecurityInfos
    from gate.document.pki.anchors import TrustAnchors


def judge_mapping(
    proofs: Sequence[MappingProof],
    content: bytes | None,
    offered: SecurityInfos | None,
    anchors: TrustAnchors,
    now: datetime,
) -> Check:
    """The verdict on every opening with chip authentication mapping. `offered` is what EF.CardAccess said."""
    if not content:
        return _check(Result.FAILED, "the chip does not give EF.CardSecurity, which PACE-CAM needs")
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
    judged = judge_signer(signer, anchors, now)
    for check in judged.checks:
        if check.result is Result.FAILED:
            return _check(Result.FAILED, f"EF.CardSecurity: {check.reason}")
    if judged.anchor is None:
        return _check(Result.UNDETERMINED, "nobody we trust signed EF.CardSecurity")
    # Last: only a file that somebody answers for may make us calculate.
    if not all(_holds_key(card, proof) for proof in proofs):
        return _check(Result.FAILED, "the chip does not hold the key that EF.CardSecurity names")
    return _check(Result.SUCCESSFUL, "PACE-CAM with the key of EF.CardSecurity")


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
