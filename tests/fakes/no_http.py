"""Somebody who speaks no HTTP to a server, at each point at which they may."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

_CHUNKED = b"POST /nothing HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
# What is sent, each piece after an answer to the one before, and how the one answer begins.
SPEECHES = (
    pytest.param((b"no head\r\n\r\n",), b"HTTP/1.1 400", id="no head"),
    pytest.param((_CHUNKED + b"zz\r\n",), b"HTTP/1.1 400", id="no body"),
    pytest.param((_CHUNKED + b"2\r\n{}\r\n", b"zz\r\n"), b"HTTP/1.1 404", id="no body any more after the answer"),
)


async def said_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> bytes:
    """All that the server says, until it hangs up."""
    said = b""
    for number, piece in enumerate(pieces):
        writer.write(piece)
        if number < len(pieces) - 1:
            said += await reader.read(4096)
    with contextlib.suppress(OSError):
        said += await reader.read()
    writer.transport.abort()
    return said
