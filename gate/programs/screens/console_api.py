"""Server for officers' consoles (docs/protocols/console.md): TLS 1.3, with certificates known to both ends.

An unknown client fails in the handshake. A console cannot slow down another one, or the traveller's page.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gate.channel import order_messages
from gate.channel.errors import ChannelError
from gate.programs.screens.console_status import Feed, lane_event
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.consoles import console_key, key_path
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.program_status import ProgramStatus
from gate.programs.shared.terminal import Terminal
from gate_core import console_link
from gate_core.console_certificates import ConsolesError, consoles_in
from gate_core.http_server.connections import ConnectionLimits
from gate_core.http_server.https import Server, known_only, listen
from gate_core.http_server.request_body import read_body
from gate_core.programs.reconnect import Backoff
from gate_core.programs.task_groups import wait_at_most
from gate_core.rate_limit import Addresses, Bucket, Rate

# Per console; above it requests wait. The channel of orders limits all together.
REQUEST_RATE: Final = Rate(4, 8)
QUESTIONS_AT_ONCE: Final = 4  # of one console to the lane; more wait, at most 9 s
BODY_S: Final = 5.0
HEAD_BYTES_MAX: Final = 8 * 1024
KERNEL_BYTES_MAX: Final = 128 * 1024  # the kernel's buffer for a stream that is not read
GRACE_S: Final = 1
AGAIN_MIN_S: Final = 0.5
AGAIN_MAX_S: Final = 5.0
LIMITS: Final = ConnectionLimits(
    handshake_s=5.0,
    a_holder_max=8,
    everybody_max=8 * console_link.CONSOLES_MAX,
    requests_max=8 * console_link.CONSOLES_MAX,
    first_s=5.0,
    read_s=5.0,
    goodbye_s=1.0,
)

log = logging.getLogger("gate.screens")

Answer = TypeVar("Answer")
LOOK_S: Final = 1.0
ORDER_S: Final = 9.0  # the lane needs at most 2 s for the machine and 5 s for sensors


class LaneAwayError(Exception):
    """The lane did not answer. `maybe_done`: the request was sent, and its result is unknown."""

    def __init__(self, *, maybe_done: bool) -> None:
        super().__init__("the lane does not answer")
        self.maybe_done = maybe_done


class LaneClient:
    """Client of the lane's socket: a new connection for each request, so that a slow order delays no other."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def look(self) -> order_messages.Look:
        """Return the lane's state, with a challenge. Raises LaneAwayError."""
        return await self._ask(Terminal.look, LOOK_S)

    async def submit(self, order: bytes) -> order_messages.OrderAnswer:
        """Submit an order; return the outcome. Raises LaneAwayError."""
        return await self._ask(lambda terminal: terminal.submit(order), ORDER_S)

    async def _ask(self, question: Callable[[Terminal], Awaitable[Answer]], deadline_s: float) -> Answer:
        asked = False
        try:
            async with asyncio.timeout(deadline_s):
                terminal = await Terminal.reach(self._path)
                try:
                    asked = True
                    return await question(terminal)
                finally:
                    terminal.close()
        except (ChannelError, OSError) as error:  # TimeoutError is one of the latter
            raise LaneAwayError(maybe_done=asked) from error


@dataclass(slots=True)
class _Console:
    """The limits of one console."""

    bucket: Bucket = field(default_factory=lambda: Bucket(REQUEST_RATE))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUESTIONS_AT_ONCE))

    async def its_turn(self) -> None:
        """Wait until the console may send a request."""
        async with self.turn:
            await asyncio.sleep(self.bucket.wait_s(loop_s()))
            self.bucket.take(loop_s())


