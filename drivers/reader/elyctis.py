"""Frames of the Elyctis scanner command set, version 1.7 (2020): a command letter, a length of two bytes, data.

No I/O. The frames carry no check, so a frame is believed only if its letter is known and its length and content are
possible for that letter; anything else is passed over byte by byte. Presence detection is left out: the text at hand names the
mode but not its bytes, so a unit that another host left in it is heard and passed over. Not tried on a real unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gate_core.errors import BadFrameError

TEXT_BYTES_MAX = 255
_HEAD_BYTES = 3


class Letter(Enum):
    """What a frame is about; a command and its answer share the letter."""

    MRZ = b"I"
    ONE_LINE_MRZ = b"L"
    CONTINUOUS = b"C"
    VERSION = b"V"
    OCR_VERSION = b"W"
    SERIAL_NUMBER = b"R"
    PRODUCT = b"T"


_BYTES_MAX = {
    Letter.MRZ: 3 * (44 + 2),  # three lines with CR and LF behind each
    Letter.ONE_LINE_MRZ: 44 + 2,
    Letter.CONTINUOUS: 1,
}


@dataclass(frozen=True, slots=True)
class ScannerFrame:
    """One frame, either way."""

    letter: Letter
    data: bytes = b""

    def __repr__(self) -> str:
        """Never shows the data: it may be an MRZ."""
        return f"ScannerFrame({self.letter.name}, {len(self.data)} bytes)"


def encode(frame: ScannerFrame) -> bytes:
    """The bytes of a frame."""
    return frame.letter.value + len(frame.data).to_bytes(2, "big") + frame.data


def decode(buffer: bytes) -> tuple[ScannerFrame | None, int]:
    """Return the frame that the buffer begins with, and the number of bytes it used.

    `(None, 0)` means: read more. Raises BadFrameError when the buffer's first byte cannot begin a frame.
    """
    if not buffer:
        return None, 0
    try:
        letter = Letter(buffer[:1])
    except ValueError as error:
        raise BadFrameError("no command letter") from error
    data_bytes_max = _BYTES_MAX.get(letter, TEXT_BYTES_MAX)
    if len(buffer) < _HEAD_BYTES:
        if len(buffer) == 2 and buffer[1] > data_bytes_max >> 8:
            raise BadFrameError("impossible length")
        return None, 0
    length = int.from_bytes(buffer[1:_HEAD_BYTES], "big")
    if length > data_bytes_max:
        raise BadFrameError("impossible length")
    data = buffer[_HEAD_BYTES : _HEAD_BYTES + length]
    if not _possible(letter, data):
        raise BadFrameError("impossible content")
    if len(data) < length:
        return None, 0
    return ScannerFrame(letter, data), _HEAD_BYTES + length


def mrz_lines(frame: ScannerFrame) -> tuple[str, ...]:
    """The lines of an MRZ frame, not checked any further; none when the reader could not read the page."""
    return tuple(line for line in frame.data.decode("ascii").split() if line)


def _possible(letter: Letter, data: bytes) -> bool:
    """True when the data, which may be incomplete, can belong to the letter."""
    if letter is Letter.CONTINUOUS:
        return data in (b"", b"\x00", b"\x01")
    return all(0x20 <= byte < 0x7F or byte in b"\r\n" for byte in data)
