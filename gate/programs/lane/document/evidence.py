"""An inspection as passage's document evidence, and the conversation with the chip that leads to it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Final

from gate.channel import messages
from gate_core.errors import DriverError
from gate_core.evidence.crossing import (
    AccessEvidence,
    AccessProtocol,
    AgreementEvidence,
    AuthorityEvidence,
    Check,
    CheckId,
    CheckResult,
    Cipher,
    DocumentEvidence,
    KeyAgreement,
    PaceMapping,
    Password,
)
from gate_documents import checks
from gate_documents.access.commands import Transmit
from gate_documents.authenticity.signature_facts import weak_algorithms
from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest
from gate_documents.errors import ChipLostError
from gate_documents.inspection import Portrait, Step
from gate_documents.verdict.conclusion import Inspection

if TYPE_CHECKING:
    from gate.programs.lane.document.anchors import RememberingAnchors
    from gate_documents.access.checks import AccessFacts
    from gate_documents.pki.certificate import Certificate
    from gate_documents.verdict.conclusion import AgreementFacts

log = logging.getLogger(__name__)
AUTHORITIES_MAX: Final = 8  # a country has a handful of one name; more are not told
SUBJECT_CHARACTERS_MAX: Final = 200


async def converse(
    conversation: Generator[Step, bytes | None, Inspection],
    transmit: Callable[[bytes], Awaitable[bytes]],
    on_portrait: Callable[[Portrait], Awaitable[None]],
    ask_centre: Callable[[CentreRequest], Awaitable[bytes | None]],
) -> Inspection:
    """Carry an inspection's steps to the chip, to vision and to the control centre, and back.

    A lost reader or chip ends in aborted checks, never in an error.
    """
    try:
        step = next(conversation)
        while True:
            match step:
                case Transmit(apdu):
                    try:
                        response = await transmit(apdu)
                    except DriverError as error:
                        step = conversation.throw(ChipLostError(str(error)))
                    else:
                        step = conversation.send(response)
                case Portrait():
                    await on_portrait(step)
                    step = conversation.send(None)
                case ChainRequest() | SignatureRequest():
                    step = conversation.send(await ask_centre(step))
    except StopIteration as end:
        inspection: Inspection = end.value
        _log_terminal(inspection)
        return inspection


def question_of(request: CentreRequest) -> messages.ToCentre:
    """The message that asks for what a step of an inspection asks for."""
    match request:
        case ChainRequest(authorities):
            return messages.ChainWanted(list(authorities))
        case SignatureRequest(holder, message):
            return messages.SignatureWanted(holder, message)


def _log_terminal(inspection: Inspection) -> None:
    """What came of asking for fingers, if they were asked for: it decides nothing, so no record holds it."""
    for check in inspection.checks:
        if check.id is checks.CheckId.TERMINAL_AUTHENTICATION:
            fields = {"result": check.result.value, "reason": check.reason, "fingerprints": inspection.fingerprints}
            log.info("terminal_authentication", extra=fields)


def result_of(result: checks.Result) -> CheckResult:
    """The result of a check in passage's terms."""
    match result:
        case checks.Result.SUCCESSFUL:
            return CheckResult.SUCCESSFUL
        case checks.Result.FAILED:
            return CheckResult.FAILED
        case checks.Result.UNDETERMINED:
            return CheckResult.UNDETERMINED
        case checks.Result.NOT_SUPPORTED:
            return CheckResult.NOT_SUPPORTED
        case checks.Result.ABORTED:
            return CheckResult.ABORTED


# Terminal authentication tells what we may read, not what the document is: no decision looks at it.
CHECK_OF = {
    checks.CheckId.MRZ: CheckId.MRZ,
    checks.CheckId.CHIP_ACCESS: CheckId.CHIP_ACCESS,
    checks.CheckId.SOD_SIGNATURE: CheckId.SOD_SIGNATURE,
    checks.CheckId.DS_SIGNATURE: CheckId.DS_SIGNATURE,
    checks.CheckId.DS_VALIDITY: CheckId.DS_VALIDITY,
    checks.CheckId.CSCA_VALIDITY: CheckId.CSCA_VALIDITY,
    checks.CheckId.REVOCATION: CheckId.REVOCATION,
    checks.CheckId.COM_SOD: CheckId.COM_SOD,
    checks.CheckId.DG_HASHES: CheckId.DG_HASHES,
    checks.CheckId.COUNTRY: CheckId.COUNTRY,
    checks.CheckId.CHIP_AUTHENTICITY: CheckId.CHIP_AUTHENTICITY,
    checks.CheckId.EXPIRY: CheckId.EXPIRY,
    checks.CheckId.MRZ_DG1: CheckId.MRZ_DG1,
}


def document_evidence(inspection: Inspection, anchors: RememberingAnchors) -> DocumentEvidence:
    """What the inspection found, without anything personal, and the `anchors` that it was judged against."""
    document = inspection.document
    return DocumentEvidence(
        checks=tuple(
            Check(known, result_of(check.result), check.reason, check.clause)
            for check in inspection.checks
            if (known := CHECK_OF.get(check.id)) is not None
        ),
        issuer=document.issuer,
        document_type=document.type,
        issued=document.issued,
        expires=document.expires,
        test_issuer=inspection.test_issuer,
        access=None if inspection.access is None else access_evidence(inspection.access),
        agreement=None if inspection.agreement is None else agreement_evidence(inspection.agreement),
        weak_algorithms=() if inspection.signature is None else weak_algorithms(inspection.signature),
        lists=anchors.version,
        authorities=tuple(authority_evidence(anchor.certificate) for anchor in anchors.given[:AUTHORITIES_MAX]),
        nationality=document.nationality,
        sex=document.sex,
        age=document.age,
    )


def access_evidence(facts: AccessFacts) -> AccessEvidence:
    """How the chip was opened, in passage's terms."""
    return AccessEvidence(
        protocol=AccessProtocol(facts.protocol),
        password=Password(facts.password) if facts.password else None,
        version=facts.version,
        mapping=PaceMapping(facts.mapping) if facts.mapping else None,
        agreement=KeyAgreement(facts.agreement) if facts.agreement else None,
        cipher=Cipher(facts.cipher) if facts.cipher else None,
        parameters=facts.parameters,
    )


def agreement_evidence(facts: AgreementFacts) -> AgreementEvidence:
    """How Chip Authentication was carried out, in passage's terms."""
    return AgreementEvidence(facts.protocol, Cipher(facts.cipher), facts.parameters)


def authority_evidence(certificate: Certificate) -> AuthorityEvidence:
    """Which CSCA certificate it was."""
    return AuthorityEvidence(
        subject=certificate.subject[:SUBJECT_CHARACTERS_MAX],
        serial=f"{certificate.serial:x}",
        fingerprint=certificate.fingerprint.hex(),
    )
