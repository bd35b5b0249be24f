"""Runs the officers' authority as a service for consoles: over TLS 1.3 with pinned certificates, or on a Unix socket.

An unknown console fails the TLS handshake. An act is on disk before it is answered. The TLS key is made at the first
start; consoles pin its fingerprint. Left to `gate_officers.authority.app`: the requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from gate_core import durable, pinned_certificates
from gate_core.console_certificates import consoles_in
from gate_core.console_link import CONSOLES_MAX
from gate_core.http_server.connections import ConnectionLimits
from gate_core.http_server.graceful import GracefulServer, SingleResponseProtocol, configured
from gate_core.http_server.https import Server, known_only, listen
from gate_core.programs.clock import monotonic_ms, now
from gate_core.settings.config_file import address_of
from gate_officers.authority.act_log import ActLog
from gate_officers.authority.app import make_app
from gate_officers.authority.certificate_issuer import Authority, Clocks
from gate_officers.authority.config import ACT_LOG_FILE, IDENTITY, AuthorityConfig
from gate_officers.authority.passkeys import Passkeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HEAD_BYTES_MAX: Final = 8 * 1024
GRACE_S: Final = 2
SOCKET_MODE: Final = 0o660  # for the owner and the group of the socket's folder
LIMITS: Final = ConnectionLimits(
    handshake_s=5.0,
    a_holder_max=8,
    everybody_max=8 * CONSOLES_MAX,
    requests_max=8 * CONSOLES_MAX,
    first_s=5.0,
    read_s=5.0,
    goodbye_s=1.0,
)

log = logging.getLogger("gate_officers.authority")


class ServiceError(Exception):
    """The service cannot start; the message gives the reason in one line."""


async def run(
    config: AuthorityConfig, key: Ed25519PrivateKey, *, stop: asyncio.Event, on_listening: Callable[[str], None]
) -> None:
    """Serve until `stop` is set. Calls `on_listening` with the fingerprint that consoles pin, empty on a Unix socket.
    Raises OSError, ServiceError, ActLogError and ConsolesError.
    """
    folder = Path(config.folder)
    durable.make_folder(folder, mode=0o700)
    authority = Authority(
        act_log=ActLog(folder / ACT_LOG_FILE),
        key=key,
        passkeys=Passkeys(config.rp_id, frozenset(config.origins)),
        shift_s=round(config.hours * 3600),
        clocks=Clocks(lambda: int(now().timestamp()), lambda: monotonic_ms() / 1000),
        random=secrets.token_bytes,
    )
    if config.socket is not None:
        with _local(Path(config.socket)) as listener:
            on_listening("")
            app = make_app(authority, lambda _: "local")
            most = {"ws": "none", "h11_max_incomplete_event_size": HEAD_BYTES_MAX}
            server = GracefulServer(
                configured(app, SingleResponseProtocol, grace_s=GRACE_S, **most), hears_signals=False
            )
            await server.serve_until(stop, sockets=[listener])
        return
    assert config.address is not None, "the configuration has one of them"
    context, known, fingerprint = _tls(config, folder / IDENTITY)

    def console_of(request: Request) -> str:
        return known[request.scope["extensions"]["tls"]["client_cert_sha256"]]

    with listen(*address_of(config.address, such_as="")) as listener:
        on_listening(fingerprint)
        tls_server = Server(
            make_app(authority, console_of),
            listener,
            context,
            limits=LIMITS,
            head_bytes_max=HEAD_BYTES_MAX,
            grace_s=GRACE_S,
            log=log,
            admits=known.__contains__,
        )
        await tls_server.serve_until(stop)


@contextlib.contextmanager
def _local(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        if path.exists() and not path.is_socket():
            raise ServiceError(f"{path} is there and is no socket")
        path.unlink(missing_ok=True)  # left by a process that was killed
        umask = os.umask(0o777 & ~SOCKET_MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(umask)
        listener.listen()
        yield listener


def _tls(config: AuthorityConfig, identity: Path) -> tuple[ssl.SSLContext, dict[str, str], str]:
    assert config.consoles is not None, "the configuration names them"
    if not identity.exists():
        pinned_certificates.make(identity, "officers-authority")
    try:
        fingerprint = pinned_certificates.fingerprint_in(identity)
    except pinned_certificates.PinnedError as error:
        raise ServiceError(str(error)) from error
    pem, known = consoles_in(Path(config.consoles))
    return known_only(pem, identity), known, fingerprint
