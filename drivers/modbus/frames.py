"""Modbus RTU frames: bytes to replies, requests to bytes. No I/O and no clock. Modbus over Serial Line V1.02 §2.5, Application Protocol V1.1b3 §6.

A reply is recognised by the shape that the request determines (unit, function, length), and by its CRC. Gaps between frames, which the standard uses,
are not visible through a serial adapter, so other bytes are skipped one by one.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import ClassVar

from gate_core.errors import BadFrameError

READ_COILS = 0x01
READ_DISCRETE = 0x02
READ_HOLDING = 0x03
READ_INPUT = 0x04
WRITE_COILS = 0x0F
WRITE_MANY = 0x10
FRAME_BYTES_MAX = 256
_EXCEPTION_FLAG = 0x80
_EXCEPTION_BYTES = 5
_ECHO_BYTES = 8
_OF_BITS = frozenset({READ_COILS, READ_DISCRETE})


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(payload: bytes) -> int:
    """Return a frame's check: polynomial 0x8005 reflected, initial value 0xFFFF. Serial Line V1.02 §6.2.2."""
    crc = 0xFFFF
    for byte in payload:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def seal(body: bytes) -> bytes:
    """Append the check, low byte first."""
    return body + struct.pack("<H", crc16(body))


@dataclass(frozen=True)
class ReadRequest:
    """Read `count` registers or bits from `address` on; `function` is one of READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT."""

    unit: int
    function: int
    address: int
    count: int

    @functools.cached_property
    def wire(self) -> bytes:
        """The frame's bytes."""
        return seal(struct.pack(">BBHH", self.unit, self.function, self.address, self.count))

    @property
    def data_bytes(self) -> int:
        """The number of value bytes in a reply."""
        return (self.count + 7) // 8 if self.function in _OF_BITS else 2 * self.count

    @functools.cached_property
    def reply_head(self) -> bytes:
        """The first bytes of a successful reply."""
        return bytes((self.unit, self.function, self.data_bytes))

    @functools.cached_property
    def reply_bytes(self) -> int:
        """The length of such a reply."""
        return 5 + self.data_bytes

    def values(self, data: bytes) -> tuple[int, ...]:
        """Return the values in the reply's data: bits as 0 or 1, lowest of the first byte first, or registers."""
        if self.function in _OF_BITS:
            return tuple(data[at // 8] >> at % 8 & 1 for at in range(self.count))
        return struct.unpack(f">{self.count}H", data)


@dataclass(frozen=True, slots=True)
class _Writing:
    """Write `values` from `address` on. The reply is an echo of all but the values."""

    unit: int
    address: int
    values: tuple[int, ...]

    function: ClassVar[int]

    @property
    def reply_head(self) -> bytes:
        """The echo, without its check."""
        return struct.pack(">BBHH", self.unit, self.function, self.address, len(self.values))

    @property
    def reply_bytes(self) -> int:
        """The echo's length."""
        return _ECHO_BYTES

    def _frame(self, data: bytes) -> bytes:
        return seal(self.reply_head + bytes((len(data),)) + data)


class WriteRequest(_Writing):
    """Write holding registers.

    Function 16 even for a single one: the reply to function 06 equals the request, so a two-wire adapter that hears
    itself would confirm every write.
    """

    __slots__ = ()
    function = WRITE_MANY

    @property
    def wire(self) -> bytes:
        """The frame's bytes."""
        return self._frame(struct.pack(f">{len(self.values)}H", *self.values))


class CoilsRequest(_Writing):
    """Set coils. Function 15 even for a single one: the reply to function 05 equals the request, too."""

    __slots__ = ()
    function = WRITE_COILS

    @property
    def wire(self) -> bytes:
        """The frame's bytes."""
        bits = sum(value << at for at, value in enumerate(self.values))
        return self._frame(bits.to_bytes((len(self.values) + 7) // 8, "little"))


Request = ReadRequest | WriteRequest | CoilsRequest


@dataclass(frozen=True, slots=True)
class Registers:
    """The request was carried out. `values`: the registers or bits that were read; none after a write."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """The unit refused: 1 function, 2 address, 3 value, 4 not in this state. V1.1b3 §7."""

    code: int


Reply = Registers | ExceptionReply


def decode(buffer: bytes, request: Request) -> tuple[Reply | None, int]:
    """Return the reply to `request` that the buffer begins with, and the number of bytes it used.

    `(None, 0)` means: read more. Raises BadFrameError when the buffer's first byte can never begin that reply.
    """
    refusal_head = bytes((request.unit, request.function | _EXCEPTION_FLAG))
    if _begins(buffer, refusal_head):
        length = _EXCEPTION_BYTES
    elif _begins(buffer, request.reply_head):
        length = request.reply_bytes
    else:
        raise BadFrameError("not a reply to the pending request")
    if len(buffer) < length:
        return None, 0
    frame = buffer[:length]
    if frame != seal(frame[:-2]):
        raise BadFrameError("wrong check")
    if frame[1] & _EXCEPTION_FLAG:
        return ExceptionReply(frame[2]), length
    if isinstance(request, ReadRequest):
        return Registers(request.values(frame[3:-2])), length
    return Registers(()), length


def find_reply(buffer: bytearray, request: Request) -> tuple[Reply | None, int]:
    """Remove the reply to `request` from the buffer, skipping other bytes.

    Returns the reply, or None if more must be read, and the number of bytes skipped. What stays in the buffer is
    shorter than one frame.
    """
    passed_over = 0
    while buffer:
        try:
            reply, used = decode(bytes(buffer[:FRAME_BYTES_MAX]), request)
        except BadFrameError:
            del buffer[0]
            passed_over += 1
            continue
        del buffer[:used]
        return reply, passed_over
    return None, passed_over


def _begins(buffer: bytes, head: bytes) -> bool:
    """True if the buffer and the head agree in their common length."""
    return head.startswith(buffer[: len(head)])
