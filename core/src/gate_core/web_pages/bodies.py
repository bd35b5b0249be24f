"""The body of a request, within bounds of length and time: whoever sends one slowly holds a place that others want."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from gate_core.http_server import request_body

BODY_S: Final = 5.0


async def whole(request: Request, bytes_max: int) -> bytes | None:
    """All of it; None for one that is longer, or that is not there in `BODY_S`."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request_body.read_body(request.stream(), bytes_max)
    except (TimeoutError, ClientDisconnect):
        return None
