"""Writes CMS SignedData for passports and lists (RFC 5652 §5, ICAO 9303-10 §4.6.2, 9303-12 §8 and §9).

`Style` has an option for each variant that real issuers use, and for some mistakes. Pure, except for RSA signatures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hardware_sim.passport import der
from hardware_sim.passport.keys import Digest, PrivateKey, digest_algorithm, digest_of, order_of
from hardware_sim.passport.pki import DocumentSigner, Name

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"

EllipticForm = Literal["der", "zero", "large", "plain", "padded", "long"]
SignerName = Literal["as_certified", "reversed", "printable", "other"]
SignerId = Literal["issuer_and_serial", "key_identifier"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a SignedData is encoded. The fields from `attribute_type` on are mistakes; their defaults make none."""

    digest: Digest = "sha256"
    signer_id: SignerId = "issuer_and_serial"
    signed_attributes: bool = True
    signing_time: datetime | None = None
    bare_rsa: bool = False
    indefinite_length: bool = False
    version: int = 3
    attribute_type: str | None = None  # the content type in the signed attributes
    digest_twist: bool = False  # the digest in the signed attributes is wrong
    signature_twist: bool = False  # one bit of the signature is wrong
    # In this order: r = s = 0; s above the order; no DER around r and s; leading zeros; long form of lengths.
    elliptic_form: EllipticForm = "der"
    signer_name: SignerName = "as_certified"  # how the issuer's name is written beside the serial number
    salt_claim_bytes: int | None = None  # the salt length in the PSS parameters
    mask_claim: Digest | None = None  # the hash of the mask in the PSS parameters
    other_signer_id: bool = False  # a serial number or key identifier of no certificate in the file
    unsorted_attributes: bool = False  # signed in DER order, sent in another order


def signed_data(
    content_type: str,
    content: bytes,
    signers: Sequence[DocumentSigner],
    *,
    certificates: Sequence[bytes],
    style: Style,
) -> bytes:
    """Return a ContentInfo with SignedData over `content`, with one SignerInfo for each signer, DER."""
    wrap: Callable[..., bytes] = der.indefinite if style.indefinite_length else der.tlv
    octets = wrap(0x24, der.octets(content)) if style.indefinite_length else der.octets(content)
    data = wrap(
        0x30,
        der.integer(style.version),
        der.set_of(der.sequence(*_digest_parts(style.digest))),
        wrap(0x30, der.oid(content_type), wrap(0xA0, octets)),
        *([der.tlv(0xA0, *certificates)] if certificates else []),
        der.set_of(*(_signer_info(signer, content_type, content, style) for signer in signers)),
    )
    return wrap(0x30, der.oid(SIGNED_DATA), wrap(0xA0, data))


def _signer_info(signer: DocumentSigner, content_type: str, content: bytes, style: Style) -> bytes:
    attributes = _attributes(content_type, content, style) if style.signed_attributes else ()
    # Signed as a SET, sent as [0] (RFC 5652 §5.4).
    signature = signer.key.sign(der.set_of(*attributes) if attributes else content, style.digest)
    if style.signature_twist:
        signature = signature[:-1] + bytes((signature[-1] ^ 1,))
    signature = _reformed(signature, signer.key.private, style.elliptic_form)
    sent = attributes if style.unsorted_attributes else tuple(sorted(attributes))
    return der.sequence(
        der.integer(3 if style.signer_id == "key_identifier" else 1),
        _signer_id(signer, style),
        der.sequence(*_digest_parts(style.digest)),
        *([der.tlv(0xA0, *sent)] if sent else []),
        signer.key.signature_algorithm(
            style.digest,
            bare_rsa=style.bare_rsa,
            salt_claim_bytes=style.salt_claim_bytes,
            mask_claim=style.mask_claim,
        ),
        der.octets(signature),
    )


def _signer_id(signer: DocumentSigner, style: Style) -> bytes:
    if style.signer_id == "key_identifier":
        identifier = signer.key.identifier()
        return der.tlv(0x80, identifier[::-1] if style.other_signer_id else identifier)
    serial = signer.serial + 500_000 if style.other_signer_id else signer.serial
    return der.sequence(_written(signer.issuer, style.signer_name), der.integer(serial))


def _written(name: Name, how: SignerName) -> bytes:
    match how:
        case "as_certified":
            return name.encoded()
        case "reversed":
            return name.encoded(backwards=True)
        case "printable":
            return name.encoded(text=der.printable)
        case "other":
            return replace(name, organisation=f"{name.organisation} 2").encoded()


def _reformed(signature: bytes, key: PrivateKey, form: EllipticForm) -> bytes:
    """Return an elliptic-curve signature in another form; RSA signatures are returned unchanged."""
    if form == "der" or not isinstance(key, ec.EllipticCurvePrivateKey):
        return signature
    r, s = decode_dss_signature(signature)
    size = (key.curve.key_size + 7) // 8
    match form:
        case "padded":
            return der.sequence(*(der.tlv(0x02, bytes(3), der.integer(number)[2:]) for number in (r, s)))
        case "long":
            return _with_long_length(der.sequence(*(_with_long_length(der.integer(number)) for number in (r, s))))
        case "zero":
            return der.sequence(der.integer(0), der.integer(0))
        case "large":
            return der.sequence(der.integer(r), der.integer(s + order_of(key)))
        case "plain":
            return r.to_bytes(size) + s.to_bytes(size)


def _with_long_length(encoded: bytes) -> bytes:
    """Return the same object with a length of three bytes where one is enough (X.690 §8.1.3.5)."""
    return bytes((encoded[0], 0x82)) + (len(encoded) - 2).to_bytes(2) + encoded[2:]


def _attributes(content_type: str, content: bytes, style: Style) -> tuple[bytes, ...]:
    digest = digest_of(style.digest, content + b"!" if style.digest_twist else content)
    listed = [
        _attribute(_MESSAGE_DIGEST, der.octets(digest)),
        _attribute(_CONTENT_TYPE, der.oid(style.attribute_type or content_type)),
    ]
    if style.signing_time is not None:
        listed.append(_attribute(_SIGNING_TIME, der.time(style.signing_time)))
    return tuple(listed)


def _digest_parts(digest: Digest) -> tuple[bytes, ...]:
    return (der.oid(digest_algorithm(digest)),)


def _attribute(dotted: str, value: bytes) -> bytes:
    return der.sequence(der.oid(dotted), der.set_of(value))
