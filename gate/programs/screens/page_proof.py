"""The proof that the traveller's page is shown: fetched through our own port, as a browser would, again and again.

A server that listens and answers nothing is not able, and after a while not alive. What the page shows is others' business; that it
is this start's page is checked by the boot that it names.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from gate.programs.shared.aligned_timer import loop_s

EVERY_S: Final = 2.0
FETCH_S: Final = 1.5
PAGE_BYTES_MAX: Final = 1024 * 1024
ABLE_MAX_S: Final = 8.0
ALIVE_MAX_S: Final = 20.0


class OwnPage:
    """Fetches the page at `host` and `port`; `cookie` makes us no stranger to our own server."""

    def __init__(self, host: str, port: int, *, cookie: str, boot: str) -> None:
        self._host = host
        self._port = port
        name = f"[{host}]" if ":" in host else host
        self._request = (
            f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
        )
        self._mark = f'data-boot="{boot}"'.encode()
        self._begun_s = loop_s()
        self._seen_s: float | None = None

    async def run(self) -> None:
        """Fetch for ever."""
        while True:
            if await self._came():
                self._seen_s = loop_s()
            await asyncio.sleep(EVERY_S)

    @property
    def is_shown(self) -> bool:
        """True while it came lately."""
        return self._seen_s is not None and loop_s() - self._seen_s <= ABLE_MAX_S

    @property
    def is_alive(self) -> bool:
        """False when it has not come for long."""
        return loop_s() - (self._begun_s if self._seen_s is None else self._seen_s) <= ALIVE_MAX_S

    async def _came(self) -> bool:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(FETCH_S):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=PAGE_BYTES_MAX)
                try:
                    writer.write(self._request)
                    page = await _all(reader)
                finally:
                    writer.transport.abort()
            return page.startswith(b"HTTP/1.1 200 ") and self._mark in page
        return False


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end, or until it is too much to be the page."""
    page = b""
    while len(page) <= PAGE_BYTES_MAX and (piece := await reader.read(64 * 1024)):
        page += piece
    return page
