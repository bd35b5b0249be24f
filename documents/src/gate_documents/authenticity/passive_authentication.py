"""Passive Authentication: whether the chip's content is what the issuer signed (ICAO 9303-11 §5.1, TR-03135-1 §5.6.4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gate_documents.checks import Check, CheckId, Result
from gate_documents.countries import certificate_countries, is_certificate_country
from gate_documents.errors import AlgorithmUnknownError, DocumentError, SignerMissingError
from gate_documents.lds.com import parse_com
from gate_documents.lds.sod import SecurityObject, parse_sod
from gate_documents.pki.path import ISSUED_OUT_OF_TIME, find_issuer, issued_in_time
from gate_documents.pki.revocation_check import judge_revocation
from gate_documents.pki.signatures import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gate_documents.pki.anchors import Anchor, TrustAnchors
    from gate_documents.pki.certificate import Certificate

_UNSIGNED = "the signature of EF.SOD was not shown to be right"
_ANY_PURPOSE = frozenset({"2.5.29.37.0"})


@dataclass(frozen=True, slots=True)
class SecurityVerdict:
    """The verdict on EF.SOD. `security` is present whenever it could be parsed, whoever signed it."""

    checks: tuple[Check, ...]
    security: SecurityObject | None = None
    signer: Certificate | None = None
    anchor: Anchor | None = None

    @property
    def proven(self) -> bool:
        """True if the hashes are the issuer's: signed by a signer of a trusted country."""
        return self.anchor is not None


def judge_sod(data: bytes, anchors: TrustAnchors, now: datetime) -> SecurityVerdict:
    """Check the signature of EF.SOD, its signer, the signer's issuer, their validity and their revocation."""
    try:
        security = parse_sod(data)
    except AlgorithmUnknownError as error:
        return SecurityVerdict(_unsigned(Check(CheckId.SOD_SIGNATURE, Result.UNDETERMINED, str(error))))
    except DocumentError as error:
        return SecurityVerdict(_unsigned(Check(CheckId.SOD_SIGNATURE, Result.FAILED, str(error))))
    try:
        signer = security.message.verify(anchors.document_signers)
    except (AlgorithmUnknownError, SignerMissingError) as error:
        return SecurityVerdict(_unsigned(Check(CheckId.SOD_SIGNATURE, Result.UNDETERMINED, str(error))), security)
    except DocumentError as error:
        return SecurityVerdict(_unsigned(Check(CheckId.SOD_SIGNATURE, Result.FAILED, str(error))), security)
    travelled = signer in security.message.certificates
    brought_by = "" if travelled else ", whose certificate a directory brought"
    signed = Check(CheckId.SOD_SIGNATURE, Result.SUCCESSFUL, f"signed by the document signer that it names{brought_by}")
    judged = judge_signer(signer, anchors, now)
    return SecurityVerdict((signed, *judged.checks), security, signer, judged.anchor)


@dataclass(frozen=True, slots=True)
class SignerVerdict:
    """The checks of a document signer's certificate, and the CSCA that issued it."""

    checks: tuple[Check, ...]
    anchor: Anchor | None = None


def judge_signer(signer: Certificate, anchors: TrustAnchors, now: datetime) -> SignerVerdict:
    """Return the verdict on the signer's issuer, validity and revocation, for a signer with a verified signature."""
    ds_validity = _validity(CheckId.DS_VALIDITY, signer, now, "the document signer's certificate")
    # Who signs documents has no extended purpose; who has one signs only for that (9303-12 table 6, RFC 5280 §4.2.1.12).
    if not signer.may_sign_documents or (signer.purposes and not signer.purposes & _ANY_PURPOSE):
        return SignerVerdict(
            (
                Check(CheckId.DS_SIGNATURE, Result.FAILED, "the signer's certificate is not one of a document signer"),
                ds_validity,
                Check(CheckId.CSCA_VALIDITY, Result.UNDETERMINED, "no CSCA was looked for"),
                Check(CheckId.REVOCATION, Result.UNDETERMINED, "no CSCA was looked for"),
            )
        )
    path = find_issuer(signer, anchors, now)
    if path.anchor is None:
        csca_validity = Check(CheckId.CSCA_VALIDITY, Result.UNDETERMINED, "no CSCA was found")
    else:
        csca_validity = _validity(CheckId.CSCA_VALIDITY, path.anchor.certificate, now, "the CSCA's certificate")
        if csca_validity.result is Result.SUCCESSFUL and not issued_in_time(signer, path.anchor.certificate, anchors):
            csca_validity = replace(csca_validity, result=Result.FAILED, reason=ISSUED_OUT_OF_TIME)
    signed = Check(CheckId.DS_SIGNATURE, path.result, path.reason)
    if not signer.has_key_usage:  # 9303-12 table 6 requires it; without, a CSCA's mistake could have certified any key
        signed = replace(signed, result=Result.FAILED, reason="the document signer's certificate has no key usage")
    checks = (
        signed,
        ds_validity,
        csca_validity,
        Check(CheckId.REVOCATION, *judge_revocation(signer, path.anchor, anchors, now)),
    )
    return SignerVerdict(checks, path.anchor if signer.has_key_usage else None)


