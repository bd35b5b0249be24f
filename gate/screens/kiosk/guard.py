"""What every answer of the page's server carries, and whom it answers.

Nothing may be stored, framed, or loaded from elsewhere, and there is no cookie but the kiosk's. A request that names another host
(DNS rebinding), or that another page makes, is refused, and so is everything but the empty page for whoever has not shown the
boot's secret: the preview shows a face.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from gate.screens.kiosk.key import Key

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


# And what is under /static/: no word of them is about a traveller.
OPEN_TO_ALL = ("/", "/enter", "/healthz", "/metrics", "/readyz")


class Guard:
    """ASGI middleware. `hosts` are the values of the Host header that are ours, with their port.

    `on_known` is told the scope of each request that shows the secret.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: frozenset[str], key: Key, on_known: Callable[[Scope], None] = lambda _: None
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._key = key
        self._on_known = on_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer our own pages, refuse all others."""
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
        path: str = scope["path"]
        if self._is_known(scope) or path in OPEN_TO_ALL or path.startswith("/static/"):
            return self._app
        return PlainTextResponse("not this browser\n", status_code=403)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = self._is_ours(scope) and self._is_of_our_page(scope) and self._is_known(scope)
        app = self._app if ours else WebSocketClose(code=1008, reason="not this page")
        await app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        return Headers(scope=scope).get("host", "") in self._hosts

    def _is_of_our_page(self, scope: Scope) -> bool:
        return Headers(scope=scope).get("origin", "") in {f"http://{host}" for host in self._hosts}

    def _is_known(self, scope: Scope) -> bool:
        known = self._key.is_shown_by(Headers(scope=scope))
        if known:
            self._on_known(scope)
        return known
