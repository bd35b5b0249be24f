"""What an examination comes to: every check with its result. Pure.

What is missing when the process broke is aborted, else undetermined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.document.access_checks import judge_copied_offer, judge_offer
from gate.document.authenticity.chip import Proofs, judge_chip
from gate.document.authenticity.passive import judge_com, judge_country, judge_hashes
from gate.document.checks import Check, CheckId, Result
from gate.document.errors import DocumentError
from gate.document.integrity import Absence, integrities, owed
from gate.document.lds.dg1 import parse_dg1
from gate.document.lds.dg3 import count_fingerprints
from gate.document.lds.dg12 import parse_dg12
from gate.document.lds.formats import check_format
from gate.document.outcome import AgreementFacts, DocumentFields, Inspection
from gate.document.refinement import Evidence, refine
from gate.document.signature_facts import signature_facts
from gate.document.softening import ChipProof
from gate.document.zone_checks import judge_expiry, judge_mrz, judge_printed_and_chip

if TYPE_CHECKING:
    from datetime import date

    from gate.document.examination import Examination
    from gate.document.mrz import Mrz

UTOPIA: Final = "UTO"  # the issuer of specimens (ICAO 9303-3 §5)
_SOD_CHECKS: Final = (
    CheckId.SOD_SIGNATURE,
    CheckId.DS_SIGNATURE,
    CheckId.DS_VALIDITY,
    CheckId.CSCA_VALIDITY,
    CheckId.REVOCATION,
)


# What is only known as well as the time is (TR-03135-1 §5.6.4.3.4, §5.6.4.3.5, §5.7.1).
_TIMED: Final = (CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY, CheckId.EXPIRY)


def conclude(examination: Examination) -> Inspection:
    """Every check with its result."""
    zone, issued = _zone(examination), _issued(examination)
    evidence = Evidence(
        verdict=examination.verdict,
        zone=zone,
        issued=issued,
        files=examination.files,
        proofs=_proofs(examination),
        now=examination.now,
    )
    judged = (_timed(examination, check) for check in _checks(examination, zone))
    checks = {check.id: check for check in refine(tuple(judged), evidence, examination.anchors)}
    known = zone or examination.printed
    document = DocumentFields(
        type="" if known is None else known.document_type,
        issuer="" if known is None else known.issuer,
        number_present=known is not None and bool(known.number),
        issued=issued,
        expires=None if known is None else known.expires_on(examination.now.date()),
    )
    anchor = None if examination.verdict is None else examination.verdict.anchor
    return Inspection(
        checks=tuple(checks[check_id] for check_id in CheckId if check_id in checks),
        document=document,
        test_issuer=document.issuer == UTOPIA or (anchor is not None and anchor.test),
        access=None if examination.opening is None else examination.opening[0],
        agreement=_agreement_facts(examination),
        groups=integrities(
            examination.security, examination.files, examination.absent, broken=examination.broken is not None
        ),
        fingerprints=_fingerprints(examination),
        signature=None if examination.verdict is None else signature_facts(examination.verdict),
    )


def _checks(examination: Examination, zone: Mrz | None) -> tuple[Check, ...]:
    return (
        judge_mrz(examination.printed),
        _access(examination),
        *_sod(examination),
        _com(examination),
        _hashes(examination),
        _country(examination, zone),
        _chip(examination),
        *_terminal(examination),
        judge_expiry(zone or examination.printed, examination.now.date()),
        _printed_and_chip(examination, zone),
    )


def _timed(examination: Examination, check: Check) -> Check:
    """The check, if the clock is sure or it needs none. What a revocation list names is revoked at any time."""
    depends = check.id in _TIMED and check.result in (Result.SUCCESSFUL, Result.FAILED)
    depends |= check.id is CheckId.REVOCATION and check.result is Result.SUCCESSFUL
    if examination.clock_sure or not depends:
        return check
    return Check(check.id, Result.UNDETERMINED, "the clock is not sure")


def _zone(examination: Examination) -> Mrz | None:
    """The zone of EF.DG1, if it was read and is one."""
    try:
        return parse_dg1(examination.files[1]) if 1 in examination.files else None
    except DocumentError:
        return None


def _issued(examination: Examination) -> date | None:
    """The date of issue, only where it is proven to be the issuer's word."""
    content = examination.file(12)
    try:
        return None if content is None else parse_dg12(content).issued
    except DocumentError:
        return None


