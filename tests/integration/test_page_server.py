"""The server of a page before whoever speaks no HTTP to it."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
from fakes.no_http import SPEECHES, said_to
from starlette.applications import Starlette

from gate_core.programs.http import Visitors, server


@pytest.mark.parametrize(("pieces", "heard"), SPEECHES)
async def test_it_gets_one_answer_and_fills_no_journal(
    pieces: tuple[bytes, ...], heard: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    page = server(Starlette(), Visitors(), websockets=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(page.serve([listener]))
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            said = await said_to(reader, writer, pieces)
            page.should_exit = True
            await serving
    assert said.startswith(heard)
    assert said.count(b"HTTP/1.1 ") == 1
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
