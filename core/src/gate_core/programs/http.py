"""HTTP server for pages on loopback, with a limit of connections that does not lock out the page's own browser.

Above the limit, the oldest connection of an unknown client is closed. A connection without a request is closed after a
time limit. Left to `gate.screens`: the pages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.utils import get_remote_addr

from gate_core.http_server.graceful import GracefulServer, SingleResponseProtocol, configured

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Scope

CONNECTIONS_MAX: Final = 64
REQUEST_S: Final = 5.0  # time for a connection's first request
GRACE_S: Final = 1  # time for open requests when the program stops


_Peer = tuple[str, int] | None


class Visitors:
    """The open connections: unknown ones, oldest first, and those of known browsers."""

    def __init__(self, connections_max: int = CONNECTIONS_MAX) -> None:
        self._connections_max = connections_max
        self._strangers: dict[_Peer, asyncio.Transport] = {}
        self._known: dict[_Peer, asyncio.Transport] = {}

    def came(self, transport: asyncio.Transport) -> None:
        """Register a connection; above the limit, close the oldest unknown one, possibly this one."""
        self._strangers[get_remote_addr(transport)] = transport
        for table in (self._strangers, self._known):
            for gone in [peer for peer, one in table.items() if one.is_closing()]:
                del table[gone]
        if len(self._strangers) + len(self._known) > self._connections_max:
            self._strangers.pop(next(iter(self._strangers))).abort()

    def is_known(self, scope: Scope) -> None:
        """Mark the connection of this request as known."""
        peer = scope.get("client")
        if peer in self._strangers:
            self._known[peer] = self._strangers.pop(peer)


def server(
    app: Starlette, visitors: Visitors, *, request_s: float = REQUEST_S, websockets: bool = True
) -> GracefulServer:
    """Return a page's server. `request_s`: time for the first request. `websockets` False: needs no such library."""

    class Connection(SingleResponseProtocol):
        """A connection that is registered with `visitors`, and closed without a request in time."""

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
