"""Converts findings to an Inspection: every check with its result, and facts that are not personal. Pure.

Checks without a result are aborted if the process broke, else undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gate_documents.access.checks import judge_copied_offer, judge_offer
from gate_documents.authenticity.integrity import Absence, integrities, owed
from gate_documents.authenticity.passive_authentication import judge_com, judge_country, judge_hashes
from gate_documents.authenticity.proofs import Proofs, judge_chip
from gate_documents.authenticity.signature_facts import signature_facts
from gate_documents.authenticity.signer_scope import judge_document_type, judge_signing_time
from gate_documents.checks import Check, CheckId, Result, combine
from gate_documents.errors import DocumentError
from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.files import FINGERS
from gate_documents.lds.formats import check_format
from gate_documents.mrz.checks import judge_expiry, judge_mrz, judge_printed_and_chip
from gate_documents.verdict.defects import judge_known_defects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from gate_documents.access.checks import AccessFacts
    from gate_documents.authenticity.integrity import Integrity
    from gate_documents.authenticity.signature_facts import SignatureFacts
    from gate_documents.mrz.parser import Mrz
    from gate_documents.verdict.findings import Findings

UTOPIA: Final = "UTO"  # the issuer of specimens (ICAO 9303-3 §5)
_SOD_CHECKS: Final = (
    CheckId.SOD_SIGNATURE,
    CheckId.DS_SIGNATURE,
    CheckId.DS_VALIDITY,
    CheckId.CSCA_VALIDITY,
    CheckId.REVOCATION,
)
_VALIDITY_CHECKS: Final = (CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY)
# As certain as the clock (TR-03135-1 §5.6.4.3.4, §5.6.4.3.5, §5.7.1).
_TIMED: Final = (CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY, CheckId.EXPIRY)


@dataclass(frozen=True, slots=True)
class DocumentFields:
    """A document's facts that identify nobody, from EF.DG1 if it was read, else from the printed MRZ. `sex`: M, F or X (also for
    `<`), empty when unread; `age`: in whole years on the day of the inspection, None if any part of the date of birth is unknown.
    """

    type: str
    issuer: str
    nationality: str
    number_present: bool
    issued: date | None
    expires: date | None
    sex: str = ""
    age: int | None = None


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """Chip Authentication as it was carried out: the protocol's object identifier, the cipher, the group."""

    protocol: str
    cipher: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of one inspection, one check of each kind in the order of CheckId; Terminal Authentication only if requested.

    `test_issuer`: the document is a specimen: signed under a CSCA marked as test, or issued by Utopia. `access`: how the chip was
    opened, None if it was not, with the protocol `none` if it has no access control; `agreement`: the Chip Authentication carried
    out, if any. `groups`: the integrity of every data group that EF.SOD lists or that was requested. `signature`: how EF.SOD was
    signed, None if it could not be read; `weak_algorithms`: its weak ones. `fingerprints`: the number in EF.DG3, None if it was not
    read or does not agree with EF.SOD; nothing else of them is kept. `mrz`: EF.DG1's, personal: only for officers.
    `security_object`: SHA-256 of the LDS security object in EF.SOD, which identifies a chip and its copies: personal too.
    """

    checks: tuple[Check, ...]
    document: DocumentFields
    test_issuer: bool
    access: AccessFacts | None = None
    agreement: AgreementFacts | None = None
    groups: Mapping[int, Integrity] = field(default_factory=dict)
    signature: SignatureFacts | None = None
    fingerprints: int | None = None
    mrz: Mrz | None = None
    security_object: bytes | None = field(default=None, repr=False)

    @property
    def overall(self) -> Result:
        """The result of all checks together."""
        return overall_of(self.checks)

    def result_of(self, check_id: CheckId) -> Result:
        """The result of one check that was made."""
        return next(check.result for check in self.checks if check.id is check_id)


def overall_of(checks: Iterable[Check]) -> Result:
    """Successful only if every one of these checks is, except unsupported features.

    A validity that is not judged because it is known to be wrong is no missing feature: the whole is then at best
    undetermined (TR-03135-1 §5.8.2.1.6).
    """
    return combine(
        Result.UNDETERMINED if check.id in _VALIDITY_CHECKS and check.result is Result.NOT_SUPPORTED else check.result
        for check in checks
    )


def conclude(findings: Findings) -> Inspection:
    """Every check with its result."""
    chip_mrz = findings.chip_mrz()
    judged = (_within_scope(findings, chip_mrz, _timed(findings, check)) for check in _checks(findings, chip_mrz))
    checks = {check.id: check for check in judge_known_defects(tuple(judged), findings)}
    known = chip_mrz or findings.printed
    document = DocumentFields(
        type="" if known is None else known.document_type,
        issuer="" if known is None else known.issuer,
        nationality="" if known is None else known.nationality,
        number_present=known is not None and bool(known.number),
        issued=findings.issued(),
        expires=None if known is None else known.expires_on(findings.now.date()),
        sex="" if known is None else _sex(known),
        age=None if known is None else _age(known, findings.now.date()),
    )
    anchor = None if findings.sod is None else findings.sod.anchor
    return Inspection(
        checks=tuple(checks[check_id] for check_id in CheckId if check_id in checks),
        document=document,
        test_issuer=document.issuer == UTOPIA or (anchor is not None and anchor.test),
        access=None if findings.opening is None else findings.opening[0],
        agreement=_agreement_facts(findings),
        groups=integrities(findings.security, findings.files, findings.absent, broken=findings.broken is not None),
        fingerprints=_fingerprints(findings),
        signature=None if findings.sod is None else signature_facts(findings.sod),
        mrz=chip_mrz,
        security_object=None if findings.security is None else findings.security.digest,
    )


def _sex(mrz: Mrz) -> str:
    """Empty if the MRZ has no known letter."""
    return {"M": "M", "F": "F", "X": "X", "<": "X"}.get(mrz.sex, "")


def _age(mrz: Mrz, today: date) -> int | None:
    born = mrz.born_on(today)
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _checks(findings: Findings, chip_mrz: Mrz | None) -> tuple[Check, ...]:
    return (
        judge_mrz(findings.printed),
        _access(findings),
        *_sod(findings),
        _com(findings),
        _hashes(findings),
        _country(findings, chip_mrz),
        _chip(findings),
        *_terminal(findings),
        judge_expiry(chip_mrz or findings.printed, findings.now.date()),
        _printed_and_chip(findings, chip_mrz),
    )


def _timed(findings: Findings, check: Check) -> Check:
    """Return the check, if the clock is sure or it needs none. A certificate on a revocation list is revoked at any time."""
    depends = check.id in _TIMED and check.result in (Result.SUCCESSFUL, Result.FAILED)
    depends |= check.id is CheckId.REVOCATION and check.result is Result.SUCCESSFUL
    if findings.clock_sure or not depends:
        return check
    return Check(check.id, Result.UNDETERMINED, "the clock is not sure")


def _agreement_facts(findings: Findings) -> AgreementFacts | None:
    if findings.agreement is None:
        return None
    offer = findings.agreement.offer
    return AgreementFacts(offer.protocol, offer.cipher.value, offer.key.group.name)


def _within_scope(findings: Findings, chip_mrz: Mrz | None, check: Check) -> Check:
    """Return the check, refined by what the signer of EF.SOD may sign, and when."""
    if findings.security is None or findings.sod is None or findings.sod.signer is None:
        return check
    signer = findings.sod.signer
    if check.id is CheckId.DS_VALIDITY:
        signed_at = findings.security.message.signers[0].signing_time
        return judge_signing_time(check, signer, signed_at, findings.issued(), now=findings.now)
    if check.id is CheckId.COUNTRY and chip_mrz is not None:
        return judge_document_type(check, signer, chip_mrz.document_type)
    return check


def _open(findings: Findings, check_id: CheckId, reason: str) -> Check:
    """Return a check without a result: aborted if the process broke, else undetermined."""
    if findings.broken is not None:
        return Check(check_id, Result.ABORTED, findings.broken)
    return Check(check_id, Result.UNDETERMINED, reason)


def _access(findings: Findings) -> Check:
    check = findings.access
    if findings.opening is not None:
        check = judge_offer(*findings.opening, findings.infos())
    elif findings.card_access is not None:
        check = judge_copied_offer(findings.card_access, findings.infos()) or check
    return _open(findings, check.id, check.reason) if check.result is Result.UNDETERMINED else check


def _sod(findings: Findings) -> tuple[Check, ...]:
    if findings.sod is None:
        return tuple(_open(findings, check_id, "EF.SOD was not read") for check_id in _SOD_CHECKS)
    return findings.sod.checks


def _com(findings: Findings) -> Check:
    if findings.sod is None:
        return _open(findings, CheckId.COM_SOD, "EF.SOD was not read")
    return judge_com(findings.sod.security, findings.com)


def _hashes(findings: Findings) -> Check:
    if findings.sod is None or findings.sod.security is None:
        return _open(findings, CheckId.DG_HASHES, "there are no hashes to compare with")
    security, files = findings.sod.security, findings.files
    wanted = findings.wanted
    if findings.complete:
        wanted |= owed(security, files, findings.absent, broken=findings.broken is not None)
    check = judge_hashes(security, files, wanted)
    if check.result is Result.UNDETERMINED:
        return _open(findings, CheckId.DG_HASHES, check.reason)
    if check.result is Result.SUCCESSFUL and not _conforming(findings):
        return Check(CheckId.DG_HASHES, Result.UNDETERMINED, "a data group is as it was signed, but breaks its format")
    return check


def _conforming(findings: Findings) -> bool:
    """True if every data group that agrees with EF.SOD has its format, used here or not."""
    for number in findings.files:
        content = findings.file(number)
        try:
            if content is not None:
                check_format(number, content)
        except DocumentError:
            return False
    return True


def _country(findings: Findings, chip_mrz: Mrz | None) -> Check:
    if findings.sod is None or chip_mrz is None:
        return _open(findings, CheckId.COUNTRY, "EF.SOD or EF.DG1 was not read")
    return judge_country(findings.sod.signer, chip_mrz.issuer)


def _chip(findings: Findings) -> Check:
    if findings.sod is None:
        return _open(findings, CheckId.CHIP_AUTHENTICITY, "EF.SOD was not read")
    proofs = Proofs(findings.answer, findings.agreement, findings.mapping_check())
    withheld = frozenset(n for n, why in findings.absent.items() if why is not Absence.LOOKED_AT)
    check = judge_chip(findings.sod, findings.files, withheld, proofs)
    if check.result is Result.UNDETERMINED and proofs == Proofs():
        return _open(findings, CheckId.CHIP_AUTHENTICITY, check.reason)
    return check


def _terminal(findings: Findings) -> tuple[Check, ...]:
    """Return Terminal Authentication, if requested."""
    if not findings.guarded:
        return ()
    outcome = findings.terminal
    if outcome is None:
        return (_open(findings, CheckId.TERMINAL_AUTHENTICATION, "the chip was not read so far"),)
    return (Check(CheckId.TERMINAL_AUTHENTICATION, outcome.result, outcome.reason),)


def _fingerprints(findings: Findings) -> int | None:
    content = findings.file(FINGERS)
    try:
        return None if content is None else count_fingerprints(content)
    except DocumentError:
        return None


def _printed_and_chip(findings: Findings, chip_mrz: Mrz | None) -> Check:
    if findings.printed is None:
        return Check(CheckId.MRZ_DG1, Result.NOT_SUPPORTED, "no printed MRZ was given")
    if chip_mrz is None:
        return _open(findings, CheckId.MRZ_DG1, "EF.DG1 was not read")
    return judge_printed_and_chip(findings.printed, chip_mrz)
