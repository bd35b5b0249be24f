"""uvicorn server that waits for an event to stop, instead of polling ten times a second."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

DATE_EVERY_S: Final = 1.0  # maximum age of the Date header


class SingleResponseProtocol(H11Protocol):
    """uvicorn's HTTP connection, limited to one response per request; uvicorn would start a second one, and fail."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 instead of the open request's response; close the connection if that response has started."""
        if bool(self.cycle):
            self.cycle.disconnected = True  # the application's response is discarded
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)


def configured(app: Any, protocol: type[H11Protocol], *, grace_s: int, **more: Any) -> uvicorn.Config:  # noqa: ANN401 - uvicorn's own
    """Return uvicorn's configuration: no Server header, no access log, no proxy headers."""
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
    """uvicorn server that stops when `should_exit` is set, also from a signal handler."""

    date_every_s = DATE_EVERY_S

    def __init__(self, config: uvicorn.Config, *, hears_signals: bool = True) -> None:
        """`hears_signals`: install uvicorn's signal handlers; False if the program handles signals itself."""
        self._hears_signals = hears_signals
        self._ends = False
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install uvicorn's signal handlers if `hears_signals`."""
        with super().capture_signals() if self._hears_signals else contextlib.nullcontext():
            yield

    @property
    def should_exit(self) -> bool:
        """True once the server must stop."""
        return self._ends

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._ends = ends
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def serve_until(
        self, stop: asyncio.Event, *meanwhile: Coroutine[Any, Any, None], sockets: Sequence[socket.socket] = ()
    ) -> None:
        """Serve until `stop` is set, and run `meanwhile` concurrently. Raises what one of them raises."""
        async with asyncio.TaskGroup() as tasks:
            serving, stopping = tasks.create_task(self.serve(list(sockets))), tasks.create_task(stop.wait())
            others = [tasks.create_task(one) for one in meanwhile]
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*others, stopping):
                task.cancel()
            self.should_exit = True

    async def main_loop(self) -> None:
        """Update the Date header until the server must stop."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.date_every_s):
                    await self._woken.wait()
