"""The server of a page before whoever speaks no HTTP to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

import pytest
from starlette.applications import Starlette

from gate.programs.shared.http import Visitors, server

CHUNKED = b"POST /nothing HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [
        ((b"no head\r\n\r\n",), b"HTTP/1.1 400"),
        ((CHUNKED + b"zz\r\n",), b"HTTP/1.1 400"),
        ((CHUNKED + b"2\r\n{}\r\n", b"zz\r\n"), b"HTTP/1.1 404"),
    ],
    ids=["no head", "no body", "no body any more after the answer"],
)
async def test_it_gets_one_answer_and_fills_no_journal(
    pieces: tuple[bytes, ...], heard: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    page = server(Starlette(), Visitors(), websockets=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(page.serve([listener]))
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            said = b""
            for number, piece in enumerate(pieces):
                writer.write(piece)
                if number < len(pieces) - 1:
                    said += await reader.read(4096)
            with contextlib.suppress(OSError):
                said += await reader.read()
            writer.transport.abort()
            page.should_exit = True
            await serving
    assert said.startswith(heard)
    assert said.count(b"HTTP/1.1 ") == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
