"""The verdict on a seal, check by check (BSI TR-03135-1 §5.9 and §5.7.7).

A seal does not contain its signer's certificate; the trust store has it, or the caller supplies it. It is trusted only
as far as its CSCA, and only for its purpose: seals, of its own state, on documents of its types (ICAO 9303-12 §7.1.3).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.authenticity.signer_scope import covers_type
from gate_documents.checks import Result, combine, tolerating
from gate_documents.countries import certificate_countries
from gate_documents.errors import (
    AlgorithmUnknownError,
    DocumentError,
    MalformedError,
    SignatureError,
    SignerMissingError,
)
from gate_documents.pki.keys import EcKey
from gate_documents.pki.known_defects import Flaw, flaws_of
from gate_documents.pki.path import ISSUED_OUT_OF_TIME, find_issuer, issued_in_time
from gate_documents.pki.revocation_check import judge_revocation
from gate_documents.pki.signatures import Kind, Scheme, verify
from gate_documents.seal.profiles import SIGNER_PURPOSES, read_content
from gate_documents.seal.vds import parse_seal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gate_documents.mrz.parser import Mrz
    from gate_documents.pki.anchors import Anchor, TrustAnchors
    from gate_documents.pki.certificate import Certificate
    from gate_documents.seal.profiles import Content
    from gate_documents.seal.vds import Header, Seal


class SealCheckId(enum.Enum):
    """The checks of one seal, in the order in which they are reported."""

    STRUCTURE = "seal_structure"
    SEMANTICS = "seal_semantics"
    CHECK_DIGITS = "seal_check_digits"
    SIGNATURE = "seal_signature"
    SIGNER_SIGNATURE = "seal_signer_signature"
    SIGNER_VALIDITY = "seal_signer_validity"
    AUTHORITY_VALIDITY = "seal_authority_validity"
    SIGNER_TRUST = "seal_signer_trust"
    COUNTRY = "seal_country"
    PRINTED = "seal_printed"


CLAUSES: Final = {
    SealCheckId.STRUCTURE: "TR-03135-1 §5.9.1.2.1",
    SealCheckId.SEMANTICS: "TR-03135-1 §5.9.1.2.2",
    SealCheckId.CHECK_DIGITS: "TR-03135-1 §5.9.1.2.3",
    SealCheckId.SIGNATURE: "TR-03135-1 §5.9.1.4.1",
    SealCheckId.SIGNER_SIGNATURE: "TR-03135-1 §5.9.1.3.1",
    SealCheckId.SIGNER_VALIDITY: "TR-03135-1 §5.9.1.3.2",
    SealCheckId.AUTHORITY_VALIDITY: "TR-03135-1 §5.9.1.3.3",
    SealCheckId.SIGNER_TRUST: "TR-03135-1 §5.9.1.3.4",
    SealCheckId.COUNTRY: "ICAO 9303-13 §5",
    SealCheckId.PRINTED: "TR-03135-1 §5.7.7",
}


@dataclass(frozen=True, slots=True)
class SealCheck:
    """One check: its result and the reason as text. The reason holds no personal data."""

    id: SealCheckId
    result: Result
    reason: str

    @property
    def clause(self) -> str:
        """The clause of the standard that the check comes from."""
        return CLAUSES[self.id]


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """Every check of a seal, and its content if its kind is known. `content`: as parsed, whoever signed it."""

    checks: tuple[SealCheck, ...]
    content: Content | None = None

    @property
    def overall(self) -> Result:
        """Successful only if every check is, except those that a seal of this kind does not support."""
        return combine(check.result for check in self.checks)

    def result_of(self, check_id: SealCheckId) -> Result:
        """The result of one check."""
        return next(check.result for check in self.checks if check.id is check_id)


# The hash follows from the key's length (ICAO 9303-13 §3.4).
_HASHES: Final = ((224, "sha224"), (256, "sha256"), (384, "sha384"), (521, "sha512"))


def judge_seal(
    data: bytes,
    *,
    anchors: TrustAnchors,
    now: datetime,
    signers: Iterable[Certificate] = (),
    printed: Mrz | None = None,
) -> SealVerdict:
    """Judge the bytes of a bar code. `signers`: certificates that may have signed it, besides the trust store's."""
    try:
        seal = parse_seal(data)
        content = read_content(seal)
    except DocumentError as error:
        return SealVerdict(_unread(str(error)))
    try:
        signer = _find_signer(seal, signers, anchors)
    except SignerMissingError:
        signer = None
    path = None if signer is None else find_issuer(signer, anchors, now)
    anchor = None if path is None else path.anchor
    results = {
        SealCheckId.STRUCTURE: _structure(seal, content),
        SealCheckId.SEMANTICS: _semantics(seal.header, now),
        SealCheckId.CHECK_DIGITS: _check_digits(content),
        SealCheckId.SIGNATURE: _signature(seal, signer),
        SealCheckId.SIGNER_SIGNATURE: _UNKNOWN_SIGNER if path is None else (path.result, path.reason),
        SealCheckId.SIGNER_VALIDITY: _signer_validity(seal.header, signer, now),
        SealCheckId.AUTHORITY_VALIDITY: _authority_validity(signer, anchor, anchors, now),
        SealCheckId.SIGNER_TRUST: _trust(signer, anchor, anchors, now, content),
        SealCheckId.COUNTRY: _country(seal.header, signer),
        SealCheckId.PRINTED: _printed(content, printed),
    }
    return SealVerdict(tuple(SealCheck(check_id, *results[check_id]) for check_id in SealCheckId), content)


