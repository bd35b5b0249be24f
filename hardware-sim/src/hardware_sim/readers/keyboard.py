"""A keyboard wedge, as the bytes that the Linux kernel gives of it: one 24-byte `struct input_event` a change.

It types each line and Enter, pressing Shift for capitals and for `<`, which on a US board is Shift and comma. Set to a German
board, `<` is the key beside the left Shift, and Y and Z change places. There is no keyboard in a pseudo-terminal: this stands in
for /dev/input where none is.
"""

from __future__ import annotations

import struct
from collections import deque

from hardware_sim.readers.device import Fault, ReaderDevice

KEY_INTERVAL_MS = 6.0
EVENT = struct.Struct("=QQHHi")
_ENTER, _LEFT_SHIFT, _COMMA, _LESS_102ND = 28, 42, 51, 86
_ROWS = ((2, "1234567890"), (16, "QWERTYUIOP"), (30, "ASDFGHJKL"), (44, "ZXCVBNM"))
_US = {character: start + at for start, row in _ROWS for at, character in enumerate(row)}
_GERMAN = {**_US, "Y": _US["Z"], "Z": _US["Y"]}


def event(at_ms: float, kind: int, code: int, value: int) -> bytes:
    """One change."""
    microseconds = int(at_ms * 1000)
    return EVENT.pack(microseconds // 1_000_000, microseconds % 1_000_000, kind, code, value)


def stroke(at_ms: float, character: str, *, german: bool = False) -> bytes:
    """The events of one character: Shift if need be, the key down and up again."""
    if character == "\n":
        key, shift = _ENTER, False
    elif character == "<":
        key, shift = (_LESS_102ND, False) if german else (_COMMA, True)
    else:
        key, shift = (_GERMAN if german else _US)[character], character.isalpha()
    changes = [(_LEFT_SHIFT, 1)] if shift else []
    changes += [(key, 1), (key, 0)]
    changes += [(_LEFT_SHIFT, 0)] if shift else []
    return b"".join(event(at_ms, 1, code, value) + event(at_ms, 0, 0, 0) for code, value in changes)


class KeyboardReader(ReaderDevice):
    """One wedge."""

    faults = frozenset({Fault.DROPPED_BYTE, Fault.TRUNCATED, Fault.SILENT, Fault.DOUBLE_READ, Fault.WRONG_KEYMAP})

    def __init__(self, seed: int = 0, *, interval_ms: float = KEY_INTERVAL_MS) -> None:
        super().__init__(seed)
        self._interval_ms = interval_ms
        self._strokes: deque[tuple[float, bytes]] = deque()

    def _hear(self, received: bytes, now_ms: float) -> bytes:
        del received, now_ms
        return b""

    def _pass_time(self, now_ms: float) -> bytes:
        if not self._read_already and self._readable(now_ms):
            self._read_already = True
            self._type(now_ms)
        said = b""
        while self._strokes and self._strokes[0][0] <= now_ms:
            said += self._strokes.popleft()[1]
        return said

    def _type(self, now_ms: float) -> None:
        typed = self._spoil("".join(line + "\n" for line in self._lines).encode("ascii")).decode("ascii")
        for number, character in enumerate(typed):
            at_ms = now_ms + number * self._interval_ms
            self._strokes.append((at_ms, stroke(at_ms, character, german=self._fault is Fault.WRONG_KEYMAP)))
