"""EF.DG2: position and encoding of the portrait (ICAO 9303-10 §4.7.2, ISO/IEC 19794-5:2005, ISO/IEC 39794-5:2019).

The headers must match what ICAO 9303 fixes: the number of templates, their format's owner and type, and that it is a
face. Of the record, only counts, lengths and the picture's first bytes are read: its statements on eyes, hair and pose
are unused, and real records contain odd ones. The picture is untrusted and is decoded in the crossing's child process,
never here. Of several pictures the first one counts, as ICAO 9303 requires.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from gate_documents import tlv
from gate_documents.errors import MalformedError

TAG: Final = 0x75
_TEMPLATES: Final = 0x7F61
_TEMPLATE: Final = 0x7F60
_COUNT: Final = 0x02
_HEADER: Final = 0xA1
_BIOMETRIC_TYPE: Final = 0x81
_OWNER: Final = 0x87
_FORMAT: Final = 0x88
_SC_37: Final = b"\x01\x01"  # ISO/IEC JTC 1/SC 37
_FACE: Final = frozenset({0, 2})  # no type stated, or facial features (ISO/IEC 7816-11 table C.2)
_BLOCK_19794: Final = 0x5F2E
_BLOCK_39794: Final = 0x7F2E
_FORMATS: Final = {_BLOCK_19794: b"\x00\x08", _BLOCK_39794: b"\x00\x2a"}
# FaceImageDataBlock, its representationBlocks, the first of them, imageRepresentation, base, imageRepresentation2DBlock,
# representationData2D
_PATH_39794: Final = (0x65, 0xA1, 0x30, 0xA1, 0xA0, 0xA0, 0x80)
_FACIAL_HEADER_BYTES: Final = 14
_FACIAL_INFORMATION_BYTES: Final = 20
_FEATURE_POINT_BYTES: Final = 8
_IMAGE_INFORMATION_BYTES: Final = 12


class Encoding(enum.Enum):
    """How a portrait is encoded, by its first bytes."""

    JPEG = "jpeg"
    JPEG_2000 = "jpeg2000"


_FIRST_BYTES: Final = (
    (b"\xff\xd8\xff", Encoding.JPEG),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Encoding.JPEG_2000),  # the file format
    (b"\xff\x4f\xff\x51", Encoding.JPEG_2000),  # the bare codestream
)


@dataclass(frozen=True, slots=True, repr=False)
class PortraitImage:
    """A picture as in the chip."""

    encoding: Encoding
    image: bytes


def parse_dg2(data: bytes) -> PortraitImage:
    """Cut the portrait out of EF.DG2. Raises MalformedError."""
    elements = tuple(tlv.elements(tlv.only(tlv.only(data, TAG), _TEMPLATES)))
    counts = [_number(one.value) for one in elements[:1] if one.tag == _COUNT]
    templates = elements[1:]
    if counts != [len(templates)] or not templates or {one.tag for one in templates} != {_TEMPLATE}:
        raise MalformedError("EF.DG2 holds another number of templates than it says, or none")
    header = _inside(templates[0].value, _HEADER)
    for element in tuple(tlv.elements(templates[0].value)):
        if element.tag in _FORMATS:
            _check_header(header, _FORMATS[element.tag])
            cut = _from_19794 if element.tag == _BLOCK_19794 else _from_39794
            return _picture(cut(element.value))
    raise MalformedError("EF.DG2 holds no face in a known format")


def _check_header(header: bytes, form: bytes) -> None:
    """Return if a biometric header is of a face in this format (ICAO 9303-10 §4.7.2.1)."""
    if tlv.first(header, _OWNER) != _SC_37 or tlv.first(header, _FORMAT) != form:
        raise MalformedError("EF.DG2 names another format than that of its record")
    if _number(tlv.first(header, _BIOMETRIC_TYPE) or b"") not in _FACE:
        raise MalformedError("EF.DG2 holds something else than a face")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _inside(data: bytes, tag: int) -> bytes:
    found = tlv.first(data, tag)
    if found is None:
        raise MalformedError(f"EF.DG2 lacks an element {tag:X}")
    return found


def _from_39794(block: bytes) -> bytes:
    """The picture of a face image data block. Its other fields are not needed and not read."""
    inner = tlv.only(block, 0xA1)
    for tag in _PATH_39794:
        inner = _inside(inner, tag)
    return inner


def _from_19794(block: bytes) -> bytes:
    """The first picture of a facial record (§5.4 to §5.7 of the standard)."""
    if block[:8] != b"FAC\x00010\x00" or len(block) < _FACIAL_HEADER_BYTES + _FACIAL_INFORMATION_BYTES:
        raise MalformedError("EF.DG2 holds no facial record")
    if _number(block[8:12]) > len(block) or not _number(block[12:14]):
        raise MalformedError("EF.DG2 holds a facial record that is cut, or without a picture")
    length = int.from_bytes(block[_FACIAL_HEADER_BYTES : _FACIAL_HEADER_BYTES + 4], "big")
    points = int.from_bytes(block[_FACIAL_HEADER_BYTES + 4 : _FACIAL_HEADER_BYTES + 6], "big")
    head = _FACIAL_INFORMATION_BYTES + points * _FEATURE_POINT_BYTES + _IMAGE_INFORMATION_BYTES
    if not head < length <= len(block) - _FACIAL_HEADER_BYTES:
        raise MalformedError("EF.DG2 holds a facial record whose lengths lie")
    return block[_FACIAL_HEADER_BYTES + head : _FACIAL_HEADER_BYTES + length]


def _picture(image: bytes) -> PortraitImage:
    for first_bytes, encoding in _FIRST_BYTES:
        if image.startswith(first_bytes):
            return PortraitImage(encoding, image)
    raise MalformedError("EF.DG2 holds a picture that is neither JPEG nor JPEG 2000")
