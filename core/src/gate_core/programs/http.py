"""The HTTP server of a page on loopback. Of 64 connections the oldest that is not a known browser's makes room for a new one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.utils import get_remote_addr

from gate_core.http_server.graceful import GracefulServer, SingleResponseProtocol, configured

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Scope

CONNECTIONS_MAX: Final = 64
REQUEST_S: Final = 5.0  # how long a connection may take to ask for something
GRACE_S: Final = 1  # how long open requests may take to end when the program stops


_Peer = tuple[str, int] | None


class Visitors:
    """The open connections: strangers in the order they came, and those of browsers that we know."""

    def __init__(self, connections_max: int = CONNECTIONS_MAX) -> None:
        self._connections_max = connections_max
        self._strangers: dict[_Peer, asyncio.Transport] = {}
        self._known: dict[_Peer, asyncio.Transport] = {}

    def came(self, transport: asyncio.Transport) -> None:
        """Take a connection in; the oldest stranger makes room if need be, which may be this one."""
        self._strangers[get_remote_addr(transport)] = transport
        for table in (self._strangers, self._known):
            for gone in [peer for peer, one in table.items() if one.is_closing()]:
                del table[gone]
        if len(self._strangers) + len(self._known) > self._connections_max:
            self._strangers.pop(next(iter(self._strangers))).abort()

    def is_known(self, scope: Scope) -> None:
        """The connection of this request is one that we know."""
        peer = scope.get("client")
        if peer in self._strangers:
            self._known[peer] = self._strangers.pop(peer)


def server(
    app: Starlette, visitors: Visitors, *, request_s: float = REQUEST_S, websockets: bool = True
) -> GracefulServer:
    """The server of a page. A connection may take `request_s` to ask for something. Without `websockets` it needs no library for them."""

    class Connection(SingleResponseProtocol):
        """One connection, which is noted and does not wait for ever."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            visitors.came(transport)
            self.loop.call_later(request_s, self._hang_up_on_silence)

        def _hang_up_on_silence(self) -> None:
            if self.scope is None:
                self.transport.abort()

    return GracefulServer(
        configured(
            app,
            Connection,
            grace_s=GRACE_S,
            ws="websockets-sansio" if websockets else "none",
            ws_max_size=1024,  # a page has nothing to say
            ws_per_message_deflate=False,
        ),
        hears_signals=False,
    )
