"""Listens with TLS 1.3 and passes the peer's certificate on to the application.

The server asks for a client certificate and refuses one that its authority did not issue; it does not insist on one,
because enrolment comes before there is any, so the application does. uvicorn has no place for the certificate: it is put
into the ASGI TLS extension here. Its own limit counts connections that ask nothing; ours count places (`gate.central.door`) and requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from gate.central.door import Door, Limits, Places, limits_here
from gate.central.errors import FolderError
from gate.central.folder import AUTHORITY_CERTIFICATE, server_files

GRACE_S = 5
HEADER_BYTES_MAX = 32 * 1024
BACKLOG = 1024

log = logging.getLogger("gate.central")


class _CertifiedProtocol(H11Protocol):
    """HTTP/1.1 with the peer's certificate in each request's scope, for a guest of `Places`."""

    def __init__(self, *arguments: Any, places: Places, limits: Limits, **more: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **more)
        self._places = places
        self._limits = limits
        self._until_head: asyncio.TimerHandle | None = None
        self._until_end: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        """True while a request is under way."""
        return bool(self.cycle) and not self.cycle.response_complete

    def show_out(self) -> None:
        """End the connection now."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        chain = [ssl.DER_cert_to_PEM_cert(der)] if der else []
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            if len(self.tasks) > self._limits.requests_max:
                await _BUSY(scope, receive, send)
                return
            scope.setdefault("extensions", {})["tls"] = {"client_cert_chain": chain}
            await inner(scope, receive, send)

        self.app = app
        self._await_head(self._limits.first_s)
        if not der:
            self._until_end = self.loop.call_later(self._limits.stranger_s, self.show_out)
        self._places.enter(self, hashlib.sha256(der).hexdigest() if der else None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        for timer in (self._until_head, self._until_end):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.is_busy and self._until_head is not None:  # a byte now and then is no head
            self._until_head.cancel()
            self._until_head = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.is_busy:  # else the next request came together with this one
            self._await_head(self._limits.idle_s)

    def _await_head(self, at_most_s: float) -> None:
        if self._until_head is not None:
            self._until_head.cancel()
        self._until_head = self.loop.call_later(at_most_s, self.show_out)


_BUSY = Response("too many requests at once; try later\n", 503, {"retry-after": "10"}, "text/plain")


class Server(uvicorn.Server):
    """uvicorn behind our own door."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, limits: Limits) -> None:
        super().__init__(config)
        self._listener = listener
        self._limits = limits
        self._places = Places(limits)
        self._accepting: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets=sockets)
        assert self.config.ssl is not None
        door = Door(self._listener, self.config.ssl, self._limits, self._greet)
        self._accepting = asyncio.ensure_future(door.accept())
        self._accepting.add_done_callback(self._ended)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, and end what is under way."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._listener.close()
        await super().shutdown(sockets=sockets)

    def _greet(self) -> asyncio.Protocol:
        return _CertifiedProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            places=self._places,
            limits=self._limits,
        )

    def _ended(self, accepting: asyncio.Future[None]) -> None:
        self.should_exit = True  # a server that accepts nobody is started anew
        if not accepting.cancelled() and (error := accepting.exception()) is not None:
            log.critical("door_failed", exc_info=error)


def listen(host: str, port: int) -> socket.socket:
    """Take the port, 0 for any. Raises FolderError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise FolderError(f"cannot listen on {host} port {port}: {error.strerror}") from error


def serve(app: Any, folder: Path, listener: socket.socket) -> None:  # noqa: ANN401 - an ASGI application
    """Serve until SIGTERM or SIGINT."""
    limits = limits_here()
    Server(configured(app, folder, limits), listener, limits).run(sockets=[])


def configured(app: Any, folder: Path, limits: Limits) -> uvicorn.Config:  # noqa: ANN401 - an ASGI application
    """The settings of uvicorn, TLS included."""
    certificate, key = server_files(folder)
    config = uvicorn.Config(
        app,
        http=_CertifiedProtocol,
        ws="none",
        lifespan="off",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ca_certs=str(folder / AUTHORITY_CERTIFICATE),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        timeout_keep_alive=int(limits.idle_s) + 1,  # ours ends first
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return config
