"""HTTP/1.1 over TLS 1.3, with the peer's certificate for the application.

uvicorn does not pass on the certificate; this module puts it into the ASGI TLS extension. It replaces uvicorn's limit,
which also counts idle connections, by `gate_core.http_server.connections` and a limit of open requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response

from gate_core.http_server.connections import ConnectionLimits, ConnectionPlaces
from gate_core.http_server.graceful import GracefulServer, SingleResponseProtocol, configured

BACKLOG: Final = 1024
CROWD_TOLD_EVERY_S: Final = 60.0
NO_DESCRIPTOR_PAUSE_S: Final = 0.1
UNREAD_BYTES_MAX: Final = 64 * 1024  # of an answer, before it waits for the peer to read
_BUSY: Final = Response("too many requests at once; try later\n", 503, {"retry-after": "10"}, "text/plain")
_OWN_FAULTS: Final = logging.getLogger("uvicorn.error.own")
_OWN_FAULTS.setLevel(logging.ERROR)  # peers' errors are not logged

Knows = Callable[[str], bool]


def everybody(_: str) -> bool:
    """Accept every peer."""
    return True


class _CertifiedProtocol(SingleResponseProtocol):
    """HTTP/1.1 connection with the peer's certificate in each request's scope; registers with `ConnectionPlaces`."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 - uvicorn's own
        places: ConnectionPlaces,
        limits: ConnectionLimits,
        admits: Knows,
        **more: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*arguments, **more)
        self.logger = _OWN_FAULTS
        self._places = places
        self._limits = limits
        self._admits = admits
        self._timers: dict[str, asyncio.TimerHandle] = {}  # time limits: "head", "end", "read"

    @property
    def is_busy(self) -> bool:
        """True while a request is under way."""
        return bool(self.cycle) and not self.cycle.response_complete

    def show_out(self) -> None:
        """End the connection now."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(UNREAD_BYTES_MAX)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        holder = hashlib.sha256(der).hexdigest() if der else None
        if holder is not None and not self._admits(holder):
            self.show_out()
            return
        chain = [ssl.DER_cert_to_PEM_cert(der)] if der else []
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            if len(self.tasks) > self._limits.requests_max:
                await _BUSY(scope, receive, send)
                return
            scope.setdefault("extensions", {})["tls"] = {"client_cert_chain": chain, "client_cert_sha256": holder}
            await inner(scope, receive, send)

        self.app = app
        self._show_out_in(self._limits.first_s, "head")
        if holder is None:
            self._show_out_in(self._limits.stranger_s, "end")
        self._places.enter(self, holder)

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        for timer in self._timers.values():
            timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.is_busy and "head" in self._timers:  # only a complete head stops the timer
            self._timers["head"].cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.is_busy:  # otherwise the next request has already arrived
            self._show_out_in(self._limits.idle_s, "head")

    def pause_writing(self) -> None:
        """Start the time limit: the peer does not read."""
        super().pause_writing()
        self._show_out_in(self._limits.read_s, "read")

    def resume_writing(self) -> None:
        """Stop the time limit: the peer reads again."""
        super().resume_writing()
        self._timers["read"].cancel()

    def _show_out_in(self, at_most_s: float, until: str) -> None:
        if until in self._timers:
            self._timers[until].cancel()
        self._timers[until] = self.loop.call_later(at_most_s, self.show_out)


class Server(GracefulServer):
    """uvicorn with its own TLS acceptor. `admits` filters client certificates (SHA-256), `welcomes` addresses."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - an ASGI application
        listener: socket.socket,
        context: ssl.SSLContext,
        *,
        limits: ConnectionLimits,
        head_bytes_max: int,
        grace_s: int,
        log: logging.Logger,
        hears_signals: bool = False,
        admits: Knows = everybody,
        welcomes: Knows = everybody,
    ) -> None:
        super().__init__(
            configured(
                app,
                _CertifiedProtocol,
                grace_s=grace_s,
                ws="none",
                timeout_keep_alive=int(limits.idle_s) + 1,  # ours ends first
                h11_max_incomplete_event_size=head_bytes_max,
            ),
            hears_signals=hears_signals,
        )
        self._listener = listener
        self._context = context
        self._limits = limits
        self._log = log
        self._admits = admits
        self._welcomes = welcomes
        self._places = ConnectionPlaces(limits)
        self._accepting: asyncio.Future[None] | None = None
        self._unsecured: dict[asyncio.Task[None], None] = {}  # oldest first
        self._tallies = {"strangers_refused": _Tally(), "door_crowded": _Tally()}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting connections."""
        await super().startup(sockets=sockets)
        self._accepting = asyncio.ensure_future(self._accept())
        self._accepting.add_done_callback(self._ended)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and end open connections."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._listener.close()
        await super().shutdown(sockets=sockets)
        for guest in tuple(self.server_state.connections):  # connections still open after the grace time
            guest.transport.abort()

    async def _accept(self) -> None:
        """Accept connections, one per turn of the event loop, until cancelled."""
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        async with asyncio.TaskGroup() as handshakes:
            while True:
                try:
                    end, (host, *_) = await loop.sock_accept(self._listener)
                except OSError:  # out of descriptors, or the caller has gone again
                    await asyncio.sleep(NO_DESCRIPTOR_PAUSE_S)
                    continue
                if not self._welcomes(host):
                    end.close()
                    await asyncio.sleep(0)
                    continue
                if len(self._unsecured) >= self._limits.unsecured_max:
                    longest = next(iter(self._unsecured))
                    self._unsecured.pop(longest)
                    longest.cancel()
                    if count := self._tallies["door_crowded"].due():
                        self._log.warning("door_crowded", extra={"shown_out": count})
                task = handshakes.create_task(self._secure(end))
                self._unsecured[task] = None
                task.add_done_callback(lambda done: self._unsecured.pop(done, None))
                await asyncio.sleep(0)

    async def _secure(self, end: socket.socket) -> None:
        """Perform a connection's TLS handshake."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._greet,
                end,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=self._limits.goodbye_s,
            )
        except OSError as error:  # no TLS, another authority's certificate, silence, or gone
            end.close()
            if isinstance(error, ssl.SSLError) and (count := self._tallies["strangers_refused"].due()):
                reason = getattr(error, "verify_message", "") or error.reason
                self._log.warning("strangers_refused", extra={"count": count, "reason": reason})
        except asyncio.CancelledError:
            end.close()
            raise

    def _greet(self) -> asyncio.Protocol:
        return _CertifiedProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            places=self._places,
            limits=self._limits,
            admits=self._admits,
        )

    def _ended(self, accepting: asyncio.Future[None]) -> None:
        self.should_exit = True  # a server that no longer accepts must be restarted
        if not accepting.cancelled() and (error := accepting.exception()) is not None:
            self._log.critical("door_failed", exc_info=error)