def _proofs(examination: Examination) -> frozenset[ChipProof]:
    """The protocols by which the chip was asked to prove itself."""
    asked = {
        ChipProof.ACTIVE_AUTHENTICATION: examination.answer is not None,
        ChipProof.CHIP_AUTHENTICATION: examination.agreement is not None,
        ChipProof.PACE_CAM: bool(examination.mapping_proofs),
    }
    return frozenset(proof for proof, was_asked in asked.items() if was_asked)


def _agreement_facts(examination: Examination) -> AgreementFacts | None:
    if examination.agreement is None:
        return None
    offer = examination.agreement.offer
    return AgreementFacts(offer.protocol, offer.cipher.value, offer.key.group.name)


def _open(examination: Examination, check_id: CheckId, reason: str) -> Check:
    """A check that could not terminate: aborted when the process broke, else undetermined."""
    if examination.broken is not None:
        return Check(check_id, Result.ABORTED, examination.broken)
    return Check(check_id, Result.UNDETERMINED, reason)


def _access(examination: Examination) -> Check:
    check = examination.access
    if examination.opening is not None:
        check = judge_offer(*examination.opening, examination.infos())
    elif examination.card_access is not None:
        check = judge_copied_offer(examination.card_access, examination.infos()) or check
    return _open(examination, check.id, check.reason) if check.result is Result.UNDETERMINED else check


def _sod(examination: Examination) -> tuple[Check, ...]:
    if examination.verdict is None:
        return tuple(_open(examination, check_id, "EF.SOD was not read") for check_id in _SOD_CHECKS)
    return examination.verdict.checks


def _com(examination: Examination) -> Check:
    if examination.verdict is None:
        return _open(examination, CheckId.COM_SOD, "EF.SOD was not read")
    return judge_com(examination.verdict.security, examination.com)


def _hashes(examination: Examination) -> Check:
    if examination.verdict is None or examination.verdict.security is None:
        return _open(examination, CheckId.DG_HASHES, "there are no hashes to compare with")
    security, files = examination.verdict.security, examination.files
    wanted = examination.wanted
    if examination.complete:
        wanted |= owed(security, files, examination.absent, broken=examination.broken is not None)
    check = judge_hashes(security, files, wanted)
    if check.result is Result.UNDETERMINED:
        return _open(examination, CheckId.DG_HASHES, check.reason)
    if check.result is Result.SUCCESSFUL and not _conforming(examination):
        return Check(CheckId.DG_HASHES, Result.UNDETERMINED, "a data group is as it was signed, but breaks its format")
    return check


def _conforming(examination: Examination) -> bool:
    """True when every data group that is as it was signed keeps to its format, used here or not."""
    for number in examination.files:
        content = examination.file(number)
        try:
            if content is not None:
                check_format(number, content)
        except DocumentError:
            return False
    return True


def _country(examination: Examination, zone: Mrz | None) -> Check:
    if examination.verdict is None or zone is None:
        return _open(examination, CheckId.COUNTRY, "EF.SOD or EF.DG1 was not read")
    return judge_country(examination.verdict.signer, zone.issuer)


def _chip(examination: Examination) -> Check:
    if examination.verdict is None:
        return _open(examination, CheckId.CHIP_AUTHENTICITY, "EF.SOD was not read")
    proofs = Proofs(examination.answer, examination.agreement, examination.mapping_check())
    withheld = frozenset(n for n, why in examination.absent.items() if why is not Absence.LOOKED_AT)
    check = judge_chip(examination.verdict, examination.files, withheld, proofs)
    if check.result is Result.UNDETERMINED and proofs == Proofs():
        return _open(examination, CheckId.CHIP_AUTHENTICITY, check.reason)
    return check


def _terminal(examination: Examination) -> tuple[Check, ...]:
    """Terminal Authentication, where it was asked for."""
    if not examination.guarded:
        return ()
    outcome = examination.terminal
    if outcome is None:
        return (_open(examination, CheckId.TERMINAL_AUTHENTICATION, "the chip was not read so far"),)
    return (Check(CheckId.TERMINAL_AUTHENTICATION, outcome.result, outcome.reason),)


def _fingerprints(examination: Examination) -> int | None:
    content = examination.file(3)
    try:
        return None if content is None else count_fingerprints(content)
    except DocumentError:
        return None


def _printed_and_chip(examination: Examination, zone: Mrz | None) -> Check:
    if examination.printed is None:
        return Check(CheckId.MRZ_DG1, Result.NOT_SUPPORTED, "no printed zone was given")
    if zone is None:
        return _open(examination, CheckId.MRZ_DG1, "EF.DG1 was not read")
    return judge_printed_and_chip(examination.printed, zone)
