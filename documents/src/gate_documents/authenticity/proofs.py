"""The verdict on the chip's proofs that it is the issuer's (TR-03135-1 §5.6.4.1).

A clone can answer with its own key. So the verdict is successful only if the key is among what the issuer signed, and a
chip that hides a key listed in EF.SOD has failed: it does not count as one without the feature. One proof is enough,
but each requested one must hold: a forged one beside a good one needs an officer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.authenticity.active_authentication import verify_answer
from gate_documents.authenticity.passive_authentication import hash_agrees
from gate_documents.checks import Check, CheckId, Result
from gate_documents.errors import AlgorithmUnknownError, DocumentError
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.dg15 import parse_dg15

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gate_documents.authenticity.chip_authentication import AgreementOffer
    from gate_documents.authenticity.passive_authentication import SecurityVerdict
    from gate_documents.lds.sod import SecurityObject

_ACTIVE: Final = 15
_CHIP: Final = 14


class ChipProof(enum.Enum):
    """A protocol by which a chip proves to be the issuer's."""

    ACTIVE_AUTHENTICATION = "active_authentication"
    CHIP_AUTHENTICATION = "chip_authentication"
    PACE_CAM = "pace_cam"


@dataclass(frozen=True, slots=True, repr=False)
class ActiveAnswer:
    """The chip's answer to our challenge; None: it refused."""

    challenge: bytes
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class AgreementOutcome:
    """The result of Chip Authentication: the variant, and why the chip's key was not shown; None if it was."""

    offer: AgreementOffer
    reason: str | None


@dataclass(frozen=True, slots=True)
class Proofs:
    """The requested proofs. `mapping`: the verdict on PACE-CAM, whose key EF.CardSecurity proves by itself."""

    active: ActiveAnswer | None = None
    agreement: AgreementOutcome | None = None
    mapping: Check | None = None


def judge_chip(verdict: SecurityVerdict, files: Mapping[int, bytes], withheld: frozenset[int], proofs: Proofs) -> Check:
    """Return the verdict. `withheld`: the data groups that the chip refused to give."""
    security = verdict.security
    if security is None:
        return _check(Result.UNDETERMINED, "without EF.SOD no key of the chip is known")
    listed = {_CHIP, _ACTIVE} & security.hashes.keys()
    if hidden := listed & withheld:
        return _check(Result.FAILED, f"EF.SOD lists DG{min(hidden)} and the chip does not give it")
    if changed := [number for number in listed & files.keys() if not hash_agrees(security, number, files[number])]:
        return _check(Result.FAILED, f"DG{changed[0]} is not what EF.SOD says")
    checks = [check for check in _asked(verdict, security, files, proofs) if check is not None]
    for result in (Result.FAILED, Result.UNDETERMINED, Result.SUCCESSFUL):
        for check in checks:
            if check.result is result:
                return check
    if _ACTIVE in listed:
        return _check(Result.UNDETERMINED, "the chip was not asked to prove itself")
    return _judge_without_proof(files, listed=_CHIP in listed)


def _asked(
    verdict: SecurityVerdict, security: SecurityObject, files: Mapping[int, bytes], proofs: Proofs
) -> tuple[Check | None, ...]:
    """Return a verdict for each requested proof."""
    return (
        proofs.mapping,
        None if proofs.agreement is None else _judge_agreement(verdict, security, files, proofs.agreement),
        None
        if proofs.active is None or _ACTIVE not in security.hashes
        else _judge_active(verdict, security, files, proofs.active),
    )


def _judge_agreement(
    verdict: SecurityVerdict, security: SecurityObject, files: Mapping[int, bytes], outcome: AgreementOutcome
) -> Check:
    if outcome.reason is not None:
        return _check(Result.FAILED, outcome.reason)
    if not verdict.proven or _CHIP not in files or not hash_agrees(security, _CHIP, files[_CHIP]):
        return _check(Result.UNDETERMINED, "the chip holds its key, but nobody we trust signed that key")
    return _check(Result.SUCCESSFUL, "Chip Authentication with the key that the issuer signed")


def _judge_active(
    verdict: SecurityVerdict, security: SecurityObject, files: Mapping[int, bytes], answer: ActiveAnswer
) -> Check:
    if _ACTIVE not in files:
        return _check(Result.UNDETERMINED, "the chip was not asked to prove itself")
    if answer.answer is None:
        return _check(Result.FAILED, "the chip refuses to prove that it holds its key")
    try:
        algorithm = parse_dg14(files[_CHIP]).active_authentication_algorithm if _CHIP in files else None
        key = parse_dg15(files[_ACTIVE])
        verify_answer(key, answer.challenge, answer.answer, ecdsa_algorithm=algorithm)
    except AlgorithmUnknownError as error:
        return _check(Result.UNDETERMINED, str(error))
    except DocumentError as error:
        return _check(Result.FAILED, str(error))
    if not verdict.proven or not hash_agrees(security, _ACTIVE, files[_ACTIVE]):
        return _check(Result.UNDETERMINED, "the chip holds its key, but nobody we trust signed that key")
    return _check(Result.SUCCESSFUL, "Active Authentication with the key that the issuer signed")


def _judge_without_proof(files: Mapping[int, bytes], *, listed: bool) -> Check:
    if not listed:
        return _check(Result.NOT_SUPPORTED, "EF.SOD lists neither DG14 nor DG15")
    if _CHIP not in files:
        return _check(Result.UNDETERMINED, "DG14 was not read")
    try:
        infos = parse_dg14(files[_CHIP])
    except DocumentError as error:
        return _check(Result.UNDETERMINED, str(error))
    if infos.chip_authentication:
        return _check(
            Result.UNDETERMINED, "the chip offers no Chip Authentication that we know, or it was not carried out"
        )
    return _check(Result.NOT_SUPPORTED, "DG14 offers no Chip Authentication, and there is no DG15")


def _check(result: Result, reason: str) -> Check:
    return Check(CheckId.CHIP_AUTHENTICITY, result, reason)
