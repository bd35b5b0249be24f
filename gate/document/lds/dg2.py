"""EF.DG2: where the portrait is and how it is encoded (ICAO 9303-10 §4.7.2, ISO/IEC 19794-5:2005, ISO/IEC 39794-5:2019).

Only lengths and the picture's first bytes are looked at. The picture itself is a stranger's data and is decoded in the
crossing's child process, never here. With several pictures, the first one counts: ICAO 9303 wants the portrait there.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from gate.document import tlv
from gate.document.errors import MalformedError

TAG: Final = 0x75
_TEMPLATES: Final = 0x7F61
_TEMPLATE: Final = 0x7F60
_BLOCK_19794: Final = 0x5F2E
_BLOCK_39794: Final = 0x7F2E
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
    """A picture as it stands in the chip."""

    encoding: Encoding
    image: bytes


def parse_dg2(data: bytes) -> PortraitImage:
    """Cut the portrait out of EF.DG2. Raises MalformedError."""
    templates = tlv.only(tlv.only(data, TAG), _TEMPLATES)
    template = _inside(templates, _TEMPLATE)
    for element in tuple(tlv.elements(template)):
        if element.tag == _BLOCK_19794:
            return _picture(_from_19794(element.value))
        if element.tag == _BLOCK_39794:
            return _picture(_from_39794(element.value))
    raise MalformedError("EF.DG2 holds no face in a known format")


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
