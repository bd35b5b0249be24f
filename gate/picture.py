"""A stranger's picture, measured before it is decoded: only JPEG, JPEG 2000 and PNG whose own header promises a size within the limit.

A decoder is never asked to make room for more, and what it returns is checked again. What a picture shows is left to page and face.
"""

import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]  # (height, width, 3), BGR

PICTURE_BYTES_MAX = 32 * 1024 * 1024  # a page at 600 dpi, hardly compressed
PICTURE_PIXELS_MAX = 40_000_000
SIDE_MIN = 32

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_J2K = b"\xff\x4f\xff\x51"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SEGMENTS_MAX = 512
_JP2_BOXES_MAX = 64
_COMPONENTS_MAX = 4


class BadPictureError(Exception):
    """Bytes or pixels that are no picture we accept: wrong kind, too large, broken."""


def decode(content: bytes, *, pixels_max: int = PICTURE_PIXELS_MAX) -> Picture:
    """Decode to BGR. Raises BadPictureError for anything but an intact picture of at most `pixels_max` pixels."""
    if len(content) > PICTURE_BYTES_MAX:
        raise BadPictureError(f"the picture has {len(content)} bytes, more than {PICTURE_BYTES_MAX}")
    width, height = promised_size(content)
    check_size(width, height, pixels_max=pixels_max)
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError) as error:
        raise BadPictureError("the picture cannot be decoded") from error
    if picture is None or picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise BadPictureError("the picture cannot be decoded")
    check_size(picture.shape[1], picture.shape[0], pixels_max=pixels_max)
    return picture.astype(np.uint8, copy=False)


def decoded(content: bytes, *, pixels_max: int = PICTURE_PIXELS_MAX) -> Picture | None:
    """As `decode`, but None for what it refuses."""
    try:
        return decode(content, pixels_max=pixels_max)
    except BadPictureError:
        return None


def read(path: Path) -> bytes:
    """What `decode` takes: the bytes of a file, one more than a picture may have at most. Raises OSError."""
    with path.open("rb") as file:
        return file.read(PICTURE_BYTES_MAX + 1)


def promised_size(content: bytes) -> tuple[int, int]:
    """Width and height as the file's own header gives them. Raises BadPictureError."""
    try:
        if content.startswith(_JPEG):
            return _jpeg_size(content)
        if content.startswith((_JP2, _J2K)):
            return _j2k_size(_jp2_codestream(content) if content.startswith(_JP2) else content)
        if content.startswith(_PNG):
            kind, width, height = struct.unpack_from(">4sII", content, 12)
            if kind != b"IHDR":  # which comes first: PNG specification §11.2.1
                raise BadPictureError("the PNG does not start with its header")
            return width, height
    except struct.error as error:
        raise BadPictureError("the picture's header is cut short") from error
    raise BadPictureError("neither JPEG, JPEG 2000 nor PNG")


def check_size(width: int, height: int, *, side_min: int = SIDE_MIN, pixels_max: int = PICTURE_PIXELS_MAX) -> None:
    """Refuse a picture that is too small or too large. Raises BadPictureError."""
    if min(width, height) < side_min:
        raise BadPictureError(f"the picture is {width}x{height}, smaller than {side_min} pixels a side")
    if width * height > pixels_max:
        raise BadPictureError(f"the picture is {width}x{height}, more than {pixels_max} pixels")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """ITU-T T.81 B.2: walk the marker segments up to the frame header."""
    at = 2
    for _ in range(_JPEG_SEGMENTS_MAX):
        fill, marker = struct.unpack_from(">BB", content, at)
        if fill != 0xFF:
            break
        if marker == 0xFF:  # a fill byte before the marker
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if marker in _JPEG_FRAMES:
            _precision, height, width = struct.unpack_from(">BHH", content, at + 4)
            return width, height
        at += 2 + length
    raise BadPictureError("the JPEG has no frame header where one must be")


def _jp2_codestream(content: bytes) -> bytes:
    """ISO/IEC 15444-1 annex I: the first contiguous codestream box among the file's boxes."""
    at = 0
    for _ in range(_JP2_BOXES_MAX):
        length, kind = struct.unpack_from(">I4s", content, at)
        header = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, at + 8)
            header = 16
        if kind == b"jp2c":
            return content[at + header :]
        if length < header:
            break
        at += length
    raise BadPictureError("the JPEG 2000 file has no codestream where one must be")


def _j2k_size(codestream: bytes) -> tuple[int, int]:
    """ISO/IEC 15444-1 A.5.1: the SIZ segment, which the decoder believes; the file's ihdr box may say otherwise."""
    if not codestream.startswith(_J2K):
        raise BadPictureError("the JPEG 2000 codestream does not start with its size")
    x_end, y_end, x_start, y_start = struct.unpack_from(">4I", codestream, 8)
    (components,) = struct.unpack_from(">H", codestream, 40)
    if not 1 <= components <= _COMPONENTS_MAX or x_start or y_start:
        raise BadPictureError("the JPEG 2000 picture is laid out as no portrait is")
    return x_end, y_end


def preview(picture: Picture, *, width_max: int, bytes_max: int) -> bytes | None:
    """A small JPEG of a frame for a screen; None when even the coarsest is over `bytes_max`."""
    height, width = picture.shape[:2]
    if width > width_max:
        picture = cv2.resize(picture, (width_max, round(height * width_max / width))).astype(np.uint8, copy=False)
    for quality in (75, 50, 25):
        fine, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if fine and jpeg.size <= bytes_max:
            return jpeg.tobytes()
    return None
