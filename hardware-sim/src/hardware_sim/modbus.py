"""The slave's side of Modbus RTU: bytes in, bytes out, registers through a small port. No I/O, no clock.

Source: Modbus over Serial Line V1.02 §2.5.1 (RTU framing) and Modbus Application Protocol V1.1b3 §6 (functions 01 to
06, 15, 16). A frame for another unit or with a wrong CRC gets no answer. Broadcasts (unit 0) have no effect: a barrier
moves only for a request that it can answer.
"""

from __future__ import annotations

import struct
from typing import Protocol

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_ONE = range(1, 7)
WRITE_COILS, WRITE_MANY = 15, 16
READ_REGISTERS_MAX = 125
WRITE_REGISTERS_MAX = 123
FRAME_BYTES_MAX = 256
FRAME_BYTES_MIN = 4  # unit, function, CRC
READ_BITS_MAX = 2000
SHORT_REQUEST_BYTES = 8  # functions 01 to 06
WRITE_MANY_HEAD_BYTES = 7
# Silence that ends a frame. The standard has 3.5 characters; a pty's scheduling needs more time.
SILENCE_MS = 10.0


class ModbusRefusalError(Exception):
    """A valid request that is refused; `code` is in the exception reply."""

    code = 0


class IllegalFunctionError(ModbusRefusalError):
    """Exception 01: illegal function."""

    code = 1


class IllegalAddressError(ModbusRefusalError):
    """Exception 02: illegal data address."""

    code = 2


class IllegalValueError(ModbusRefusalError):
    """Exception 03: illegal data value."""

    code = 3


class WrongStateError(ModbusRefusalError):
    """Exception 04: server device failure; the request is wrong in the present state."""

    code = 4


class BusyError(ModbusRefusalError):
    """Exception 06: server device busy."""

    code = 6


class Registers(Protocol):
    """The device's registers. All methods raise ModbusRefusalError."""

    def read_input(self, address: int, count: int) -> list[int]:
        """Return input registers, 16-bit values."""

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return holding registers, 16-bit values."""

    def write_holding(self, address: int, values: list[int]) -> None:
        """Write all of them or none."""


def _shifted(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


_SHIFTED = tuple(map(_shifted, range(256)))


class Bits(Protocol):
    """The device's coils and discrete inputs. All methods raise ModbusRefusalError."""

    def read_coils(self, address: int, count: int) -> list[bool]:
        """Return coils."""

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Return discrete inputs."""

    def write_coils(self, address: int, values: list[bool]) -> None:
        """Write all of them or none."""


def crc16(data: bytes) -> int:
    """Return the CRC of Modbus over Serial Line §6.2.2; it is sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _SHIFTED[(crc ^ byte) & 0xFF]
    return crc


def seal(body: bytes) -> bytes:
    """Return a frame: body and CRC."""
    return body + crc16(body).to_bytes(2, "little")


def sound(frame: bytes) -> bool:
    """Return True when the frame's CRC is right."""
    return len(frame) >= FRAME_BYTES_MIN and seal(frame[:-2]) == frame