_Outcome = tuple[Result, str]
_UNKNOWN_SIGNER: Final[_Outcome] = (Result.UNDETERMINED, "the signer's certificate is not known")


def _unread(reason: str) -> tuple[SealCheck, ...]:
    return tuple(
        SealCheck(check_id, Result.FAILED, reason)
        if check_id is SealCheckId.STRUCTURE
        else SealCheck(check_id, Result.UNDETERMINED, "the seal could not be read")
        for check_id in SealCheckId
    )


def _find_signer(seal: Seal, signers: Iterable[Certificate], anchors: TrustAnchors) -> Certificate | None:
    """Return the certificate that the header names: country, common name and serial number, exactly (ICAO 9303-13 §2.2).

    Two CSCAs of one state may have made one each; then it is the one that verifies. Raises SignerMissingError.
    """
    header = seal.header
    try:
        serial = int(header.reference, 16)
    except ValueError:
        return None
    wanted = (header.signer[:2], header.signer[2:], serial)
    named = [one for one in signers if (one.country, one.common_name, one.serial) == wanted]
    named += anchors.seal_signers(*wanted)
    return next((one for one in named if _signature(seal, one)[0] is Result.SUCCESSFUL), next(iter(named), None))


def _structure(seal: Seal, content: Content | None) -> _Outcome:
    if content is None:
        return Result.NOT_SUPPORTED, tolerating("a seal of a kind that is not known", seal.tolerated)
    reason = f"a seal of a {content.profile.name}, with all that it must say"
    return Result.SUCCESSFUL, tolerating(reason, seal.tolerated)


def _semantics(header: Header, now: datetime) -> _Outcome:
    if max(header.issued, header.signed) > now.date():
        return Result.FAILED, "the seal was issued or signed in the future"
    return Result.SUCCESSFUL, "the seal's dates are past"


def _check_digits(content: Content | None) -> _Outcome:
    if content is None:
        return Result.NOT_SUPPORTED, "there is no MRZ in the seal"
    if not content.mrz.valid:
        return Result.FAILED, "a check digit of the MRZ in the seal is wrong"
    return Result.SUCCESSFUL, "the check digits of the MRZ in the seal hold"


def _signature(seal: Seal, signer: Certificate | None) -> _Outcome:
    if signer is None:
        return _UNKNOWN_SIGNER
    try:
        key = signer.public_key
        if isinstance(key, EcKey):
            verify(key, Scheme(Kind.ECDSA_PLAIN, _hash_for(key)), seal.signed, seal.signature)
            return Result.SUCCESSFUL, "signed by the signer that it names"
    except AlgorithmUnknownError as error:
        return Result.UNDETERMINED, str(error)
    except (SignatureError, MalformedError) as error:
        return Result.FAILED, str(error)
    return Result.UNDETERMINED, "the signer's key is not on an elliptic curve"


