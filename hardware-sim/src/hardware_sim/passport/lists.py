"""Writes the signed lists that countries publish beside certificates: master lists, deviation lists, defect lists.

ICAO 9303-12 §8 (master list), ICAO 9303-12 §9 and §10 (deviation list), BSI TR-03129-2 §7 (defect list). Pure, except
for RSA signatures. `office` determines the signer and its CSCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hardware_sim.passport import cms, der
from hardware_sim.passport.keys import digest_algorithm
from hardware_sim.passport.pki import DocumentSigner

_MASTER_LIST: Final = "2.23.136.1.1.2"
_DEVIATION_LIST: Final = "2.23.136.1.1.7"
_DEFECT_LIST: Final = "0.4.0.127.0.7.3.1.5"
_PRINTABLE_SET_TAG: Final = 0xA5

# ICAO 9303-12 §10: kinds of deviation.
SIGNER_SIGNATURE_WRONG: Final = f"{_DEVIATION_LIST}.1.1"
SIGNER_ENCODING_WRONG: Final = f"{_DEVIATION_LIST}.1.2"
AUTHORITY_ENCODING_WRONG: Final = f"{_DEVIATION_LIST}.1.3"
ACTIVE_KEYS_COMPROMISED: Final = f"{_DEVIATION_LIST}.1.4"
GROUP_MALFORMED: Final = f"{_DEVIATION_LIST}.2.1"  # parameter: the number of the group; 20 is EF.SOD, 21 is EF.COM
GROUP_HASH_WRONG: Final = f"{_DEVIATION_LIST}.2.2"
SECURITY_OBJECT_SIGNATURE_WRONG: Final = f"{_DEVIATION_LIST}.2.3"
COM_INCONSISTENT: Final = f"{_DEVIATION_LIST}.2.4"

# BSI TR-03129: kinds of defect.
SIGNER_REVOKED: Final = f"{_DEFECT_LIST}.1.1"  # parameter: a status, 0 to 4 or 32 and above
SIGNER_REPLACED: Final = f"{_DEFECT_LIST}.1.2"  # parameter: the certificate to use
CHIP_KEY_REVOKED: Final = f"{_DEFECT_LIST}.1.3"
ACTIVE_KEY_REVOKED: Final = f"{_DEFECT_LIST}.1.4"
GROUPS_MALFORMED: Final = f"{_DEFECT_LIST}.2.1"  # parameter: a SET of group numbers
SECURITY_OBJECT_INVALID: Final = f"{_DEFECT_LIST}.2.2"
COM_DIFFERS: Final = f"{_DEFECT_LIST}.2.3"
CARD_SECURITY_MALFORMED: Final = f"{_DEFECT_LIST}.4.1"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One deviation in the documents of one signer, or in numbered documents. `parameter` is DER."""

    kind: str
    parameter: bytes | None = None
    signer: str | None = None
    document_numbers: tuple[str, ...] = ()
    document_type: str | None = None
    issued: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect in all documents of one signer. `parameter` is DER."""

    kind: str
    signer: str
    parameter: bytes | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The signer of a list, its style and the `certificates` in the CMS."""

    signer: DocumentSigner
    certificates: tuple[bytes, ...]
    style: cms.Style


def publisher(
    signer: DocumentSigner, authority_certificate: bytes, *, signed_at: datetime, broken: bool = False
) -> Publisher:
    """Return the publisher with the signing time, which lists must carry. `broken` makes one signature bit wrong."""
    style = replace(cms.Style(), signing_time=signed_at, signature_twist=broken)
    return Publisher(signer, (signer.certificate, authority_certificate), style)


def master_list(certificates: Sequence[bytes], by: Publisher) -> bytes:
    """Return a CscaMasterList, version 0, in a CMS."""
    content = der.sequence(der.integer(0), der.set_of(*certificates))
    return _signed(_MASTER_LIST, content, by)


def deviation_list(deviations: Sequence[tuple[Deviation, DocumentSigner | None]], by: Publisher) -> bytes:
    """Return a DeviationList, version 0, in a CMS. Each deviation is paired with the signer that it names."""
    listed = (
        der.sequence(_documents(deviation, signer), der.set_of(_described(deviation)))
        for deviation, signer in deviations
    )
    return _signed(_DEVIATION_LIST, der.sequence(der.integer(0), der.set_of(*listed)), by)


def defect_list(defects: Sequence[tuple[Defect, DocumentSigner]], by: Publisher) -> bytes:
    """Return a DefectList, version 0, in a CMS. Each defect is paired with the signer whose documents have it."""
    listed = (
        der.sequence(
            _issuer_and_serial(signer),
            der.set_of(der.sequence(der.oid(defect.kind), *([] if defect.parameter is None else [defect.parameter]))),
        )
        for defect, signer in defects
    )
    content = der.sequence(der.integer(0), der.oid(digest_algorithm("sha256")), der.set_of(*listed))
    return _signed(_DEFECT_LIST, content, by)


def _signed(content_type: str, content: bytes, by: Publisher) -> bytes:
    return cms.signed_data(content_type, content, [by.signer], certificates=by.certificates, style=by.style)


def _documents(deviation: Deviation, signer: DocumentSigner | None) -> bytes:
    """Return DeviationDocuments; a document must match all present fields (9303-12 §10, implicit tags)."""
    parts: list[bytes] = []
    if deviation.document_type is not None:
        parts.append(der.tlv(0x80, deviation.document_type.encode("ascii")))
    if signer is not None:
        parts.append(b"\xa1" + _issuer_and_serial(signer)[1:])
    if deviation.issued is not None:
        parts.append(der.tlv(0xA4, *(der.generalized_time(moment) for moment in deviation.issued)))
    if deviation.document_numbers:
        numbers = sorted(der.printable(number) for number in deviation.document_numbers)
        parts.append(der.tlv(_PRINTABLE_SET_TAG, *numbers))
    return der.sequence(*parts)


def _described(deviation: Deviation) -> bytes:
    parameter = [] if deviation.parameter is None else [der.tlv(0xA0, deviation.parameter)]
    return der.sequence(der.oid(deviation.kind), *parameter)


def _issuer_and_serial(signer: DocumentSigner) -> bytes:
    return der.sequence(signer.issuer.encoded(), der.integer(signer.serial))
