"""The bodies of requests, which may be long or never come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from gate_contract.virtual_time import run_virtual
from gate_core.http_server.request_body import BODY_S, whole

Message = dict[str, Any]


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def request(*says: Message, every_s: float = 0.0) -> Request:
    """One whose peer says this, then nothing more."""
    coming = iter(says)

    async def receive() -> Message:
        await asyncio.sleep(every_s)
        if (message := next(coming, None)) is None:
            await asyncio.Event().wait()
        return message or {}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (lambda: request(piece(b"ab"), piece(b"cd", more=False)), b"abcd"),
        (lambda: request(piece(b"ab"), piece(b"cde", more=False)), None),
        (lambda: request(piece(b"ab")), None),
        (lambda: request(*[piece(b"")] * 100, every_s=BODY_S / 50), None),
        (lambda: request(piece(b"ab"), {"type": "http.disconnect"}), None),
    ],
    ids=["whole", "longer", "never ends", "a byte now and then", "hangs up"],
)
def test_a_body_is_whole_short_and_soon_there_or_none(asked: Callable[[], Request], body: bytes | None) -> None:
    async def read() -> bytes | None:
        began_s = asyncio.get_running_loop().time()
        found = await whole(asked(), 4)
        assert asyncio.get_running_loop().time() - began_s <= BODY_S
        return found

    assert run_virtual(read()) == body
