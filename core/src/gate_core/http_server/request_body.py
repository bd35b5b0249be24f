"""Reads a request's body, with limits on size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

BODY_S: Final = 5.0  # a slow sender must not block a place


async def read_body(pieces: AsyncIterator[bytes], bytes_max: int) -> bytes | None:
    """Return the whole body; None, without reading on, if it exceeds `bytes_max`."""
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > bytes_max:
            return None
    return body


async def whole(request: Request, bytes_max: int) -> bytes | None:
    """Return the whole body; None if it exceeds `bytes_max` or takes longer than BODY_S."""
    try:
        async with asyncio.timeout(BODY_S):
            return await read_body(request.stream(), bytes_max)
    except (TimeoutError, ClientDisconnect):
        return None
