"""An inspection as passage's document evidence, and the conversation with the chip that leads to it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Final, Protocol

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
from gate_documents.access.checks import AccessFacts
from gate_documents.access.commands import Transmit
from gate_documents.authenticity.signature_facts import weak_algorithms
from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest
from gate_documents.errors import ChipLostError
from gate_documents.inspection import Portrait, Step
from gate_documents.pki.anchors import Anchor, TrustAnchors
from gate_documents.pki.certificate import Certificate
from gate_documents.verdict.conclusion import Inspection

log = logging.getLogger(__name__)
AUTHORITIES_MAX: Final = 8  # a country has a handful of one name; more are not told
SUBJECT_CHARACTERS_MAX: Final = 200


class VersionedAnchors(TrustAnchors, Protocol):
    """Trust anchors with a name for their content."""

    version: str


class RememberingAnchors:
    """The anchors of one inspection; satisfies `gate_documents.pki.anchors.TrustAnchors`.

    An inspection asks for the issuer of whoever signed the document, so `given` are the CSCA certificates that it was judged
    against, each once, in the order of asking.
    """

    def __init__(self, anchors: VersionedAnchors) -> None:
        self._anchors = anchors
        self._given: dict[bytes, Anchor] = {}
        # Whatever else is asked, nothing is judged against it.
        self.with_key_of = anchors.with_key_of
        self.revocation_lists = anchors.revocation_lists
        self.document_signers = anchors.document_signers
        self.seal_signers = anchors.seal_signers
        self.known_defects = anchors.known_defects

    @property
    def version(self) -> str:
        """The version of the trust store."""
        return self._anchors.version

    @property
    def given(self) -> tuple[Anchor, ...]:
        """What the inspection was given so far."""
        return tuple(self._given.values())

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        return self._remembered(self._anchors.with_key_id(key_id))

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject."""
        return self._remembered(self._anchors.with_subject(subject_id))

    def _remembered(self, anchors: Sequence[Anchor]) -> Sequence[Anchor]:
        self._given |= {anchor.certificate.fingerprint: anchor for anchor in anchors}
        return anchors


async def converse(
    conversation: Generator[Step, bytes | None, Inspection],
    transmit: Callable[[bytes], Awaitable[bytes]],
    on_portrait: Callable[[Portrait], Awaitable[None]],
    ask_centre: Callable[[CentreRequest], Awaitable[bytes | None]],
) -> Inspection:
    """Carry an inspection's steps to chip, vision and control centre. A lost chip ends in aborted checks, no error."""
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
        for check in inspection.checks:  # what came of asking for fingers decides nothing, so no record holds it
            if check.id is checks.CheckId.TERMINAL_AUTHENTICATION:
                fields = {"result": check.result.value, "reason": check.reason, "fingerprints": inspection.fingerprints}
                log.info("terminal_authentication", extra=fields)
        return inspection


def question_of(request: CentreRequest) -> messages.ToCentre:
    """The message that asks for what a step of an inspection asks for."""
    match request:
        case ChainRequest(authorities):
            return messages.ChainWanted(list(authorities))
        case SignatureRequest(holder, message):
            return messages.SignatureWanted(holder, message)


# Terminal authentication tells what we may read, not what the document is: no decision looks at it.
CHECK_OF: Final[dict[checks.CheckId, CheckId]] = {
    check: CheckId(check.value) for check in checks.CheckId if check is not checks.CheckId.TERMINAL_AUTHENTICATION
}


def document_evidence(inspection: Inspection, anchors: RememberingAnchors) -> DocumentEvidence:
    """What the inspection found, without anything personal, and the `anchors` that it was judged against."""
    document, agreed = inspection.document, inspection.agreement
    return DocumentEvidence(
        checks=tuple(
            Check(known, CheckResult(check.result.value), check.reason, check.clause)
            for check in inspection.checks
            if (known := CHECK_OF.get(check.id)) is not None
        ),
        issuer=document.issuer,
        document_type=document.type,
        issued=document.issued,
        expires=document.expires,
        test_issuer=inspection.test_issuer,
        access=None if inspection.access is None else access_evidence(inspection.access),
        agreement=None
        if agreed is None
        else AgreementEvidence(agreed.protocol, Cipher(agreed.cipher), agreed.parameters),
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


def authority_evidence(certificate: Certificate) -> AuthorityEvidence:
    """Which CSCA certificate it was."""
    return AuthorityEvidence(
        subject=certificate.subject[:SUBJECT_CHARACTERS_MAX],
        serial=f"{certificate.serial:x}",
        fingerprint=certificate.fingerprint.hex(),
    )
