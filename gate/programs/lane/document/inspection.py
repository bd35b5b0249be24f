"""Reads and judges a presented document's chip by its MRZ, or by the second MRZ reading if the chip refuses the first.

At most two readings: a chip slows down with each wrong key, and each try needs a new connection to it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import msgspec

from gate.channel import centre_messages, document_messages, vision_messages
from gate_core.errors import DriverError
from gate_core.evidence.crossing import (
    AccessEvidence,
    AgreementEvidence,
    AuthorityEvidence,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    PageCheck,
    PageEvidence,
    page_checks,
)
from gate_core.evidence.names import PageCheckId
from gate_core.ports.drivers import ChipReader
from gate_documents import checks
from gate_documents.access.checks import AccessFacts
from gate_documents.access.commands import Transmit
from gate_documents.authenticity.signature_facts import weak_algorithms
from gate_documents.authenticity.terminal_authentication import CentreRequest, ChainRequest, SignatureRequest
from gate_documents.checks import CheckId as DocumentCheckId
from gate_documents.checks import Result
from gate_documents.countries import is_state_code
from gate_documents.errors import ChipLostError, MrzError
from gate_documents.inspection import Portrait, Step, inspect
from gate_documents.lds.files import FINGERS
from gate_documents.mrz.checks import differences
from gate_documents.mrz.parser import Mrz, parse
from gate_documents.pki.anchors import Anchor, TrustAnchors
from gate_documents.pki.certificate import Certificate
from gate_documents.verdict.conclusion import Inspection

log = logging.getLogger(__name__)
AUTHORITIES_MAX: Final = 8  # a country has a handful with one name; others are left out
SUBJECT_CHARACTERS_MAX: Final = 200
NOTHING_READ = "nothing of the page was read"
KEY_NAME_BYTES: Final = 8
CARD_WAIT_S = 10.0  # from MRZ to chip; after that the chip counts as unreachable


class VersionedAnchors(TrustAnchors, Protocol):
    """Trust anchors with a version that names their content."""

    version: str


class RememberingAnchors:
    """The anchors of one inspection; satisfies `gate_documents.pki.anchors.TrustAnchors`.

    `given`: the CSCA certificates that the document was judged against, each once, in sequence of requests: an
    inspection requests the issuer of the document's signer.
    """

    def __init__(self, anchors: VersionedAnchors) -> None:
        self._anchors = anchors
        self._given: dict[bytes, Anchor] = {}
        self.version = anchors.version
        # Nothing is judged against the results of these.
        self.with_key_of = anchors.with_key_of
        self.revocation_lists = anchors.revocation_lists
        self.document_signers = anchors.document_signers
        self.seal_signers = anchors.seal_signers
        self.known_defects = anchors.known_defects

    @property
    def given(self) -> tuple[Anchor, ...]:
        """The anchors that the inspection received so far."""
        return tuple(self._given.values())

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """Return the anchors whose subject key identifier is `key_id`."""
        return self._remembered(self._anchors.with_key_id(key_id))

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """Return the anchors with this subject."""
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
    """Pass an inspection's steps to chip, vision and control centre. A lost chip aborts checks, without an error."""
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
        for check in inspection.checks:  # no decision depends on it, so no record has it
            if check.id is checks.CheckId.TERMINAL_AUTHENTICATION:
                fields = {"result": check.result.value, "reason": check.reason, "fingerprints": inspection.fingerprints}
                log.info("terminal_authentication", extra=fields)
        return inspection


def question_of(request: CentreRequest) -> centre_messages.ToCentre:
    """Return the message to the control centre for an inspection's step."""
    match request:
        case ChainRequest(authorities):
            return centre_messages.ChainWanted(list(authorities))
        case SignatureRequest(holder, message):
            return centre_messages.SignatureWanted(holder, message)


# Terminal authentication is about our right to read, not about the document: no decision uses it.
CHECK_OF: Final[dict[checks.CheckId, CheckId]] = {
    check: CheckId(check.value) for check in checks.CheckId if check is not checks.CheckId.TERMINAL_AUTHENTICATION
}


def document_evidence(inspection: Inspection, anchors: RememberingAnchors) -> DocumentEvidence:
    """Return the inspection's result without personal data, and the `anchors` that it was judged against."""
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
        agreement=msgspec.convert(agreed, AgreementEvidence | None, from_attributes=True),
        weak_algorithms=() if inspection.signature is None else weak_algorithms(inspection.signature),
        lists=anchors.version,
        authorities=tuple(authority_evidence(anchor.certificate) for anchor in anchors.given[:AUTHORITIES_MAX]),
        nationality=document.nationality,
        sex=document.sex,
        age=document.age,
    )


def access_evidence(facts: AccessFacts) -> AccessEvidence:
    """Return how the chip was opened, as evidence; empty fields become None."""
    told = {name: value for name, value in asdict(facts).items() if value != ""}
    return msgspec.convert({"password": None, **told}, AccessEvidence)


