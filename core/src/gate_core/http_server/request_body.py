"""The body of a request, which is whole or too long: nobody holds more of it than it may have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

BODY_S: Final = 5.0  # whoever sends one slowly holds a place that others want


async def read_body(pieces: AsyncIterator[bytes], bytes_max: int) -> bytes | None:
    """All of it; None for more than that, of which no more is read."""
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > bytes_max:
            return None
    return body


async def whole(request: Request, bytes_max: int) -> bytes | None:
    """All of it; None for one that is longer, or that is not there in `BODY_S`."""
    try:
        async with asyncio.timeout(BODY_S):
            return await read_body(request.stream(), bytes_max)
    except (TimeoutError, ClientDisconnect):
        return None
