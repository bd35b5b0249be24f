"""Listens with TLS 1.3 behind a door (`gate.door`).

The server asks for a client certificate and refuses one that its authority did not issue; it does not insist on one,
because enrolment comes before there is any, so the application does.
"""

from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path
from typing import Any

from gate.central.errors import FolderError
from gate.central.folder import AUTHORITY_CERTIFICATE, server_files
from gate.door import https
from gate.door.entering import Limits, limits_here

GRACE_S = 5
HEADER_BYTES_MAX = 32 * 1024

log = logging.getLogger("gate.central")


def listen(host: str, port: int) -> socket.socket:
    """Take the port, 0 for any. Raises FolderError."""
    try:
        return https.listen(host, port)
    except OSError as error:
        raise FolderError(str(error)) from error


def serve(app: Any, folder: Path, listener: socket.socket, *, knows_all: bool = False) -> None:  # noqa: ANN401 - an ASGI application
    """Serve until SIGTERM or SIGINT. `knows_all`: whoever shows no certificate of our authority ends with TLS."""
    server(app, folder, listener, limits_here(), knows_all=knows_all).run(sockets=[])


def server(
    app: Any,  # noqa: ANN401 - an ASGI application
    folder: Path,
    listener: socket.socket,
    limits: Limits,
    *,
    knows_all: bool = False,
) -> https.Server:
    """The server, TLS included. Raises OSError and ssl.SSLError."""
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
