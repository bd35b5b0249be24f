"""Frames of readers that send STX … ETX or similar, by a profile. Pure: bytes in, lines out.

A frame counts only if every byte of it is possible, its length word fits and its check is correct.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

from drivers.reader.mrz_text import MRZ_BYTES_MAX
from drivers.reader.profile import StxProfile
from gate_core.errors import BadFrameError

_CR, _LF = 0x0D, 0x0A


class StxDecoder:
    """Decodes the frames of one profile; call it with a buffer."""

    def __init__(self, profile: StxProfile) -> None:
        self._profile = profile
        self._start = bytes.fromhex(profile.start)
        self._header = bytes.fromhex(profile.header)
        self._end = bytes.fromhex(profile.end)
        length_bytes = profile.length.bytes if profile.length is not None else 0
        self._header_at = len(self._start) + length_bytes
        self._text_at = self._header_at + len(self._header) + profile.skip

    def __call__(self, buffer: bytes) -> tuple[tuple[str, ...] | None, int]:
        """Return the lines of the frame that the buffer begins with, which may be none, and the number of bytes it used.

        `(None, 0)` means: read more. Raises BadFrameError when the buffer's first byte cannot begin a frame.
        """
        _expect(buffer, 0, self._start)
        _expect(buffer, self._header_at, self._header)
        text = self._text(buffer)
        if text is None:
            return None, 0
        used = self._text_at + len(text) + len(self._end)
        if self._profile.check is not None:
            if len(buffer) <= used:
                return None, 0
            self._verify(buffer[: used + 1])
            used += 1
        self._measure(buffer, len(text), used)
        lines = text.decode("ascii").replace("\n", "\r").split("\r")
        stripped = (line.strip().rstrip(self._profile.padding) for line in lines)
        return tuple(line for line in stripped if line), used

    def _text(self, buffer: bytes) -> bytes | None:
        """Return the bytes before the frame's end, or None if that has not arrived."""
        at = buffer.find(self._end, self._text_at)
        text = buffer[self._text_at :] if at < 0 else buffer[self._text_at : at]
        if at < 0:  # the end's own first bytes may have come
            text = text.rstrip(self._end[:1]) if len(self._end) > 1 else text
        if len(text) > MRZ_BYTES_MAX:
            raise BadFrameError("a frame longer than any MRZ")
        if not all(0x20 <= byte < 0x7F or byte in {_CR, _LF} for byte in text):
            raise BadFrameError("impossible content")
        return None if at < 0 else text

    def _verify(self, frame: bytes) -> None:
        check = self._profile.check
        assert check is not None
        covered_from = 0 if check.from_start else len(self._start)
        covered_to = len(frame) - 1 - (0 if check.over_end else len(self._end))
        if reduce(xor, frame[covered_from:covered_to], 0) != frame[-1]:
            raise BadFrameError("wrong check byte")

    def _measure(self, buffer: bytes, text_bytes: int, frame_bytes: int) -> None:
        length = self._profile.length
        if length is None:
            return
        promised = int.from_bytes(buffer[len(self._start) : self._header_at], length.order)
        if not text_bytes <= promised <= frame_bytes:
            raise BadFrameError("impossible length")


def _expect(buffer: bytes, at: int, wanted: bytes) -> None:
    """Raise BadFrameError if the received part of `wanted` differs."""
    come = buffer[at : at + len(wanted)]
    if not wanted.startswith(come):
        raise BadFrameError("no beginning of a frame")
