"""Security headers and checks for every request of a page's server.

Pages may not be stored or framed, and load nothing from other servers. Requests for another host (DNS rebinding), from
another site's page, or refused by `admits` are answered 421 or 403.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware. `hosts`: accepted Host headers, with port. `admits`: decides on each remaining request.
    `scheme`: http or https, for the Origin header.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: frozenset[str], admits: Callable[[Scope], bool], scheme: str = "http"
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = frozenset(f"{scheme}://{host}" for host in hosts)
        self._admits = admits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await self._websocket(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._for_http(scope)(scope, receive, send_with_headers)

    def _for_http(self, scope: Scope) -> ASGIApp:
        if not self._is_ours(scope):
            return PlainTextResponse("not this host\n", status_code=421)
        if scope["method"] not in {"GET", "HEAD"} and not self._is_of_our_page(scope):
            return PlainTextResponse("not this page\n", status_code=403)
        return self._app if self._admits(scope) else PlainTextResponse("not this browser\n", status_code=403)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = self._is_ours(scope) and self._is_of_our_page(scope) and self._admits(scope)
        app = self._app if ours else WebSocketClose(code=1008, reason="not this page")
        await app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        return Headers(scope=scope).get("host", "") in self._hosts

    def _is_of_our_page(self, scope: Scope) -> bool:
        return Headers(scope=scope).get("origin", "") in self._origins
