"""The messages of the channel: a length of four bytes, big-endian, then MessagePack.

Supports the types that the messages use: maps with text keys, text, bytes, lists, nil, booleans and small numbers.
Written from the specification of MessagePack, so that a mistake of the gate's encoder is not repeated here.
"""

from __future__ import annotations

import struct
from typing import Final

from hardware_sim.centre import FrameError

Value = str | bytes | bool | int | None | list["Value"] | dict[str, "Value"]

FRAME_BYTES_MAX: Final = 64 * 1024
_NESTING_MAX: Final = 4
_LENGTH: Final = struct.Struct(">I")
_CONSTANTS: Final[dict[int, Value]] = {0xC0: None, 0xC2: False, 0xC3: True}
# The number of length bytes, by the first byte.
_BYTES_HEADS: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_TEXT_HEADS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_LIST_HEADS: Final = {0xDC: 2, 0xDD: 4}
_MAP_HEADS: Final = {0xDE: 2, 0xDF: 4}
_NUMBER_HEADS: Final = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}


def decode(buffer: bytes) -> tuple[dict[str, Value] | None, int]:
    """Return the first message and the number of its bytes; `(None, 0)`: read more. Raises FrameError."""
    if len(buffer) < _LENGTH.size:
        return None, 0
    size = _LENGTH.unpack_from(buffer)[0]
    if size > FRAME_BYTES_MAX:
        raise FrameError(f"a message of {size} bytes")
    end = _LENGTH.size + size
    if len(buffer) < end:
        return None, 0
    reader = _Reader(buffer[_LENGTH.size : end])
    value = reader.value(_NESTING_MAX)
    if not isinstance(value, dict) or not reader.at_end:
        raise FrameError("no single map")
    return value, end


def encode(message: dict[str, Value]) -> bytes:
    """Return a message with its length. Raises ValueError on one that is too long."""
    body = _packed(message)
    if len(body) > FRAME_BYTES_MAX:
        raise ValueError(f"a message of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


class _Reader:
    """Reads values from the start of a message. All methods raise FrameError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def value(self, nesting_left: int) -> Value:
        if nesting_left == 0:
            raise FrameError("nested too deep")
        head = self._number(1)
        if head <= 0x7F or head in _NUMBER_HEADS:
            return head if head <= 0x7F else self._number(_NUMBER_HEADS[head])
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _BYTES_HEADS:
            return self._take(self._number(_BYTES_HEADS[head]))
        if head & 0xE0 == 0xA0 or head in _TEXT_HEADS:
            return self._text(head & 0x1F if head & 0xE0 == 0xA0 else self._number(_TEXT_HEADS[head]))
        if head & 0xF0 == 0x90 or head in _LIST_HEADS:
            count = head & 0x0F if head & 0xF0 == 0x90 else self._number(_LIST_HEADS[head])
            return [self.value(nesting_left - 1) for _ in range(count)]
        if head & 0xF0 == 0x80 or head in _MAP_HEADS:
            return self._map(head & 0x0F if head & 0xF0 == 0x80 else self._number(_MAP_HEADS[head]), nesting_left)
        raise FrameError(f"a value of the kind {head:02X}")

    def _map(self, count: int, nesting_left: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self.value(nesting_left - 1)
            if not isinstance(key, str) or key in found:
                raise FrameError("a key that is no text, or stands twice")
            found[key] = self.value(nesting_left - 1)
        return found

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode()
        except UnicodeDecodeError as broken:
            raise FrameError("text that is not UTF-8") from broken

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size))

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise FrameError("a message that ends too soon")
        self._at += size
        return taken


def _packed(value: Value) -> bytes:
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return bytes((value,)) if 0 <= value <= 0x7F else b"\xcf" + value.to_bytes(8)
        case str():
            content = value.encode()
            return b"\xdb" + _LENGTH.pack(len(content)) + content
        case bytes():
            return b"\xc6" + _LENGTH.pack(len(value)) + value
        case list():
            return b"\xdd" + _LENGTH.pack(len(value)) + b"".join(map(_packed, value))
        case dict():
            packed = (_packed(key) + _packed(content) for key, content in value.items())
            return b"\xdf" + _LENGTH.pack(len(value)) + b"".join(packed)
