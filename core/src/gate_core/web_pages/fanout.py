"""Sends values to many clients; each gets only the newest.

A slow client misses values and delays neither others nor the sender. Above the limit of clients, new ones are refused.

FanoutError
├── FullError     too many clients
└── EndedError    the sender has closed
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

Value = TypeVar("Value")


class FanoutError(Exception):
    """A client cannot be served."""


class FullError(FanoutError):
    """The limit of clients is reached."""


class EndedError(FanoutError):
    """The sender has closed."""


class Latest(Generic[Value]):
    """A mailbox for one value: a newer one replaces it."""

    def __init__(self) -> None:
        self._waiting: list[Value] = []
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, value: Value) -> None:
        """Store a value; replaces one that was not taken."""
        self._waiting[:] = [value]
        self._changed.set()

    def end(self) -> None:
        """Make this and all later `take` calls raise EndedError."""
        self._ended = True
        self._changed.set()

    async def take(self) -> Value:
        """Wait for a value and remove it. Raises EndedError."""
        await self._changed.wait()
        if self._ended:
            raise EndedError
        self._changed.clear()
        return self._waiting.pop()


class Fanout(Generic[Value]):
    """The clients of one sender. `on_change` is called whenever their number changes."""

    def __init__(self, *, clients_max: int, on_change: Callable[[], None] = lambda: None) -> None:
        self._clients_max = clients_max
        self._on_change = on_change
        self._clients: set[Latest[Value]] = set()
        self._ended = False

    @property
    def clients(self) -> int:
        """Number of clients."""
        return len(self._clients)

    @property
    def is_full(self) -> bool:
        """True if no further client can join."""
        return self.clients >= self._clients_max

    @contextlib.contextmanager
    def join(self) -> Iterator[Latest[Value]]:
        """Add a client for the block. Raises FullError, and EndedError once the sender has closed."""
        if self._ended:
            raise EndedError
        if self.is_full:
            raise FullError
        mailbox: Latest[Value] = Latest()
        self._clients.add(mailbox)
        self._on_change()
        try:
            yield mailbox
        finally:
            self._clients.discard(mailbox)
            self._on_change()

    def send(self, value: Value) -> None:
        """Send a value to every client. Never waits."""
        for mailbox in self._clients:
            mailbox.put(value)

    def close(self) -> None:
        """End every client; no further one can join."""
        self._ended = True
        for mailbox in self._clients:
            mailbox.end()


RETRY_MS: Final = 500  # a browser's pause before it reconnects
BEAT: Final = b"event: beat\ndata: 1\n\n"


def events(
    watch: Callable[[Request], AbstractContextManager[Latest[Value]]],
    *,
    form: Callable[[Request], Callable[[Value], bytes]],
    goes_on: Callable[[Request], bool] = lambda _: True,
    is_over: Callable[[Request], bool] = lambda _: False,
    is_full: Callable[[Request], bool],
    heartbeat_s: float,
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of an event stream. `watch`: returns a mailbox with the current value. `form`: returns a
    request's event encoder. `goes_on`: checked before each event, False ends the stream; `is_over`: after each event.
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
            return  # closing, or full since the check below: the browser reconnects

    async def answer(request: Request) -> Response:
        if is_full(request):
            return PlainTextResponse("too many pages\n", status_code=503)
        return StreamingResponse(stream(request), media_type="text/event-stream")

    return answer