class Slave:
    """Collects bytes to frames and answers those for its unit. Without `bits` it refuses coils and discrete inputs."""

    def __init__(self, unit: int, registers: Registers, bits: Bits | None = None) -> None:
        self._unit = unit
        self._registers = registers
        self._bits = bits
        self._buffer = bytearray()
        self._last_byte_ms = 0.0
        self.answered = 0  # requests that were carried out, without exceptions
        self.busy = False  # answer every request with exception 06

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes; return the reply when they complete a frame."""
        stale = self.quiet(now_ms)
        self._last_byte_ms = now_ms
        self._buffer += received
        length = _request_length(self._buffer)
        if len(self._buffer) > FRAME_BYTES_MAX:
            del self._buffer[FRAME_BYTES_MAX:]  # noise without a pause; silence will clear it
        if length is None or len(self._buffer) < length:
            return stale
        return stale + self._answer()

    def quiet(self, now_ms: float) -> bytes:
        """Note silence: the bytes collected before it are a whole frame, of a known or unknown function."""
        if not self._buffer or now_ms - self._last_byte_ms < SILENCE_MS:
            return b""
        return self._answer()

    def _answer(self) -> bytes:
        frame = bytes(self._buffer)
        self._buffer.clear()
        if not sound(frame) or frame[0] != self._unit:
            return b""
        function, body = frame[1], frame[2:-2]
        try:
            reply = self._obey(function, body)
        except ModbusRefusalError as refusal:
            return seal(bytes([self._unit, function & 0x7F | 0x80, refusal.code]))
        self.answered += 1
        return seal(bytes([self._unit, function]) + reply)

    def _obey(self, function: int, body: bytes) -> bytes:
        if self.busy:
            raise BusyError
        if self._bits is not None and function in {READ_COILS, READ_DISCRETE, WRITE_COIL, WRITE_COILS}:
            return _obey_bits(self._bits, function, body)
        match function:
            case 3 | 4:
                return self._read(function, body)
            case 6:
                return self._write_one(body)
            case 16:
                return self._write_many(body)
            case _:
                raise IllegalFunctionError

    def _read(self, function: int, body: bytes) -> bytes:
        if len(body) != 4:
            raise IllegalValueError
        address, count = _word(body, 0), _word(body, 2)
        if not 1 <= count <= READ_REGISTERS_MAX:
            raise IllegalValueError
        read = self._registers.read_input if function == READ_INPUT else self._registers.read_holding
        return struct.pack(f">B{count}H", 2 * count, *read(address, count))

    def _write_one(self, body: bytes) -> bytes:
        if len(body) != 4:
            raise IllegalValueError
        self._registers.write_holding(_word(body, 0), [_word(body, 2)])
        return body

    def _write_many(self, body: bytes) -> bytes:
        if len(body) < 5 or body[4] != len(body) - 5:
            raise IllegalValueError
        address, count, data = _word(body, 0), _word(body, 2), body[5:]
        if not 1 <= count <= WRITE_REGISTERS_MAX or len(data) != 2 * count:
            raise IllegalValueError
        self._registers.write_holding(address, [_word(data, at) for at in range(0, len(data), 2)])
        return body[:4]


def _obey_bits(bits: Bits, function: int, body: bytes) -> bytes:
    if len(body) < 4:
        raise IllegalValueError
    address, word, data = _word(body, 0), _word(body, 2), body[5:]
    if function == WRITE_COIL:
        if len(body) != 4 or word not in {0x0000, 0xFF00}:
            raise IllegalValueError
        bits.write_coils(address, [bool(word)])
        return body
    if not 1 <= word <= READ_BITS_MAX:
        raise IllegalValueError
    if function == WRITE_COILS:
        if len(body) < 5 or body[4] != len(data) or len(data) != (word + 7) // 8:
            raise IllegalValueError
        bits.write_coils(address, [bool(data[at // 8] >> at % 8 & 1) for at in range(word)])
        return body[:4]
    if len(body) != 4:
        raise IllegalValueError
    read = bits.read_coils if function == READ_COILS else bits.read_discrete
    packed = sum(1 << at for at, on in enumerate(read(address, word)) if on).to_bytes((word + 7) // 8, "little")
    return bytes([len(packed)]) + packed


def _request_length(buffer: bytes | bytearray) -> int | None:
    """Return the length of the request at the start of `buffer`; None when only silence can show its end."""
    if len(buffer) < 2:
        return None
    if READ_COILS <= buffer[1] <= WRITE_ONE:
        return SHORT_REQUEST_BYTES
    if buffer[1] in {WRITE_COILS, WRITE_MANY} and len(buffer) >= WRITE_MANY_HEAD_BYTES:
        return WRITE_MANY_HEAD_BYTES + buffer[6] + 2
    return None


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
