"""A gateway from Modbus TCP to a serial line, like the products that connect an RS-485 board to a network.

Accepts one connection and one request at a time, forwards it as Modbus RTU, and waits for the board. When the board
does not answer, it returns exception 0B. Source: Modbus Messaging on TCP/IP V1.0b §3, Application Protocol V1.1b3 §7.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import termios
import tty
from typing import TYPE_CHECKING

from hardware_sim.modbus import crc16, seal

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 0.3  # time for the board's answer
HEAD = struct.Struct(">HHHB")  # transaction, protocol, number of following bytes, unit
FOLLOWING_BYTES_MAX = 254
NO_ANSWER = 0x0B
READ_BYTES_MAX = 256
FRAME_BYTES_MIN = 5


class Gateway:
    """Serves one line. It opens the line for each request, so an unplugged cable is also silence."""

    def __init__(self, line: Path) -> None:
        self._line = line
        self._turn = asyncio.Lock()

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen for connections. Raises OSError."""
        return await asyncio.start_server(self._talk, host, port)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                number, protocol, follows, unit = HEAD.unpack(await reader.readexactly(HEAD.size))
                if protocol or not 2 <= follows <= FOLLOWING_BYTES_MAX:
                    break
                said = await reader.readexactly(follows - 1)
                async with self._turn:
                    answer = await self._asked(seal(bytes([unit]) + said))
                body = answer[1:-2] if answer else bytes([said[0] | 0x80, NO_ANSWER])
                writer.write(HEAD.pack(number, 0, len(body) + 1, unit) + body)
                await writer.drain()
        writer.close()

    async def _asked(self, frame: bytes) -> bytes:
        """Return the board's answer with its CRC, empty when there is none."""
        try:
            line = os.open(self._line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            return b""
        try:
            tty.setraw(line, termios.TCSANOW)
            os.write(line, frame)
            return await self._heard(line)
        except OSError:
            return b""
        finally:
            os.close(line)

    async def _heard(self, line: int) -> bytes:
        loop = asyncio.get_running_loop()
        heard, arrived = bytearray(), asyncio.Event()
        loop.add_reader(line, arrived.set)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(heard) < FRAME_BYTES_MIN or crc16(bytes(heard)):
                    await arrived.wait()
                    arrived.clear()
                    with contextlib.suppress(BlockingIOError):
                        heard += os.read(line, READ_BYTES_MAX)
        except TimeoutError:
            return b""
        finally:
            loop.remove_reader(line)
        return bytes(heard)


def run_gateway(line: Path, host: str, port: int) -> None:
    """Serve until interrupted. Raises OSError when it cannot listen on this address."""

    async def serve() -> None:
        server = await Gateway(line).serve(host, port)
        async with server:
            await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
