"""The HTTP server that sleeps until it is told to end: uvicorn itself looks ten times a second whether it was."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

DATE_EVERY_S: Final = 1.0  # the date in the head of each answer is so old at most


class SingleResponseProtocol(H11Protocol):
    """uvicorn's connection, with one answer to a request, whatever follows it: it would begin a second one, and fail with its own words in the journal."""

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP in the midst of a request takes the place of its answer, and after that ends the connection."""
        if bool(self.cycle):
            self.cycle.disconnected = True  # whatever the application says now is not sent
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)


def configured(app: Any, protocol: type[H11Protocol], *, grace_s: int, **more: Any) -> uvicorn.Config:  # noqa: ANN401 - uvicorn's own
    """How uvicorn serves an ASGI application for us: it says nothing of itself, and believes no proxy."""
    return uvicorn.Config(
        app,
        http=protocol,
        lifespan="off",
        timeout_graceful_shutdown=grace_s,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        **more,
    )


class GracefulServer(uvicorn.Server):
    """uvicorn, told to end by `should_exit`: also from a signal's handler, as it does itself."""

    date_every_s = DATE_EVERY_S

    def __init__(self, config: uvicorn.Config, *, hears_signals: bool = True) -> None:
        """`hears_signals`: this server is the whole program; elsewhere stopping is the program's business."""
        self._hears_signals = hears_signals
        self._ends = False
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn's handlers, where they are wanted."""
        with super().capture_signals() if self._hears_signals else contextlib.nullcontext():
            yield

    @property
    def should_exit(self) -> bool:
        """True once it was told to end."""
        return self._ends

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._ends = ends
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def serve_until(
        self, stop: asyncio.Event, *meanwhile: Coroutine[Any, Any, None], sockets: Sequence[socket.socket] = ()
    ) -> None:
        """Serve until `stop` is set, and run these as long. Raises what one of them raises."""
        async with asyncio.TaskGroup() as tasks:
            serving, stopping = tasks.create_task(self.serve(list(sockets))), tasks.create_task(stop.wait())
            others = [tasks.create_task(one) for one in meanwhile]
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*others, stopping):
                task.cancel()
            self.should_exit = True

    async def main_loop(self) -> None:
        """Keep the date until told to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.date_every_s):
                    await self._woken.wait()