class ConsoleServer:
    """The running server. `told`: returns the programs' status. `boot`: new at each start."""

    def __init__(
        self,
        config: Config,
        *,
        boot: str,
        told: Callable[[], Awaitable[ProgramStatus]],
        limits: ConnectionLimits = LIMITS,
    ) -> None:
        self._config = config
        self._boot = boot
        self._told = told
        self._limits = limits
        self._lane = LaneClient(config.socket("orders"))
        self._feed = Feed(self._look, streams_max=limits.everybody_max)
        self._consoles: dict[str, _Console] = {}
        self._known: dict[str, str] = {}
        self._addresses = Addresses()
        self._fingerprint: str | None = None
        self._backoff = Backoff(AGAIN_MIN_S, AGAIN_MAX_S)
        self._trouble = FaultLatch(log, begins="console_not_served", ends="console_served", first=True)
        self._server: Server | None = None
        self._closed = asyncio.Event()

    def changed(self) -> None:
        """Update the feed: the lane has changed."""
        self._feed.changed()

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        return {"key": self._fingerprint, "streams": self._feed.streams, "problem": self._trouble.words or None}

    async def run(self) -> None:
        """Serve until closed, with a restart after errors."""
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(self._feed.run())
            while not self._closed.is_set():
                try:
                    await self._serve()
                except (OSError, ConsolesError) as error:
                    self._trouble.is_now(error)
                await wait_at_most(self._closed, self._backoff.next_s())
            feeding.cancel()

    def close(self) -> None:
        """End all streams, and accept no more clients."""
        self._closed.set()
        self._feed.close()
        if self._server is not None:
            self._server.should_exit = True

    async def _serve(self) -> None:
        """Serve until the server ends. Raises OSError (also ssl.SSLError) and ConsolesError."""
        assert self._config.console is not None
        context = self._context()
        with listen(*self._config.console.served_at()) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES_MAX)
            self._trouble.is_now("")
            self._backoff.reset()
            self._server = Server(
                self._app(),
                listener,
                context,
                limits=self._limits,
                head_bytes_max=HEAD_BYTES_MAX,
                grace_s=GRACE_S,
                log=log,
                admits=self._known.__contains__,
                welcomes=self._addresses.welcomes,
            )
            await self._server.serve(sockets=[])

    def _context(self) -> ssl.SSLContext:
        """Load key and certificates. Raises OSError, ssl.SSLError and ConsolesError."""
        assert self._config.console is not None
        fingerprint = console_key(self._config)
        pem, self._known = consoles_in(Path(self._config.console.certificates))
        self._fingerprint = fingerprint
        self._consoles = {known: _Console() for known in self._known}
        return known_only(pem, key_path(self._config))

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────

    def _app(self) -> ASGIApp:
        inner = Starlette(
            routes=[
                Route(console_link.EVENTS, self._events, methods=["GET"]),
                Route(console_link.LOOK, self._challenge, methods=["GET"]),
                Route(console_link.ORDERS, self._order, methods=["POST"]),
            ]
        )

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._console(scope).its_turn()
            await inner(scope, receive, send)

        return app

    def _console(self, scope: Scope) -> _Console:
        return self._consoles[scope["extensions"]["tls"]["client_cert_sha256"]]

    async def _look(self) -> console_link.LaneEvent:
        told = await self._told()
        try:
            look = await self._lane.look()
        except LaneAwayError:
            look = None
        return lane_event(self._boot, self._config, look, told)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._feed.events(), media_type=console_link.EVENT_STREAM)

    async def _challenge(self, request: Request) -> Response:
        async with self._console(request.scope).asking:
            try:
                look = await self._lane.look()
            except LaneAwayError as error:
                return _refused(503, str(error))
        said = console_link.Challenge(gate=look.gate, issued_ms=look.issued_ms, nonce=look.nonce, version=look.version)
        return _said(said)

    async def _order(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_S):
                order = await read_body(request.stream(), console_link.ORDER_BYTES_MAX)
        except (TimeoutError, ClientDisconnect):
            return _refused(408, f"the order was not complete within {BODY_S:g} s")
        if order is None:
            return _refused(413, f"an order has {console_link.ORDER_BYTES_MAX} bytes at most")
        async with self._console(request.scope).asking:
            try:
                answer = await self._lane.submit(order)
            except LaneAwayError as error:
                return _refused(503, str(error), maybe_done=error.maybe_done)
        self._feed.changed()
        sealed = None if answer.sealed is None else [b64encode(part).decode() for part in answer.sealed]
        return _said(
            console_link.Answer(outcome=answer.outcome.value, detail=answer.detail, state=answer.state, sealed=sealed)
        )


def _said(said: Any, status: int = 200) -> Response:  # noqa: ANN401 - any message of `console_link`
    return Response(
        console_link.encode(said), status, media_type="application/json", headers={"cache-control": "no-store"}
    )


def _refused(status: int, problem: str, *, maybe_done: bool = False) -> Response:
    response = _said(console_link.Refusal(problem=problem, maybe_done=maybe_done), status)
    if status in {408, 413}:  # the body may continue
        response.headers["connection"] = "close"
    return response
