"""Writes EF.SOD and EF.CardSecurity: hashes or SecurityInfos, signed by a document signer (ICAO 9303-10 §4.6.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from hardware_sim.passport import cms, der
from hardware_sim.passport.keys import Digest, digest_algorithm, digest_of
from hardware_sim.passport.pki import DocumentSigner

SECURITY_OBJECT: Final = "2.23.136.1.1.1"
ID_DATA: Final = "1.2.840.113549.1.7.1"  # in Chinese passports
LEGACY_OBJECT: Final = "1.3.27.1.1.1"  # from the first drafts of the standard
LEGACY_DUTCH_OBJECT: Final = "1.2.528.1.1006.1.20.1"
_CARD_SECURITY_OBJECT: Final = "0.4.0.127.0.7.3.2.1"
_LDS_VERSION: Final = "0108"
_UNICODE_VERSION: Final = "040000"
_UNKNOWN_DIGEST: Final = "1.3.6.1.4.1.99999.1"  # assigned to no hash function

Certificates = Literal["one", "none", "two"]


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """How EF.SOD is encoded. `signature_digest` None means `digest`; `mistakes` are fields of `cms.Style`."""

    lds_version: int = 1
    digest: Digest = "sha256"
    signature_digest: Digest | None = None
    signer_id: cms.SignerId = "issuer_and_serial"
    content_type: str = SECURITY_OBJECT
    certificates: Certificates = "one"
    signers: int = 1
    signed_attributes: bool = True
    signing_time: datetime | None = None
    bare_rsa: bool = False
    indefinite_length: bool = False
    signed_data_version: int = 3
    unknown_digest: bool = False
    mistakes: Mapping[str, object] = field(default_factory=dict)

    def style(self) -> cms.Style:
        """Return the style of the CMS."""
        plain = {
            "digest": self.signature_digest or self.digest,
            "signer_id": self.signer_id,
            "signed_attributes": self.signed_attributes,
            "signing_time": self.signing_time,
            "bare_rsa": self.bare_rsa,
            "indefinite_length": self.indefinite_length,
            "version": self.signed_data_version,
        }
        return cms.Style(**{**plain, **self.mistakes})  # type: ignore[arg-type] # the names are those of the fields


def hashes(groups: Mapping[int, bytes], order: SecurityObject) -> bytes:
    """Return the LDSSecurityObject: the hash of each data group; from version 1 on with the versions in EF.COM."""
    listed = [
        der.sequence(der.integer(number), der.octets(digest_of(order.digest, content)))
        for number, content in sorted(groups.items())
    ]
    versions = der.sequence(der.printable(_LDS_VERSION), der.printable(_UNICODE_VERSION))
    name = _UNKNOWN_DIGEST if order.unknown_digest else digest_algorithm(order.digest)
    return der.sequence(
        der.integer(order.lds_version),
        der.sequence(der.oid(name)),
        der.sequence(*listed),
        *([] if order.lds_version == 0 else [versions]),
    )


def sod(
    groups: Mapping[int, bytes],
    signers: Sequence[DocumentSigner],
    order: SecurityObject,
    *,
    extra_certificates: Sequence[bytes] = (),
) -> bytes:
    """Return EF.SOD: a CMS SignedData over the hashes, signed by the first `order.signers` of `signers`."""
    shown = {"none": 0, "one": order.signers, "two": max(2, order.signers)}[order.certificates]
    certificates = [signer.certificate for signer in signers[:shown]]
    signed = cms.signed_data(
        order.content_type,
        hashes(groups, order),
        signers[: order.signers],
        certificates=[*certificates, *extra_certificates],
        style=order.style(),
    )
    return der.tlv(0x77, signed)


def card_security(infos: bytes, signer: DocumentSigner) -> bytes:
    """Return EF.CardSecurity: a CMS SignedData over SecurityInfos (ICAO 9303-11 §9.2.10, BSI TR-03110-3 §A.1.2)."""
    return cms.signed_data(_CARD_SECURITY_OBJECT, infos, [signer], certificates=[signer.certificate], style=cms.Style())
