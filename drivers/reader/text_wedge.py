"""Messages of the 3M CR100 in its text mode, as in the public client `idscanner`. Pure: bytes in, lines out.

    START
    OCR LINE 1: P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
    OCR LINE 2: L898902C36UTO7408122F1204159ZE184226B<<<<<10
    OCR LINE 3:
    MSR LINE 1:
    END

Lines end with CR, LF or both. The content of a magnetic stripe is ignored. Not tested on a real unit.
"""

from __future__ import annotations

import re

from gate_core.errors import BadFrameError

MESSAGE_BYTES_MAX = 512  # three lines of OCR and three magnetic tracks, with their labels
_START = b"START"
_END = re.compile(rb"[\r\n]END(?![ -~])")
_LINE = re.compile(rb"[\r\n]OCR LINE [1-3]:([^\r\n]*)", re.IGNORECASE)


def decode(buffer: bytes) -> tuple[tuple[str, ...] | None, int]:
    """Return the lines of the message that the buffer begins with, which may be none, and the number of bytes it used.

    `(None, 0)` means: read more. Raises BadFrameError when the buffer's first byte cannot begin a message.
    """
    if buffer[:1] in {b"\r", b"\n"}:
        return (), 1  # between two messages
    if not _START.startswith(buffer[: len(_START)]):
        raise BadFrameError("no START")
    end = _END.search(buffer, 0, MESSAGE_BYTES_MAX)
    message = buffer[: end.end()] if end is not None else buffer[:MESSAGE_BYTES_MAX]
    if not all(0x20 <= byte < 0x7F or byte in b"\r\n" for byte in message):
        raise BadFrameError("impossible content")
    if _START in message[1:]:
        raise BadFrameError("a message that ended half-way")
    if end is None:
        if len(buffer) >= MESSAGE_BYTES_MAX:
            raise BadFrameError("a message without an END")
        return None, 0
    lines = tuple(found.group(1).decode("ascii").strip() for found in _LINE.finditer(message))
    return tuple(line for line in lines if line), end.end()
