"""The body of a request, which is whole or too long: nobody holds more of it than it may have."""

from __future__ import annotations

from collections.abc import AsyncIterator


async def read_body(pieces: AsyncIterator[bytes], bytes_max: int) -> bytes | None:
    """All of it; None for more than that, of which no more is read."""
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > bytes_max:
            return None
    return body
