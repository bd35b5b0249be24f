"""The line is the log's first: updates have what it leaves, and a limit holds for both together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import httpx2
import pytest

from gate.programs.sync.updates import HttpsSource
from gate.updates.errors import SourceAwayError
from gate_contract.virtual_time import run_virtual
from gate_core.mirror_client.https import BULK_LOOKS_AGAIN_S, OVERHEAD_BYTES, STANDS_BACK_MAX_S, Courier, Line
from gate_core.mirror_client.wire import Request


def test_without_a_limit_nobody_waits_but_bulk_for_a_request_of_the_log() -> None:
    line = Line()
    line.log_took(10**9, 0.0)
    line.bulk_took(10**9, 0.0)
    assert (line.log_wait_s(0.0), line.bulk_wait_s(0.0)) == (0, 0)
    line.log_begins(1.0)
    assert line.bulk_wait_s(1.5) == BULK_LOOKS_AGAIN_S
    assert line.bulk_wait_s(1.0 + STANDS_BACK_MAX_S) == 0, "a server that gives no answer keeps no update away"
    line.log_took(1, 40.0)
    assert line.bulk_wait_s(40.0) == 0


def test_the_logs_bytes_count_for_both_and_those_of_bulk_for_bulk_alone() -> None:
    line = Line(kbit_s=64)  # 8,000 bytes a second
    line.bulk_took(80_000, 100.0)
    assert (line.log_wait_s(100.0), line.bulk_wait_s(100.0)) == (0, 10)
    line.log_took(16_000 - OVERHEAD_BYTES, 100.0)
    assert (line.log_wait_s(100.0), line.bulk_wait_s(100.0)) == (2, 12)
    line.log_took(8_000 - OVERHEAD_BYTES, 101.0)
    assert line.log_wait_s(101.0) == 2, "what is owed adds up"
    assert line.log_wait_s(200.0) == 0, "and nothing is saved up"
    line.log_took(8_000 - OVERHEAD_BYTES, 200.0)
    assert line.log_wait_s(200.0) == 1


def test_requests_of_the_log_keep_to_the_limit() -> None:
    async def sent() -> float:
        async def answer() -> AsyncIterator[bytes]:
            yield b"y" * 1000

        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=answer()))
        clock_s = asyncio.get_running_loop().time
        async with Courier("central.example", None, transport, line=Line(kbit_s=64)) as courier:
            began_s = clock_s()
            for _ in range(11):
                await courier.send(Request("POST", "/round", b"x" * (7_000 - OVERHEAD_BYTES)))
            return clock_s() - began_s

    assert run_virtual(sent()) == pytest.approx(10.0, abs=0.1)


def test_a_download_stands_back_for_the_log_and_ends_with_the_program() -> None:
    ending, line = threading.Event(), Line(kbit_s=32)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=iter([b"z" * 50_000] * 2)))
    source = HttpsSource("central.example", None, ending=ending, line=line, transport=transport)
    chunks = source.read("a")
    assert chunks is not None
    threading.Timer(0.05, ending.set).start()
    with pytest.raises(SourceAwayError, match="broken off"):
        list(chunks)
    source.close()
