"""Runs the officers' console: connections to many gates, and the pages for the officers' browsers.

It holds no officer's key and decrypts no picture; orders are forwarded as the browser signed them. A gate is
authenticated by the key pinned in `console.toml`, an officer by the authority's signature. A gate that hangs or sends
invalid data does not affect the others. Pages: `gate_officers.console.app`; gates: `gate_officers.console.gates`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gate_core import durable
from gate_core.http_server.connections import ConnectionLimits
from gate_core.http_server.graceful import GracefulServer
from gate_core.http_server.https import Server, listen
from gate_core.programs.clock import monotonic_ms, now
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_core.rate_limit import Addresses, Rate
from gate_officers.console.admission import Cookie
from gate_officers.console.app import TEXTS, Console, create_app
from gate_officers.console.authority_client import Authority
from gate_officers.console.gates import Gate
from gate_officers.console.handover import Handovers
from gate_officers.console.lanes import PAGES_MAX, Lanes
from gate_officers.console.sessions import Sessions
from gate_officers.console.sign_in import Clock, SignIn

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from gate_officers.console.config import ConsoleConfig

HANDOVERS: Final = "handovers.json"
HEAD_BYTES_MAX: Final = 16 * 1024
GRACE_S: Final = 1
ASK_RATE: Final = Rate(2, 16)  # requests of one address to the authority; a sign-in takes two
CONNECTION_S: Final = 24 * 3600.0  # a browser may keep one for a shift; each request checks the session
LIMITS: Final = ConnectionLimits(
    handshake_s=5.0,
    strangers_max=4 * PAGES_MAX,
    stranger_s=CONNECTION_S,
    first_s=5.0,
    read_s=5.0,
    requests_max=4 * PAGES_MAX,
)

log = logging.getLogger("gate.console")


async def run(config: ConsoleConfig, *, stop: asyncio.Event, on_listening: Callable[[], None] = lambda: None) -> None:
    """Serve until `stop` is set. Raises OSError (also ssl.SSLError) and HandoverError."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every request to a gate
    folder, identity = Path(config.folder), Path(config.identity)
    durable.make_folder(folder, mode=0o700)
    changed = asyncio.Event()
    gates = [Gate(name, entry, identity, on_change=changed.set) for name, entry in config.gates.items()]
    lanes = Lanes(gates, clock_s=asyncio.get_running_loop().time)
    entry = config.authority
    authority = None if entry.address is None and entry.socket is None else Authority(entry, identity)
    visitors = Visitors()
    handovers = Handovers(folder / HANDOVERS, entry.public_key)
    app = _app(config, lanes, handovers, authority, visitors)
    with contextlib.closing(listen(*config.pages.served_at())) as listener:
        server, sockets = _server(config, app, visitors, listener)
        on_listening()
        watching = (lanes.run(), _tell(lanes, changed), *(gate.run() for gate in gates))
        await server.serve_until(stop, *watching, sockets=sockets)
    if authority is not None:
        await authority.close()


def _app(
    config: ConsoleConfig, lanes: Lanes, handovers: Handovers, authority: Authority | None, visitors: Visitors
) -> Starlette:
    parts = urlsplit(config.pages.origin)
    _, port = config.pages.served_at()
    cookie = Cookie(port, secure=parts.scheme == "https")
    clock = Clock(lambda: now().timestamp(), lambda: monotonic_ms() / 1000)
    sessions = Sessions(
        authority=config.authority.public_key,
        origin=config.pages.origin,
        now_s=clock.now_s,
        monotonic_s=lambda: monotonic_ms() / 1000,
        random=secrets.token_bytes,
    )
    sign_in = SignIn(
        sessions=sessions,
        cookie=cookie,
        clock=clock,
        ask=None if authority is None else authority.ask,
        texts=TEXTS,
        may_ask=Addresses(ASK_RATE).welcomes,
    )
    console = Console(
        lanes=lanes, handovers=handovers, sessions=sessions, cookie=cookie, now_s=clock.now_s, boot=secrets.token_hex(8)
    )
    return create_app(console, hosts=frozenset({parts.netloc}), sign_in=sign_in, on_known=visitors.is_known)


def _server(
    config: ConsoleConfig, app: Starlette, visitors: Visitors, listener: socket.socket
) -> tuple[GracefulServer, list[socket.socket]]:
    """Return the server, with TLS if a certificate is set, and its sockets. Raises OSError (also ssl.SSLError)."""
    if config.pages.certificate is None:
        return http_server(app, visitors, websockets=False), [listener]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(config.pages.certificate)
    server = Server(
        app,
        listener,
        context,
        limits=LIMITS,
        head_bytes_max=HEAD_BYTES_MAX,
        grace_s=GRACE_S,
        log=log,
        welcomes=Addresses().welcomes,
    )
    return server, []


async def _tell(lanes: Lanes, changed: asyncio.Event) -> None:
    """Refresh the pages when gates change; changes at the same time are sent together."""
    while True:
        await changed.wait()
        changed.clear()
        lanes.refresh()
