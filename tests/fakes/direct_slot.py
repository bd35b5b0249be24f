"""The far end of the direct APDU link, written from docs/protocols/readers.md alone."""

from __future__ import annotations

import asyncio
from pathlib import Path


class DirectSlot:
    """One slot behind a Unix socket. `raw` replaces an answer's bytes, head included."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.card = False
        self.answer = b"\x90\x00"
        self.sent: list[bytes] = []
        self.raw: bytes | None = None
        self.mute = False
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients:
            client.close()
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                answer = self._obey(await reader.readexactly(size))
                if not self.mute:
                    writer.write(self.raw if self.raw is not None else len(answer).to_bytes(4, "big") + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._clients.discard(writer)

    def _obey(self, body: bytes) -> bytes:
        match body[0]:
            case 0:
                return bytes([self.card])
            case 1:
                return bytes.fromhex("3B888001") if self.card else b""
            case _:
                self.sent.append(body[1:])
                return b"\x00" + self.answer if self.card else b"\x01"
