"""The web application of the tour's page, on loopback.

`/` is the page, `/enter` where it shows the secret that its start page has, `/events` what is to be seen as server-sent events. The console's frame
begins at `/tour/sign-in`, which the relay takes from here, as it does `/sign-in/request` and `/sign-in/certify`, which the console would pass on
to an authority. Who is answered is the business of the traveller's page's guard and key: this page is as careful.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gate.screens.kiosk.key import SECRET_LENGTH, Admission, Key
from gate_core.http_server.request_body import whole
from gate_core.orders.errors import OrderError
from gate_core.web_pages.events import events
from gate_core.web_pages.fanout import Fanout, Latest
from gate_core.web_pages.guard import HEADERS, Guard
from gate_demo.tour.desk import Desk
from gate_demo.tour.relay import NOBODY

HEARTBEAT_S: Final = 1.0
PAGES_MAX: Final = 4
BODY_BYTES_MAX: Final = 16 * 1024
SIGN_IN: Final = "/tour/sign-in"
ASIDE: Final = (
    SIGN_IN,
    "/tour/sign-in.js",
    "/sign-in/request",
    "/sign-in/certify",
)  # of the console's frame, answered here
_POLICY: Final = "Content-Security-Policy"
_HERE: Final = Path(__file__).parent


class Shown:
    """What the page shows now, for every browser that watches; `watched` is set as soon as one does."""

    def __init__(self, **first: object) -> None:
        self.watched = asyncio.Event()
        self._now: dict[str, object] = first
        self._pages: Fanout[bytes] = Fanout(clients_max=PAGES_MAX)

    @property
    def pages(self) -> int:
        """How many browsers watch."""
        return self._pages.clients

    @property
    def is_full(self) -> bool:
        """True when no browser more can watch."""
        return self._pages.is_full

    def show(self, **changes: object) -> None:
        """Show these from now on; everything else stays."""
        then = self._now | changes
        if then != self._now:
            self._now = then
            self._pages.send(self._event())

    @contextlib.contextmanager
    def watch(self) -> Iterator[Latest[bytes]]:
        """A mailbox of server-sent events that starts with the whole. Raises FullError and EndedError."""
        with self._pages.join() as mailbox:
            self.watched.set()
            mailbox.put(self._event())
            yield mailbox

    def close(self) -> None:
        """End every page's stream."""
        self._pages.close()

    def _event(self) -> bytes:
        return f"event: tour\ndata: {json.dumps(self._now, separators=(',', ':'))}\n\n".encode()


class _Question(msgspec.Struct, frozen=True):
    signing: str
    sealing: str


def create_app(
    shown: Shown, *, key: Key, desk: Desk, hosts: frozenset[str], origin: str, frames: tuple[str, ...]
) -> Starlette:
    """The application. `hosts` are the Host headers that it answers to, `origin` is the tour page's own, `frames` are those of what it frames."""

    async def page(_request: Request) -> Response:
        return FileResponse(_HERE / "static" / "tour.html")

    async def enter(request: Request) -> Response:
        if not key.fits(await whole(request, SECRET_LENGTH) or b""):
            return PlainTextResponse("not the secret of this tour\n", status_code=403)
        return Response(status_code=204, headers={"Set-Cookie": key.cookie})

    async def sign_in(_request: Request) -> Response:
        return FileResponse(_HERE / "static" / "sign-in.html")

    async def sign_in_script(_request: Request) -> Response:
        return FileResponse(_HERE / "static" / "sign-in.js")

    async def ask(_request: Request) -> Response:
        return JSONResponse({"nonce": desk.nonce(), "rp_id": "localhost"})

    async def certify(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await whole(request, BODY_BYTES_MAX) or b"", type=_Question)
            return JSONResponse({"certificate": desk.certify(wanted.signing, wanted.sealing)})
        except (msgspec.DecodeError, UnicodeDecodeError, OrderError) as error:
            return JSONResponse({"error": "malformed", "detail": str(error)}, status_code=400)

    stream = events(
        lambda _: shown.watch(),
        form=lambda _: lambda event: event,
        is_full=lambda _: shown.is_full,
        heartbeat_s=HEARTBEAT_S,
    )
    routes = [
        Route("/", page),
        Route("/enter", enter, methods=["POST"]),
        Route("/events", stream),
        Route(SIGN_IN, sign_in),
        Route("/tour/sign-in.js", sign_in_script),
        Route("/sign-in/request", ask, methods=["POST"]),
        Route("/sign-in/certify", certify, methods=["POST"]),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    guards = [
        Middleware(_Framing, policy=policy(origin, frames)),
        Middleware(Guard, hosts=hosts, admits=Admission(key, lambda _: None)),
    ]
    return Starlette(routes=routes, middleware=guards)


def policy(origin: str, frames: tuple[str, ...]) -> str:
    """The policy of this application's pages: the gate's own, but that the tour's page frames the two others, and is framed by none but itself."""
    ours = HEADERS[_POLICY].replace(NOBODY.decode(), f"frame-ancestors {origin}")
    return f"{ours}; frame-src {' '.join(frames)}"


class _Framing:
    """ASGI middleware: says `policy` of each answer."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: Any = MutableHeaders(scope=message)
                headers[_POLICY] = self._policy
            await send(message)

        await self._app(scope, receive, send_with_policy)