def _hash_for(key: EcKey) -> str:
    bits = key.curve.order.bit_length()
    return next((name for bits_max, name in _HASHES if bits <= bits_max), "sha512")


def _signer_validity(header: Header, signer: Certificate | None, now: datetime) -> _Outcome:
    """Judge at the time of the check, and on the day on which the seal was signed."""
    if signer is None:
        return _UNKNOWN_SIGNER
    if not signer.valid_at(now):
        return Result.FAILED, "the signer's certificate is not valid now"
    if not signer.not_before.date() <= header.signed <= signer.not_after.date():
        return Result.FAILED, "the seal was signed outside its signer's time"
    return Result.SUCCESSFUL, f"the signer's certificate is valid until {signer.not_after:%Y-%m-%d}"


def _authority_validity(
    signer: Certificate | None, anchor: Anchor | None, anchors: TrustAnchors, now: datetime
) -> _Outcome:
    if signer is None or anchor is None:
        return Result.UNDETERMINED, "no CSCA was found"
    if not anchor.certificate.valid_at(now):
        return Result.FAILED, "the CSCA's certificate is not valid now"
    if not issued_in_time(signer, anchor.certificate, anchors):
        return Result.FAILED, ISSUED_OUT_OF_TIME
    return Result.SUCCESSFUL, f"the CSCA's certificate is valid until {anchor.certificate.not_after:%Y-%m-%d}"


def _trust(
    signer: Certificate | None, anchor: Anchor | None, anchors: TrustAnchors, now: datetime, content: Content | None
) -> _Outcome:
    """Trusted: for seals of this kind, under a CSCA of the store, on no current revocation list and no defect list."""
    if signer is None:
        return _UNKNOWN_SIGNER
    unfit = _unfit(signer, content)
    if unfit is not None and unfit[0] is Result.FAILED:
        return unfit
    revocation = judge_revocation(signer, anchor, anchors, now)
    if revocation[0] is Result.FAILED:
        return revocation
    known = flaws_of(signer, anchors.known_defects(signer))
    if Flaw.DS_NOT_TRUSTED in known:
        return Result.FAILED, "a defect list revokes the signer"
    if Flaw.DS_UNDER_INVESTIGATION in known:
        return Result.UNDETERMINED, "a defect list casts doubt on the signer"
    if anchor is None:
        return Result.UNDETERMINED, "no CSCA was found"
    return unfit or revocation


def _unfit(signer: Certificate, content: Content | None) -> _Outcome | None:
    """Return why the signer may not have signed this seal: its key's use, or its document types; None: it may."""
    purposes = SIGNER_PURPOSES if content is None else content.profile.signer_purposes
    if not signer.may_sign_documents or not signer.purposes & purposes:
        return Result.FAILED, "the signer's certificate is not one for seals of this kind"
    if signer.document_types is None:
        return None
    if content is None or not signer.document_types:
        return Result.UNDETERMINED, "the document types that the signer may seal, or that of this seal, are not known"
    if not covers_type(signer.document_types, content.mrz.document_type):
        return Result.FAILED, "the signer may not seal documents of this type"
    return None


def _country(header: Header, signer: Certificate | None) -> _Outcome:
    if signer is None:
        return _UNKNOWN_SIGNER
    expected = certificate_countries(header.country)
    if expected is None:
        return Result.UNDETERMINED, "the state code of the seal is in no table"
    if signer.country not in expected:
        return Result.FAILED, f"signed for {signer.country}, not for {header.country}"
    if signer.issuer_country != signer.country:
        return Result.FAILED, f"the signer of {signer.country} was certified by {signer.issuer_country or 'nobody'}"
    return Result.SUCCESSFUL, f"{header.country} signs as {signer.country}"


def _printed(content: Content | None, printed: Mrz | None) -> _Outcome:
    """Check consistency; a visa's seal holds only a part of the MRZ."""
    if content is None or printed is None:
        return Result.NOT_SUPPORTED, "there is no printed MRZ, or none in the seal"
    if not "".join(printed.lines).startswith(content.mrz_text):
        return Result.FAILED, "the printed MRZ and the one in the seal differ"
    return Result.SUCCESSFUL, "the printed MRZ agrees with the one in the seal"
