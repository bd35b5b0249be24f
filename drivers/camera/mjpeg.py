"""The bytes of a network camera's answer: an HTTP head, then pictures as multipart/x-mixed-replace (RFC 2046 §5.1). Pure.

    answer   HTTP/1.x STATUS … blank line, then parts
    part     --BOUNDARY line, fields, blank line, the picture. It ends after its Content-Length, else before the next --BOUNDARY

Some cameras name the boundary with the two leading hyphens, and write no others: both forms are accepted. Every kind has a
limit; anything beyond it, or that can never become a stream, is a BadFrameError.
"""

import re
from dataclasses import dataclass
from typing import Final

from gate_core.errors import BadFrameError

HEAD_BYTES_MAX: Final = 8192  # of an answer, and of a part
PICTURE_BYTES_MAX: Final = 8 * 1024 * 1024  # 4096 x 2304 pixels, hardly compressed
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?")
_STREAM: Final = re.compile(
    r'multipart/x-mixed-replace *;(?:.*;)? *boundary="?([!-~]{1,100}?)"? *(?:;.*)?', re.IGNORECASE
)
_LENGTH: Final = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*", re.IGNORECASE)
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_JPEG_BEGINS, _JPEG_ENDS, _PADDING_MAX = b"\xff\xd8\xff", b"\xff\xd9", 64


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer, with its fields in order; names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...]

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(value for known, value in self.fields if known == name)


def head_of(buffer: bytes) -> tuple[Head, bytes] | None:
    """Return the head and what follows it; None: read more. Raises BadFrameError."""
    found = _BLANK_LINE.search(buffer, 0, HEAD_BYTES_MAX)
    if found is None:
        if len(buffer) >= HEAD_BYTES_MAX:
            raise BadFrameError(f"the camera's answer begins with more than {HEAD_BYTES_MAX} bytes of fields")
        return None
    first, *lines = buffer[: found.start()].splitlines() or [b""]
    if (status := _STATUS.fullmatch(first)) is None:
        raise BadFrameError("the camera does not answer in HTTP")
    fields = (line.decode("latin-1").partition(":") for line in lines)
    named = tuple((name.strip().lower(), value.strip()) for name, _, value in fields)
    return Head(int(status[1]), named), buffer[found.end() :]


class Parts:
    """Splits a stream. `content_type`: as in its head. Raises BadFrameError if it is no stream of parts."""

    def __init__(self, content_type: str) -> None:
        found = _STREAM.fullmatch(content_type)
        if found is None:
            raise BadFrameError(
                "the camera's address is of no MJPEG stream: its answer is no multipart/x-mixed-replace"
            )
        named = found[1].encode()
        self._delimiters = {b"--" + named, *([named] if named.startswith(b"--") else [])}
        self._delimiter = b""  # as this camera spells it
        self._buffer = bytearray()
        self._begins: int | None = None  # where the picture under way begins, None before its head is read
        self._length: int | None = None
        self._searched = 0

    def feed(self, received: bytes) -> list[bytes]:
        """Add received bytes and return the JPEGs that are complete; other parts are skipped. Raises BadFrameError."""
        self._buffer += received
        pictures = []
        while (part := self._next()) is not None:
            if part.startswith(_JPEG_BEGINS) and part.rfind(_JPEG_ENDS, -_PADDING_MAX) >= 0:
                pictures.append(part)
        return pictures

    def _next(self) -> bytes | None:
        if self._begins is None and not self._take_head():
            return None
        assert self._begins is not None, "the head was taken"
        ends = self._end(self._begins)
        if ends is None:
            return None
        part = bytes(memoryview(self._buffer)[self._begins : ends])
        del self._buffer[:ends]
        self._begins = None
        return part

    def _take_head(self) -> bool:
        if line_ends := _LINE_ENDS.match(self._buffer):
            del self._buffer[: line_ends.end()]
        found = _BLANK_LINE.search(self._buffer, 0, HEAD_BYTES_MAX)
        if found is None:
            if len(self._buffer) >= HEAD_BYTES_MAX:
                raise BadFrameError(f"a picture begins with more than {HEAD_BYTES_MAX} bytes of fields")
            return False
        first, *fields = bytes(self._buffer[: found.start()]).splitlines()
        if first.rstrip() not in self._delimiters:
            raise BadFrameError("a picture does not begin with the boundary that the stream's head names")
        self._delimiter = b"\n" + first.rstrip()
        lengths = [int(length[1]) for field in fields if (length := _LENGTH.fullmatch(field))]
        self._length = lengths[0] if lengths else None
        if self._length is not None and self._length > PICTURE_BYTES_MAX:
            raise BadFrameError(f"a picture has {self._length} bytes, more than {PICTURE_BYTES_MAX}")
        self._begins = self._searched = found.end()
        return True

    def _end(self, begins: int) -> int | None:
        """Return where the current picture ends; None: not received yet."""
        if self._length is not None:
            return begins + self._length if len(self._buffer) >= begins + self._length else None
        ends = self._buffer.find(self._delimiter, self._searched)
        if ends >= 0:
            return ends
        self._searched = max(begins, len(self._buffer) - len(self._delimiter))
        if len(self._buffer) - begins > PICTURE_BYTES_MAX:
            raise BadFrameError(f"a picture has more than {PICTURE_BYTES_MAX} bytes")
        return None
