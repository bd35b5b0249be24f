"""The board's end of a stream of Modbus TCP, before a board that speaks frames."""

from __future__ import annotations

import struct

from drivers.links import Link
from drivers.modbus.frames import seal
from gate_contract.links import Wrapped

_HEAD = struct.Struct(">HHH")


class Gateway(Wrapped):
    """The board's end of a stream of Modbus TCP: its frames to the board, and the board's answers, each with the last request's number."""

    def __init__(self, inner: Link) -> None:
        super().__init__(inner)
        self._number = 0
        self._heard = bytearray()

    async def read(self, bytes_max: int) -> bytes:
        while len(self._heard) < _HEAD.size or len(self._heard) < _HEAD.size + _HEAD.unpack_from(self._heard)[2]:
            self._heard += await self.inner.read(bytes_max)
        number, _, length = _HEAD.unpack_from(self._heard)
        body = bytes(self._heard[_HEAD.size : _HEAD.size + length])
        del self._heard[: _HEAD.size + length]
        self._number = number
        return seal(body)

    async def write(self, payload: bytes) -> None:
        body = payload[:-2]
        await self.inner.write(_HEAD.pack(self._number, 0, len(body)) + body)
