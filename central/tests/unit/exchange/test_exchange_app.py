"""The exchange's application, told a question piece by piece: what is not complete in time is no question."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

import pytest

from gate_central.exchange.app import BODY_S, Clocks, make_app
from gate_central.exchange.marks import Marks
from gate_central.exchange.program import FORGET_S, forget
from gate_contract.virtual_time import run_virtual

NOON = datetime(2026, 12, 5, 12)  # noqa: DTZ001 - the site's own wall clock has no zone


async def told(path: str, pause_s: float) -> tuple[int, float]:
    """The status of a question whose first piece comes at once and the second after a pause, and how long it took."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    pieces = [(b"{", True), (b"}", False)]
    said: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if len(pieces) == 1:
            await asyncio.sleep(pause_s)
        body, more = pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    marks = Marks(random=bytes, local=NOON, clock_s=0.0)
    app = make_app(marks, Clocks(lambda: NOON, loop.time), lambda _: "north-1")
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    assert [key for key, _ in said[0]["headers"] if key == b"cache-control"]
    return said[0]["status"], loop.time() - begun_s


def test_a_mark_is_gone_seconds_after_its_minutes_though_nobody_asks() -> None:
    async def story() -> list[int]:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        marks = Marks(random=bytes, local=NOON, clock_s=begun_s)
        key = marks.key(NOON, begun_s)
        marks.tell("north-1", key.name + bytes(32), minutes=1, local=NOON, clock_s=begun_s)
        forgetting = asyncio.ensure_future(forget(marks, Clocks(lambda: NOON, loop.time)))
        held = []
        for pause_s in (59.0, 1.0 + FORGET_S):
            await asyncio.sleep(pause_s)
            held.append(len(marks))
        forgetting.cancel()
        return held

    assert run_virtual(story()) == [1, 0]


@pytest.mark.parametrize("path", ["/reuse/key", "/reuse/mark"])
def test_a_question_that_is_not_complete_in_time_is_none(path: str) -> None:
    assert run_virtual(told(path, BODY_S + 1)) == (408, pytest.approx(BODY_S))
    assert run_virtual(told(path, BODY_S - 1))[0] == {"/reuse/key": 200, "/reuse/mark": 400}[path]