def _unsigned(signed: Check) -> tuple[Check, ...]:
    """Return the checks without a valid signature: the signer is unknown, and so are all facts about it."""
    unknown = (CheckId.DS_SIGNATURE, CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY, CheckId.REVOCATION)
    return signed, *(Check(check_id, Result.UNDETERMINED, _UNSIGNED) for check_id in unknown)


def _validity(check_id: CheckId, certificate: Certificate, now: datetime, whose: str) -> Check:
    """Judge at the time of the check, as TR-03135 requires; policy may soften it."""
    if now < certificate.not_before:
        return Check(check_id, Result.FAILED, f"{whose} is valid only from {certificate.not_before:%Y-%m-%d}")
    if now > certificate.not_after:
        return Check(check_id, Result.FAILED, f"{whose} ended on {certificate.not_after:%Y-%m-%d}")
    return Check(check_id, Result.SUCCESSFUL, f"{whose} is valid until {certificate.not_after:%Y-%m-%d}")


def judge_hashes(security: SecurityObject, files: Mapping[int, bytes], wanted: frozenset[int]) -> Check:
    """Compare every data group that was read with its hash. `wanted` must be among those read for a success."""
    added = sorted(files.keys() - security.hashes.keys())
    changed = sorted(
        number for number in files if number in security.hashes and not hash_agrees(security, number, files[number])
    )
    missing = sorted(wanted - files.keys())
    if changed:
        return Check(CheckId.DG_HASHES, Result.FAILED, f"not what EF.SOD says: {_groups(changed)}")
    if added:
        return Check(CheckId.DG_HASHES, Result.FAILED, f"not in EF.SOD: {_groups(added)}")
    if missing:
        return Check(CheckId.DG_HASHES, Result.UNDETERMINED, f"not read: {_groups(missing)}")
    if not files:
        return Check(CheckId.DG_HASHES, Result.UNDETERMINED, "no data group was read")
    return Check(CheckId.DG_HASHES, Result.SUCCESSFUL, f"as EF.SOD says: {_groups(sorted(files))}")


def hash_agrees(security: SecurityObject, number: int, content: bytes) -> bool:
    """True when EF.SOD has this data group with this content."""
    expected = security.hashes.get(number)
    return expected is not None and hmac.compare_digest(expected, digest(security.hash, content))


def judge_com(security: SecurityObject | None, com: bytes | None) -> Check:
    """Compare EF.COM's list of data groups with EF.SOD's: they must be equal. It is unsigned, and newer documents omit it."""
    if com is None:
        return Check(CheckId.COM_SOD, Result.NOT_SUPPORTED, "there is no EF.COM")
    try:
        common = parse_com(com)
    except DocumentError as error:
        return Check(CheckId.COM_SOD, Result.FAILED, str(error))
    if security is None:
        return Check(CheckId.COM_SOD, Result.NOT_SUPPORTED, "there is no EF.SOD to compare it with")
    differing = sorted(common.data_groups ^ security.hashes.keys())
    if differing:
        return Check(CheckId.COM_SOD, Result.FAILED, f"only one of EF.COM and EF.SOD lists {_groups(differing)}")
    lds_version, unicode_version = security.versions or (common.lds_version, common.unicode_version)
    if common.lds_version != lds_version or common.unicode_version not in (None, unicode_version):
        return Check(CheckId.COM_SOD, Result.FAILED, "EF.COM and EF.SOD name different versions")
    return Check(CheckId.COM_SOD, Result.SUCCESSFUL, "EF.COM and EF.SOD list the same data groups")


def judge_country(signer: Certificate | None, issuer: str | None) -> Check:
    """The issuing state of EF.DG1 is the country of the document signer's issuer."""
    if signer is None or issuer is None:
        return Check(CheckId.COUNTRY, Result.UNDETERMINED, "the document signer or EF.DG1 is not known")
    expected = certificate_countries(issuer)
    if expected is None or not is_certificate_country(signer.issuer_country):
        return Check(CheckId.COUNTRY, Result.UNDETERMINED, "the state code or the certificate's country is in no table")
    if signer.issuer_country not in expected:
        return Check(CheckId.COUNTRY, Result.FAILED, f"signed for {signer.issuer_country}, not for {issuer}")
    return Check(CheckId.COUNTRY, Result.SUCCESSFUL, f"{issuer} signs as {signer.issuer_country}")


def _groups(numbers: list[int]) -> str:
    return ", ".join(f"DG{number}" for number in numbers)
