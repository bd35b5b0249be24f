"""Writes the files of the eMRTD application: EF.COM and the data groups (ICAO 9303-10 §4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hardware_sim.passport import der, security_infos, security_object
from hardware_sim.passport.face_record import face_block_39794, face_record
from hardware_sim.passport.pki import DocumentSigner

# ICAO 9303-10 table 38
DATA_GROUP_TAGS: Final = dict(enumerate(bytes.fromhex("6175637665666768696A6B6C6D6E6F70"), start=1))
_FACE: Final = 0x02
_FINGER: Final = 0x08
_LDS_VERSION: Final = "0108"
_UNICODE_VERSION: Final = "040000"


def com(numbers: Iterable[int], *, more_tags: bytes = b"", with_unicode: bool = True) -> bytes:
    """Return EF.COM: versions and tags of the groups, then `more_tags`. `with_unicode` adds the Unicode version."""
    tags = bytes(DATA_GROUP_TAGS[number] for number in numbers) + more_tags
    unicode_version = der.tlv(0x5F36, _UNICODE_VERSION.encode()) if with_unicode else b""
    return der.tlv(0x60, der.tlv(0x5F01, _LDS_VERSION.encode()), unicode_version, der.tlv(0x5C, tags))


def dg1(lines: tuple[str, ...]) -> bytes:
    """Return DG1: the lines of the machine readable zone, joined."""
    return der.tlv(0x61, der.tlv(0x5F1F, "".join(lines).encode("ascii")))


def dg2(*images: bytes) -> bytes:
    """Return DG2: one face an image, in CBEFF of ISO/IEC 19794-5. Raises ValueError when not JPEG or JPEG 2000."""
    return templates(0x75, [der.tlv(0x5F2E, face_record(image)) for image in images], _FACE, "0008")


def dg2_39794(image: bytes) -> bytes:
    """Return DG2: one face in CBEFF of ISO/IEC 39794-5, mandatory fields only. Raises ValueError like `dg2`."""
    return templates(0x75, [der.tlv(0x7F2E, face_block_39794(image))], _FACE, "002A")


def dg3(*finger_images: bytes) -> bytes:
    """Return DG3: fingers in CBEFF; any bytes serve as ISO/IEC 19794-4 records."""
    return templates(0x63, [der.tlv(0x5F2E, image) for image in finger_images], _FINGER, "0007")


def templates(tag: int, records: Sequence[bytes], kind: int, format_type: str) -> bytes:
    """Return a group of biometric information templates (ICAO 9303-10 §4.7.2.1)."""
    header = der.tlv(
        0xA1,
        der.tlv(0x80, bytes.fromhex("0101")),  # patron header version
        der.tlv(0x81, bytes((kind,))),
        der.tlv(0x82, b"\x00"),  # no subtype
        der.tlv(0x87, bytes.fromhex("0101")),  # format owner: ISO/IEC JTC 1/SC 37
        der.tlv(0x88, bytes.fromhex(format_type)),
    )
    made = (der.tlv(0x7F60, header, record) for record in records)
    return der.tlv(tag, der.tlv(0x7F61, der.integer(len(records)), *made))


def dg14(infos: Iterable[bytes]) -> bytes:
    """Return DG14: SecurityInfos."""
    return der.tlv(0x6E, security_infos.security_infos(infos))


def dg15(public_info: bytes) -> bytes:
    """Return DG15: the chip's public key."""
    return der.tlv(0x6F, public_info)


def sod(groups: Mapping[int, bytes], signer: DocumentSigner) -> bytes:
    """Return EF.SOD in the usual form, with one signer."""
    return security_object.sod(groups, [signer], security_object.SecurityObject())


def dg7(*signature_images: bytes) -> bytes:
    """Return DG7: pictures of the holder's signature."""
    return der.tlv(0x67, der.integer(len(signature_images)), *(der.tlv(0x5F43, image) for image in signature_images))


def dg11(
    *,
    full_name: str,
    other_names: Sequence[str] = (),
    birth_date: str | None = None,
    birth_place: str | None = None,
    personal_number: str | None = None,
    address: str | None = None,
) -> bytes:
    """Return DG11: additional personal details. Dates have eight digits; a filler separates the parts of a place."""
    fields = {0x5F0E: full_name, 0x5F10: personal_number, 0x5F2B: birth_date, 0x5F11: birth_place, 0x5F42: address}
    return _detailed(0x6B, fields, 0x5F0F, other_names)


def dg12(*, issuing_authority: str, issue_date: str, endorsements: str | None = None) -> bytes:
    """Return DG12: additional document details. The date has eight digits."""
    return _detailed(0x6C, {0x5F19: issuing_authority, 0x5F26: issue_date, 0x5F1B: endorsements}, None, ())


def dg13(content: bytes) -> bytes:
    """Return DG13: content of the state's own choice."""
    return der.tlv(0x6D, content)


def dg16(*, name: str, telephone: str, recorded: str) -> bytes:
    """Return DG16: one person to notify. `recorded` is a date of eight digits."""
    fields = {0x5F50: recorded, 0x5F51: name, 0x5F52: telephone}
    person = der.tlv(0xA1, *(der.tlv(tag, text.encode()) for tag, text in fields.items()))
    return der.tlv(0x70, der.integer(1), person)


def _detailed(group: int, fields: Mapping[int, str | None], repeated: int | None, values: Sequence[str]) -> bytes:
    """Return a tag list, then the fields that are not None. A repeated field is a counted set (9303-10 §4.7.11)."""
    present = {tag: text.encode() for tag, text in fields.items() if text is not None}
    counted = b""
    tags = list(present)
    if repeated is not None and values:
        tags.append(repeated)
        counted = der.tlv(0xA0, der.integer(len(values)), *(der.tlv(repeated, value.encode()) for value in values))
    listed = b"".join(tag.to_bytes(2) for tag in tags)
    return der.tlv(group, der.tlv(0x5C, listed), *(der.tlv(tag, text) for tag, text in present.items()), counted)
