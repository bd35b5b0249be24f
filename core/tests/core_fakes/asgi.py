"""One visit to an ASGI application, message by message, without a server: for answers that never end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

DEADLINE_S = 5.0


class Visit:
    """What one client sends and sees. Leave it by `send({"type": "http.disconnect"})` or by ending the block."""

    def __init__(self) -> None:
        self._to_app: asyncio.Queue[Any] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()

    async def send(self, message: Mapping[str, Any]) -> None:
        """Say something to the application."""
        await self._to_app.put(message)

    async def next(self) -> Any:
        """The application's next message. Raises TimeoutError after DEADLINE_S."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._from_app.get()

    async def body(self) -> bytes:
        """The next piece of a response's body."""
        message = await self.next()
        assert message["type"] == "http.response.body"
        return bytes(message["body"])


@contextlib.asynccontextmanager
async def visit(app: Any, path: str, *, kind: str = "http", headers: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Call `app` with one request (`http`) or connection (`websocket`)."""
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [],
    }
    client = Visit()
    await client.send({"type": "http.request", "body": b""} if kind == "http" else {"type": "websocket.connect"})
    running = asyncio.ensure_future(app(scope, client._to_app.get, client._from_app.put))
    try:
        yield client
    finally:
        await client.send({"type": f"{kind}.disconnect", "code": 1001})
        async with asyncio.timeout(DEADLINE_S):
            await running
