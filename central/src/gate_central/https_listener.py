"""Listens with TLS 1.3 (`gate_core.http_server`).

TLS refuses a client certificate that central's authority did not issue, but does not require one, since enrolment comes
before it; the application requires it. A request for another host name gets 421, against DNS rebinding.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gate_central import settings
from gate_central.errors import FolderError
from gate_central.folder import AUTHORITY_CERTIFICATE, server_certificate, server_files
from gate_core.http_server import https
from gate_core.http_server.connections import ConnectionLimits, limits_of_process

GRACE_S = 5
HEADER_BYTES_MAX = 32 * 1024
_HOST = re.compile(r"\[?([A-Za-z0-9.:-]+?)\]?(:[0-9]{1,5})?")

log = logging.getLogger("gate_central")


def listen(host: str, port: int) -> socket.socket:
    """Bind the port, 0 for any free one. Raises FolderError."""
    try:
        return https.listen(host, port)
    except OSError as error:
        raise FolderError(str(error)) from error


def serve(app: Any, folder: Path, listener: socket.socket, *, knows_all: bool = False) -> None:  # noqa: ANN401 - an ASGI application
    """Serve until SIGTERM or SIGINT. `knows_all`: TLS requires a client certificate of central's authority."""
    asked = asked_by_name(app, names_of(folder))
    server(asked, folder, listener, limits_of_process(), knows_all=knows_all).run(sockets=[])


def names_of(folder: Path) -> frozenset[str]:
    """Return the server's host names: those in its certificate, and `names` of central.toml. Raises FolderError."""
    names = server_certificate(folder).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    certified = (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))
    return frozenset(one.lower() for one in (*certified, *settings.load(folder).names))


def asked_by_name(app: ASGIApp, names: frozenset[str]) -> ASGIApp:
    """Wrap `app` so that requests for other hosts than `names`, on any port, get 421."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        answer = app
        if scope["type"] == "http":
            given = Headers(scope=scope).getlist("host")
            named = _HOST.fullmatch(given[0]) if len(given) == 1 else None
            if named is None or named[1].lower() not in names:
                told = {"path": scope["path"][:100], "status": 421, "reason": "another host was asked for"}
                log.warning("request_refused", extra=told)
                answer = PlainTextResponse("not this host; names of central.toml adds one\n", 421)
        await answer(scope, receive, send)

    return asked


def server(
    app: Any,  # noqa: ANN401 - an ASGI application
    folder: Path,
    listener: socket.socket,
    limits: ConnectionLimits,
    *,
    knows_all: bool = False,
) -> https.Server:
    """Return the server with its TLS context. Raises OSError and ssl.SSLError."""
    certificate, key = server_files(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED if knows_all else ssl.CERT_OPTIONAL
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(folder / AUTHORITY_CERTIFICATE)
    return https.Server(
        app,
        listener,
        context,
        limits=limits,
        head_bytes_max=HEADER_BYTES_MAX,
        grace_s=GRACE_S,
        log=log,
        hears_signals=True,
    )
