"""The exchange's HTTP interface for a site's gates (docs/protocols/exchange.md): the day's key, and marks, as JSON.

`gate_of` returns the requesting gate's name, from its connection. Requests are not logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gate_central.exchange.marks import MARK_BYTES, MINUTES_MAX, Marks, OtherKeyError, TooManyError
from gate_core.http_server.request_body import read_body
from gate_core.rate_limit import Buckets, Rate

QUESTION_BYTES_MAX: Final = 1024
BODY_S: Final = 5.0
RATE: Final = Rate(5, 20)  # per gate; a traveller needs one request


@dataclass(frozen=True, slots=True)
class Clocks:
    """The site's wall clock, and monotonic seconds."""

    local: Callable[[], datetime]
    clock_s: Callable[[], float]


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mark, and for how many minutes it may be kept."""

    mark: Annotated[str, msgspec.Meta(pattern=rf"\A[0-9a-f]{{{2 * MARK_BYTES}}}\Z")]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MINUTES_MAX)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The empty body of a request for the key."""


Question = TypeVar("Question", Told, Nothing)


def make_app(marks: Marks, clocks: Clocks, gate_of: Callable[[Request], str]) -> Starlette:
    """Return the application."""
    buckets = Buckets(RATE)

    async def key(request: Request) -> Response:
        await _question(request, Nothing)
        held = marks.key(clocks.local(), clocks.clock_s())
        return _said(200, {"day": held.day.isoformat(), "key": held.key.hex()})

    async def mark(request: Request) -> Response:
        told = await _question(request, Told)
        now_s = clocks.clock_s()
        try:
            elsewhere = marks.tell(
                gate_of(request), bytes.fromhex(told.mark), minutes=told.minutes, local=clocks.local(), clock_s=now_s
            )
        except OtherKeyError as error:
            raise HTTPException(409, str(error)) from error
        except TooManyError as error:
            raise HTTPException(429, str(error)) from error
        if elsewhere is not None:
            return _said(200, {"mark": told.mark, "answer": "hit", "gate": elsewhere.gate, "at": elsewhere.at})
        return _said(200, {"mark": told.mark, "answer": "none" if marks.is_sure(told.minutes, now_s) else "unsure"})

    def answered(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            now_s = clocks.clock_s()
            bucket = buckets.of(gate_of(request), now_s)
            if bucket.wait_s(now_s) > 0:
                return _said(429, {"problem": "too many questions"})
            bucket.take(now_s)
            try:
                return await answer(request)
            except HTTPException as error:
                return _said(error.status_code, {"problem": error.detail})

        return answering

    app = Starlette(
        routes=[
            Route("/reuse/key", answered(key), methods=["POST"]),
            Route("/reuse/mark", answered(mark), methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False  # no redirects
    return app


async def _question(request: Request, kind: type[Question]) -> Question:
    try:
        async with asyncio.timeout(BODY_S):
            body = await read_body(request.stream(), QUESTION_BYTES_MAX)
    except (TimeoutError, ClientDisconnect) as error:
        raise HTTPException(408, "the question was not complete in time") from error
    if body is None:
        raise HTTPException(413, f"a question has {QUESTION_BYTES_MAX} bytes at most")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise HTTPException(400, "no question") from error


def _said(status: int, told: dict[str, str]) -> Response:
    headers = {"cache-control": "no-store", **({"connection": "close"} if status in {408, 413} else {})}
    return Response(msgspec.json.encode(told), status, headers, "application/json")