class _Tally:
    """Counts events, to log the first at once and further ones at most every CROWD_TOLD_EVERY_S."""

    def __init__(self) -> None:
        self._count = 0
        self._told_s = float("-inf")

    def due(self) -> int:
        """Count an event; return the number to log now, or 0."""
        count, now_s = self._count + 1, asyncio.get_running_loop().time()
        self._count = count
        if now_s - self._told_s < CROWD_TOLD_EVERY_S:
            return 0
        self._count, self._told_s = 0, now_s
        return count


def known_only(certificates: str, identity: Path) -> ssl.SSLContext:
    """Return a server's TLS 1.3 context that accepts only these client certificates (PEM). `identity`: file of its own
    key and certificate. Raises OSError (also ssl.SSLError).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each certificate is its own trust anchor
    context.load_verify_locations(cadata=certificates)
    context.load_cert_chain(identity)
    context.num_tickets = 0  # no resumption: each connection must show its certificate
    return context


def listen(host: str, port: int) -> socket.socket:
    """Bind the port, 0 for any free one. Raises OSError with the address in its message."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # asyncio does not set it on sockets of create_server, which have no protocol number. Without it a body waits
        # 40 ms for the acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        message = f"cannot serve on {host} port {port}: {error.strerror}"
        raise OSError(error.errno, message) from error
    return listener
