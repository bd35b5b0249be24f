"""Reads request bodies with limits on size, time and decompressed size. Decompression needs one chunk of memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from gate_central.errors import BadRequestError

CHUNK_BYTES = 32 * 1024
SILENCE_MAX_S = 30.0  # then the connection ends; entries already proven stay stored


async def whole_body(request: Request, bytes_max: int) -> bytes:
    """Read a body of at most `bytes_max` bytes, decompressed. Raises BadRequestError."""
    body = bytearray()
    async for chunk in plain_body(request):
        body += chunk
        if len(body) > bytes_max:
            raise BadRequestError(f"a body of more than {bytes_max} bytes")
    return bytes(body)


async def arriving(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives. Raises BadRequestError after SILENCE_MAX_S without data."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE_MAX_S):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise BadRequestError(f"nothing came for {SILENCE_MAX_S:.0f} s") from error
        if chunk is None:
            return
        yield chunk


async def plain_body(request: Request) -> AsyncIterator[bytes]:
    """Yield the decompressed body in pieces of less than twice CHUNK_BYTES. Raises BadRequestError."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding not in {"identity", "gzip"}:
        raise BadRequestError("content-encoding is gzip or nothing")
    inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    gathered = bytearray()
    async for chunk in arriving(request):
        rest = chunk
        while rest:
            if inflate is None:
                piece, rest = rest[:CHUNK_BYTES], rest[CHUNK_BYTES:]
            else:
                piece, rest = _inflate(inflate, rest)
            gathered += piece
            if len(gathered) >= CHUNK_BYTES:
                yield bytes(gathered)
                gathered.clear()
    yield bytes(gathered)


def _inflate(inflate: zlib._Decompress, compressed: bytes) -> tuple[bytes, bytes]:
    """Return at most CHUNK_BYTES of output, and the input not yet used."""
    if inflate.eof:
        raise BadRequestError("there are bytes after the compressed body")
    try:
        piece = inflate.decompress(compressed, CHUNK_BYTES)
    except zlib.error as error:
        raise BadRequestError("the body is not gzip") from error
    return piece, inflate.unconsumed_tail
