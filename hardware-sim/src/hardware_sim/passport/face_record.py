"""Writes face image records: ISO/IEC 19794-5:2005 and ISO/IEC 39794-5:2019, around JPEG or JPEG 2000.

The image is not changed; only its size is read.
"""

from __future__ import annotations

from typing import Final

from hardware_sim.passport import der

_JP2_SIGNATURE: Final = bytes.fromhex("0000000C6A5020200D0A870A")
_JPEG: Final = 2  # ImageDataFormatCode
_JPEG2000_LOSSY: Final = 3
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, ISO/IEC 10918-1 table B.1
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


def face_record(picture: bytes) -> bytes:
    """Return facial record header, one facial information block and one image block (ISO/IEC 19794-5:2005 §5)."""
    is_jpeg2000 = picture[:12] == _JP2_SIGNATURE
    width, height = jp2_size_pixels(picture) if is_jpeg2000 else jpeg_size_pixels(picture)
    information = bytes(16)  # no feature points; gender, eyes, hair, features, expression, pose unspecified
    image = b"".join(
        (
            b"\x01",  # full frontal
            bytes((is_jpeg2000,)),  # 0 JPEG, 1 JPEG 2000
            width.to_bytes(2),
            height.to_bytes(2),
            b"\x01",  # sRGB, 24 bit
            b"\x02",  # digital still camera
            bytes(4),  # device type and quality unspecified
        )
    )
    block = (4 + len(information) + len(image) + len(picture)).to_bytes(4) + information + image + picture
    total = 14 + len(block)
    return b"FAC\x00010\x00" + total.to_bytes(4) + (1).to_bytes(2) + block


def face_block_39794(picture: bytes) -> bytes:
    """Return a FaceImageDataBlock of ISO/IEC 39794-5, mandatory fields only: version, one representation, its image."""
    if picture[:12] == _JP2_SIGNATURE:
        image_format = _JPEG2000_LOSSY
    else:
        jpeg_size_pixels(picture)
        image_format = _JPEG
    data_format = der.tlv(0xA1, der.tlv(0xA0, der.tlv(0x80, bytes((image_format,)))))
    representation = der.tlv(0xA0, der.tlv(0xA0, der.tlv(0x80, picture), data_format))
    return der.tlv(
        0xA1,
        der.tlv(
            0x65,
            der.tlv(0xA0, der.tlv(0x80, b"\x03"), der.tlv(0x81, (2019).to_bytes(2))),
            der.tlv(0xA1, der.tlv(0x30, der.tlv(0x80, b"\x00"), der.tlv(0xA1, representation))),
        ),
    )


def jp2_size_pixels(picture: bytes) -> tuple[int, int]:
    """Return width and height from the image header box (ISO/IEC 15444-1 §I.5.3.1). Raises ValueError without one."""
    at = picture.find(b"ihdr")
    if at < 0 or len(picture) < at + 12:
        raise ValueError("the portrait's JPEG 2000 has no image header")
    return int.from_bytes(picture[at + 8 : at + 12]), int.from_bytes(picture[at + 4 : at + 8])


def jpeg_size_pixels(jpeg: bytes) -> tuple[int, int]:
    """Return width and height from the frame header. Raises ValueError without one."""
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
