"""Modbus TCP for whoever speaks Modbus RTU: a link that carries one kind of frame inwards and the other outwards (Messaging on TCP/IP V1.0b §3.1, §4.2).

Each request gets a number, and an answer with another number is dropped: one that came late never passes for the next.
"""

from __future__ import annotations

import struct

from drivers.links import Link
from drivers.modbus.frames import FRAME_BYTES_MAX, seal
from gate_core.errors import LinkLostError

_HEAD = struct.Struct(">HHH")  # number, protocol (0 is Modbus), how many bytes follow
_CRC_BYTES = 2
_BODY_BYTES = range(2, FRAME_BYTES_MAX - _CRC_BYTES + 1)  # unit and function at least
_EXCEPTION_FLAG = 0x80
_FROM_A_GATEWAY = frozenset({b"\x0a", b"\x0b"})  # it has no path to the board, or heard nothing from it
STRANGE_MAX = 16  # answers to nothing that we ask, before one that we do: a peer that floods us is none


class TcpLink:
    """Fills `Link` on top of a stream. One `write` is one frame of Modbus RTU, and so is one `read`.

    What a gateway says in the board's name, that it did not hear it, is silence: the board may have carried out what it was asked.
    """

    def __init__(self, stream: Link) -> None:
        self._stream = stream
        self._number = 0
        self._heard = bytearray()
        self._strange = 0
        self._late = bytearray()

    async def write(self, payload: bytes) -> None:
        """Send a request. Raises LinkLostError."""
        self._number = self._number + 1 & 0xFFFF
        self._strange = 0
        body = payload[:-_CRC_BYTES]
        await self._stream.write(_HEAD.pack(self._number, 0, len(body)) + body)

    async def read(self, bytes_max: int) -> bytes:
        """Wait for the answer to the latest request. Raises LinkLostError, also for a peer that speaks something else."""
        while True:
            while (answer := self._taken()) is not None:
                number, body = answer
                if number == self._number and not _is_silence(body):
                    return seal(body)[:bytes_max]
                self._strange += 1
                self._late += seal(body)
                if self._strange > STRANGE_MAX:
                    raise LinkLostError("the other end of the Modbus TCP connection sends what nobody asked for")
            self._heard += await self._stream.read(FRAME_BYTES_MAX)

    def _taken(self) -> tuple[int, bytes] | None:
        """The next answer that has arrived whole. Raises LinkLostError: a stream that is out of step stays so."""
        if len(self._heard) < _HEAD.size:
            return None
        number, protocol, length = _HEAD.unpack_from(self._heard)
        if protocol or length not in _BODY_BYTES:
            raise LinkLostError("the other end of the connection does not speak Modbus TCP")
        if len(self._heard) < _HEAD.size + length:
            return None
        body = bytes(self._heard[_HEAD.size : _HEAD.size + length])
        del self._heard[: _HEAD.size + length]
        return number, body

    def discard(self) -> bytes:
        """What was dropped by its number since the last time. What has arrived stays: a stream must be read in step."""
        dropped = bytes(self._late)
        self._late.clear()
        return dropped

    def close(self) -> None:
        """End the connection and wake whoever waits on it. May be called twice."""
        self._stream.close()


def _is_silence(body: bytes) -> bool:
    return bool(body[1] & _EXCEPTION_FLAG) and body[2:3] in _FROM_A_GATEWAY