def authority_evidence(certificate: Certificate) -> AuthorityEvidence:
    """Return a CSCA certificate's subject, serial and fingerprint."""
    return AuthorityEvidence(
        subject=certificate.subject[:SUBJECT_CHARACTERS_MAX],
        serial=f"{certificate.serial:x}",
        fingerprint=certificate.fingerprint.hex(),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Particulars:
    """What an officer sees of a referred traveller's document: the MRZ as printed, as in the chip, and the differences.
    Personal: leaves the document child only encrypted to an officer, and has no repr.

    `printed`: the lines as read, parsed or not. `chip`: EF.DG1's MRZ, None if it was not read.
    """

    printed: tuple[str, ...]
    parsed: Mrz | None = None
    chip: Mrz | None = None

    def shown(self) -> bytes:
        """Return the JSON that is encrypted for officers (docs/protocols/orders.md)."""
        differ = () if self.parsed is None or self.chip is None else differences(self.parsed, self.chip)
        told = {
            "printed": list(self.printed) or None,
            "chip": None if self.chip is None else list(self.chip.lines),
            "differ": list(differ),
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class ChipSide:
    """Ports of an inspection: the chip reader; callbacks for the chip, the portrait, an officer's particulars, the MRZ,
    and the SHA-256 of the LDS security object; the control centre; and whether it opens the fingerprints (`fingers`).

    `now`: wall clock, aware. `clock_sure`: False if it may be wrong; checks that need it stay undetermined (safety
    invariant 15).
    """

    chip: ChipReader
    on_chip: Callable[[], Awaitable[None]]
    on_portrait: Callable[[Portrait], Awaitable[None]]
    on_particulars: Callable[[Particulars], None]
    on_known: Callable[[Mrz], Awaitable[None]]
    on_security_object: Callable[[bytes], None]
    ask_centre: Callable[[CentreRequest], Awaitable[bytes | None]]
    fingers: bool
    clock_sure: bool
    now: datetime


def page_evidence(shown: vision_messages.PageRead, inspection: Inspection, *, visa: bool, tries: int) -> PageEvidence:
    """Return how the page was read, and whether it counts: its first reading was accepted, or EF.DG1 is equal."""
    equal = any(
        check.id is DocumentCheckId.MRZ_DG1 and check.result is Result.SUCCESSFUL for check in inspection.checks
    )
    accepted = equal or (shown.accepted and tries == 1)
    result = CheckResult.SUCCESSFUL if accepted else CheckResult.FAILED
    return PageEvidence(
        source=shown.source,
        format=shown.format,
        weakest=shown.weakest,
        tries=tries,
        visa=visa,
        checks=(PageCheck(PageCheckId.PAGE_ACCEPTED, result), *page_checks(shown.findings)),
    )


async def inspect_presented(
    wanted: document_messages.ReadDocument, side: ChipSide, anchors: RememberingAnchors
) -> DocumentEvidence:
    """Inspect the document. Raises DriverError if no chip is found; a chip lost later is in the evidence."""
    printed = [tuple(lines) for lines in wanted.readings if lines]
    if not printed:  # a hand over the page is no evidence against the document
        side.on_particulars(Particulars(()))
        return DocumentEvidence.unreadable(NOTHING_READ, CheckId.MRZ)
    side.on_particulars(Particulars(printed[0]))
    try:
        mrzs = [parse(lines) for lines in printed]
    except MrzError as error:
        return DocumentEvidence.unreadable(str(error), CheckId.MRZ, CheckResult.FAILED)
    is_sure = len({mrz.key for mrz in mrzs}) == 1
    if is_sure:  # registers answer while the chip is read
        await _tell(mrzs[0], side)
    await side.chip.wait_for_card(CARD_WAIT_S)
    await side.on_chip()
    inspection, tries = await _inspected(mrzs[0], side, anchors), 1
    if _refused(inspection) and len(mrzs) > 1 and mrzs[1].key != mrzs[0].key:
        await side.chip.disconnect()
        await side.chip.wait_for_card(CARD_WAIT_S)
        inspection, tries = await _inspected(mrzs[1], side, anchors), 2
    if not is_sure:
        await _tell(mrzs[tries - 1], side)
    side.on_particulars(Particulars(printed[tries - 1], mrzs[tries - 1], inspection.mrz))
    if inspection.security_object is not None:
        side.on_security_object(inspection.security_object)
    evidence = document_evidence(inspection, anchors)
    if wanted.page is None:
        return evidence
    return replace(evidence, page=page_evidence(wanted.page, inspection, visa=wanted.visa, tries=tries))


def mark_of(day_key: bytes, security_object: bytes) -> str:
    """Return a chip's mark for the site's exchange (docs/protocols/exchange.md): name of the key, and HMAC-SHA-256 of
    `security_object`, the SHA-256 of the chip's LDS security object; 80 hexadecimal digits.

    Making it needs both the day's key and the chip's EF.SOD; after the key is deleted, it cannot be made.
    """
    name = hashlib.sha256(day_key).digest()[:KEY_NAME_BYTES]
    return (name + hmac.digest(day_key, security_object, "sha256")).hex()


async def _tell(mrz: Mrz, side: ChipSide) -> None:
    """Report the document's MRZ for registers, unless a check digit is wrong: then the fields are unreliable."""
    if mrz.valid:
        await side.on_known(mrz)


def printed_issuer(wanted: document_messages.ReadDocument) -> str | None:
    """Return the issuing state in the likeliest reading; None if there is none."""
    try:
        issuer = parse(wanted.readings[0]).issuer if wanted.readings else ""
    except MrzError:
        return None
    return issuer if is_state_code(issuer) else None


async def _inspected(mrz: Mrz, side: ChipSide, anchors: RememberingAnchors) -> Inspection:
    conversation = inspect(
        mrz,
        anchors=anchors,
        now=side.now,
        clock_sure=side.clock_sure,
        random=os.urandom,
        guarded=frozenset({FINGERS} if side.fingers else ()),
        extended=side.chip.extended,
    )
    return await converse(conversation, side.chip.transmit, side.on_portrait, side.ask_centre)


def _refused(inspection: Inspection) -> bool:
    """True if the chip refused the key."""
    return any(
        check.id is DocumentCheckId.CHIP_ACCESS and check.result is Result.FAILED and inspection.access is None
        for check in inspection.checks
    )
