"""Server-sent events of a page: each change as it comes, and a beat where there is none, so that a page can tell silence from calm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from gate_core.web_pages.fanout import FanoutError, Latest

RETRY_MS: Final = 500  # how soon a browser asks again
BEAT: Final = b"event: beat\ndata: 1\n\n"

Value = TypeVar("Value")


def events(
    watch: Callable[[Request], AbstractContextManager[Latest[Value]]],
    *,
    form: Callable[[Request], Callable[[Value], bytes]],
    goes_on: Callable[[Request], bool] = lambda _: True,
    is_over: Callable[[Request], bool] = lambda _: False,
    is_full: Callable[[Request], bool],
    heartbeat_s: float,
) -> Callable[[Request], Awaitable[Response]]:
    """The route of the stream. `watch` gives a mailbox that begins with what is now; `form` says how a request's events are written,
    `goes_on` before each of them whether the request is still one to answer, `is_over` after each whether it is to be asked anew.
    """

    async def stream(request: Request) -> AsyncIterator[bytes]:
        written = form(request)
        yield f"retry: {RETRY_MS}\n\n".encode()
        try:
            with watch(request) as mailbox:
                while True:
                    try:
                        async with asyncio.timeout(heartbeat_s):
                            event = written(await mailbox.take())
                    except TimeoutError:
                        event = BEAT
                    if not goes_on(request):
                        return
                    yield event
                    if is_over(request):
                        return
        except FanoutError:
            return  # closing, or full since the check below: the browser asks again

    async def answer(request: Request) -> Response:
        if is_full(request):
            return PlainTextResponse("too many pages\n", status_code=503)
        return StreamingResponse(stream(request), media_type="text/event-stream")

    return answer
