"""Writes the files of the eMRTD application: EF.COM, DG1, DG2, DG14, DG15 and EF.SOD (ICAO 9303-10 §4).

Pure. The image inside DG2 stays as it came; only its size is read, for the record's header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from hardware_sim.passport import der
from hardware_sim.passport.pki import DocumentSigner

SECURITY_OBJECT: Final = "2.23.136.1.1.1"
DATA_GROUP_TAGS: Final = {1: 0x61, 2: 0x75, 14: 0x6E, 15: 0x6F}  # ICAO 9303-10 table 38
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_LDS_VERSION: Final = "0108"
_UNICODE_VERSION: Final = "040000"
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, ISO/IEC 10918-1 table B.1
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


def com(numbers: Iterable[int]) -> bytes:
    """EF.COM: versions and the list of data groups."""
    tags = bytes(DATA_GROUP_TAGS[number] for number in numbers)
    return der.tlv(
        0x60,
        der.tlv(0x5F01, _LDS_VERSION.encode()),
        der.tlv(0x5F36, _UNICODE_VERSION.encode()),
        der.tlv(0x5C, tags),
    )


def dg1(lines: tuple[str, ...]) -> bytes:
    """DG1: the machine readable zone, its lines joined."""
    return der.tlv(0x61, der.tlv(0x5F1F, "".join(lines).encode("ascii")))


def dg2(jpeg: bytes) -> bytes:
    """DG2: one face, in CBEFF around an ISO/IEC 19794-5 record. Raises ValueError when `jpeg` is no JPEG."""
    header = der.tlv(
        0xA1,
        der.tlv(0x80, bytes.fromhex("0101")),  # patron header version
        der.tlv(0x81, b"\x02"),  # facial features
        der.tlv(0x82, b"\x00"),  # no subtype
        der.tlv(0x87, bytes.fromhex("0101")),  # format owner: ISO/IEC JTC 1/SC 37
        der.tlv(0x88, bytes.fromhex("0008")),  # format type: ISO/IEC 19794-5
    )
    template = der.tlv(0x7F60, header, der.tlv(0x5F2E, _face_record(jpeg)))
    return der.tlv(0x75, der.tlv(0x7F61, der.integer(1), template))


def dg14_for_ecdsa() -> bytes:
    """DG14 with the ActiveAuthenticationInfo that an elliptic key needs (ICAO 9303-11 §9.2.6)."""
    info = der.sequence(
        der.oid("2.23.136.1.1.5"),
        der.integer(1),
        der.oid("0.4.0.127.0.7.1.1.4.1.3"),  # ecdsa-plain-SHA256
    )
    return der.tlv(0x6E, der.set_of(info))


def dg15(public_info: bytes) -> bytes:
    """DG15: the chip's public key."""
    return der.tlv(0x6F, public_info)


def security_object(groups: Mapping[int, bytes]) -> bytes:
    """LDSSecurityObject version 1: SHA-256 of every data group (ICAO 9303-10 §4.6.2.3)."""
    hashes = [
        der.sequence(der.integer(number), der.octets(hashlib.sha256(content).digest()))
        for number, content in sorted(groups.items())
    ]
    versions = der.sequence(der.printable(_LDS_VERSION), der.printable(_UNICODE_VERSION))
    return der.sequence(der.integer(1), _SHA256, der.sequence(*hashes), versions)


def sod(groups: Mapping[int, bytes], signer: DocumentSigner) -> bytes:
    """EF.SOD: a CMS SignedData over the security object, with signed attributes and the signer's certificate."""
    content = security_object(groups)
    attributes = (
        _attribute("1.2.840.113549.1.9.3", der.oid(SECURITY_OBJECT)),
        _attribute("1.2.840.113549.1.9.4", der.octets(hashlib.sha256(content).digest())),
    )
    signed_attributes = der.set_of(*attributes)  # signed as a SET, sent as [0] (RFC 5652 §5.4)
    signer_info = der.sequence(
        der.integer(1),
        der.sequence(signer.issuer.encoded(), der.integer(signer.serial)),
        _SHA256,
        b"\xa0" + signed_attributes[1:],
        signer.key.signature_algorithm(),
        der.octets(signer.key.sign(signed_attributes)),
    )
    signed_data = der.sequence(
        der.integer(3),
        der.set_of(_SHA256),
        der.sequence(der.oid(SECURITY_OBJECT), der.tlv(0xA0, der.octets(content))),
        der.tlv(0xA0, signer.certificate),
        der.set_of(signer_info),
    )
    return der.tlv(0x77, der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tlv(0xA0, signed_data)))


def _attribute(dotted: str, value: bytes) -> bytes:
    return der.sequence(der.oid(dotted), der.set_of(value))


def _face_record(jpeg: bytes) -> bytes:
    """Facial record header, one facial information block, one image block (ISO/IEC 19794-5:2005 §5)."""
    width, height = jpeg_size_pixels(jpeg)
    information = bytes(16)  # no feature points; gender, eyes, hair, features, expression, pose unspecified
    image = b"".join(
        (
            b"\x01",  # full frontal
            b"\x00",  # JPEG
            width.to_bytes(2),
            height.to_bytes(2),
            b"\x01",  # sRGB, 24 bit
            b"\x02",  # digital still camera
            bytes(4),  # device type and quality unspecified
        )
    )
    block = (4 + len(information) + len(image) + len(jpeg)).to_bytes(4) + information + image + jpeg
    total = 14 + len(block)
    return b"FAC\x00010\x00" + total.to_bytes(4) + (1).to_bytes(2) + block


def jpeg_size_pixels(jpeg: bytes) -> tuple[int, int]:
    """Width and height from the frame header. Raises ValueError when there is none."""
    if jpeg[:2] != b"\xff\xd8":
        raise ValueError("the portrait is not a JPEG")
    at = 2
    while at + 9 <= len(jpeg):
        if jpeg[at] != 0xFF:
            raise ValueError("the portrait's JPEG segments are broken")
        marker = jpeg[at + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(jpeg[at + 7 : at + 9]), int.from_bytes(jpeg[at + 5 : at + 7])
        at += 2 if marker in _BARE_MARKERS else 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    raise ValueError("the portrait's JPEG has no frame header")
