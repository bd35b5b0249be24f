"""Modbus TCP for users of Modbus RTU: a link that converts the frames both ways (Messaging on TCP/IP V1.0b §3.1, §4.2).

Each request gets a number, and an answer with another number is dropped: a late one is never taken for the next.
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
    """Fills `Link` on top of a stream. One `write` and one `read` are one frame of Modbus RTU each.

    A gateway's report that the board did not answer counts as silence: the board may have carried out the request.
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
        """Wait for the answer to the latest request. Raises LinkLostError, also for another protocol."""
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
        """Return the next complete answer. Raises LinkLostError: a stream out of step stays so."""
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
        """Return what was dropped by its number since the last call. Arrived bytes stay: a stream must be read in step."""
        dropped = bytes(self._late)
        self._late.clear()
        return dropped

    def close(self) -> None:
        """Close the connection and wake its waiters. May be called twice."""
        self._stream.close()


def _is_silence(body: bytes) -> bool:
    return bool(body[1] & _EXCEPTION_FLAG) and body[2:3] in _FROM_A_GATEWAY
