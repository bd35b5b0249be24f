"""Listens with TLS 1.3 and passes the peer's certificate on to the application.

The server asks for a client certificate and refuses one that its authority did not issue; it does not insist on one,
because enrolment comes before there is any, so the application does. uvicorn has no place for the certificate: it is put
into the ASGI TLS extension here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gate.central.errors import FolderError
from gate.central.folder import AUTHORITY_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY

CONCURRENCY_MAX = 256
KEEP_ALIVE_S = 65
GRACE_S = 5
HEADER_BYTES_MAX = 32 * 1024


class _CertifiedProtocol(H11Protocol):
    """HTTP/1.1 with the peer's certificate in each request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        chain = [ssl.DER_cert_to_PEM_cert(der)] if der else []
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            scope.setdefault("extensions", {})["tls"] = {"client_cert_chain": chain}
            await inner(scope, receive, send)

        self.app = app


def listen(host: str, port: int) -> socket.socket:
    """Take the port, 0 for any. Raises FolderError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise FolderError(f"cannot listen on {host} port {port}: {error.strerror}") from error


def serve(app: Any, folder: Path, listener: socket.socket) -> None:  # noqa: ANN401 - an ASGI application
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        http=_CertifiedProtocol,
        ws="none",
        lifespan="off",
        ssl_certfile=folder / SERVER_CERTIFICATE,
        ssl_keyfile=folder / SERVER_KEY,
        ssl_ca_certs=str(folder / AUTHORITY_CERTIFICATE),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        limit_concurrency=CONCURRENCY_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
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
    uvicorn.Server(config).run(sockets=[listener])
