"""The web application of the tour's page, on loopback.

`/` is the page, `/enter` accepts the secret of the start page, `/events` is the visible state as server-sent events.
The console's frame begins at `/tour/sign-in`. The relay sends that path, `/sign-in/request` and `/sign-in/certify`
here, not to the console. Access control uses the guard and key of the traveller's page.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gate.programs.screens.kiosk_start import page_with_secret, prepare, start_page
from gate.screens.kiosk.key import SECRET_LENGTH, Admission, Key
from gate_core.evidence.names import Role
from gate_core.http_server.https import listen
from gate_core.http_server.request_body import whole
from gate_core.orders.certificate import CLOCKS_APART_S, Certificate, certify
from gate_core.orders.errors import OrderError
from gate_core.orders.keys import read_authority
from gate_core.orders.verbs import Party
from gate_core.programs.clock import now
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_core.web_pages.fanout import Fanout, Latest, events
from gate_core.web_pages.guard import HEADERS, Guard
from gate_demo.officers_console import Pages
from gate_demo.stage import GATE_ID, free_port
from gate_demo.tour.relay import HOST, NOBODY, Relay, Server

if TYPE_CHECKING:
    from gate_demo.stage import Stage


OFFICER: Final = "you"
SHIFT_S: Final = 3600
NONCE_BYTES: Final = 32
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


@dataclass(frozen=True, slots=True)
class TourAuthority:
    """The officers' authority of the tour: certifies the keys that the console's script created in the page's browser.

    The tour page's secret replaces a passkey, so the audience need not sign in. It sees a traveller's pictures, sealed
    to its browser's key. `authority` is the file of the demo's authority, `gate` the gate that its officer may order.
    """

    authority: Path
    gate: str

    def nonce(self) -> str:
        """Return a nonce for the browser's passkey answer; the tour does not check it."""
        return b64encode(secrets.token_bytes(NONCE_BYTES)).decode()

    def certify(self, signing: str, sealing: str) -> str:
        """Return a certificate, Base64, for these public keys, Base64. Raises OrderError and OSError."""
        now_s = int(now().timestamp())
        wanted = Certificate(
            gates=(self.gate,),
            key=signing,
            not_before=now_s - CLOCKS_APART_S,
            officer=OFFICER,
            party=Party.POLICE,
            role=Role.OFFICER,
            sealing=sealing,
            trained=False,
            until=now_s + SHIFT_S,
        )
        return b64encode(certify(wanted, read_authority(self.authority.read_bytes()))).decode()


_HERE: Final = Path(__file__).parent


class Shown:
    """The page's present content, for every connected browser; `watched` is set with the first one."""

    def __init__(self, **first: object) -> None:
        self.watched = asyncio.Event()
        self._now: dict[str, object] = first
        self._pages: Fanout[bytes] = Fanout(clients_max=PAGES_MAX)

    @property
    def pages(self) -> int:
        """Return the number of connected browsers."""
        return self._pages.clients

    @property
    def is_full(self) -> bool:
        """Return True when no further browser can connect."""
        return self._pages.is_full

    def show(self, **changes: object) -> None:
        """Change these values of the content; keep the others."""
        then = self._now | changes
        if then != self._now:
            self._now = then
            self._pages.send(self._event())

    @contextlib.contextmanager
    def watch(self) -> Iterator[Latest[bytes]]:
        """Yield a mailbox of server-sent events that begins with the whole content. Raises FullError and EndedError."""
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
    shown: Shown, *, key: Key, authority: TourAuthority, hosts: frozenset[str], origin: str, frames: tuple[str, ...]
) -> Starlette:
    """Return the application. `hosts` are valid Host headers, `origin` is the tour page's, `frames` are its frames'."""

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
        return JSONResponse({"nonce": authority.nonce(), "rp_id": "localhost"})

    async def certify(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await whole(request, BODY_BYTES_MAX) or b"", type=_Question)
            return JSONResponse({"certificate": authority.certify(wanted.signing, wanted.sealing)})
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
    """Return the application's Content-Security-Policy: the gate's, but only `origin` frames it, and it frames `frames`."""
    ours = HEADERS[_POLICY].replace(NOBODY.decode(), f"frame-ancestors {origin}")
    return f"{ours}; frame-src {' '.join(frames)}"


class _Framing:
    """ASGI middleware: adds `policy` to each answer."""

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


class Hosting:
    """The places of the three pages. All are on `localhost`, so that they are one site and a browser sends cookies in frames.

    `console` is the port and origin at which the console must serve its pages.
    """

    def __init__(self) -> None:
        self._port, self._traveller_port, relay_port = free_port(), free_port(), free_port()
        self._origin = f"http://localhost:{self._port}"
        self.console = Pages(free_port(), f"http://localhost:{relay_port}")
        self._relay_port = relay_port

    def traveller(self, stage: Stage) -> str:
        """Return the address of the traveller's page for its frame, with its secret. Raises OSError."""
        return page_with_secret(stage.config.runtime("screens"), f"http://localhost:{self._traveller_port}/")

    @contextlib.asynccontextmanager
    async def serving(self, stage: Stage, shown: Shown) -> AsyncIterator[str]:
        """Serve during the block; yield the start page, which has the secret of the tour's page. Raises OSError."""
        runtime = stage.folder / "tour"
        key = Key(prepare(runtime, f"{self._origin}/"), port=self._port)
        called = f"localhost:{self._relay_port}"
        app = create_app(
            shown,
            key=key,
            authority=TourAuthority(stage.authority, GATE_ID),
            hosts=frozenset({f"localhost:{self._port}", called}),
            origin=self._origin,
            frames=(f"http://localhost:{self._traveller_port}", self.console.origin),
        )
        screens = stage.config.screens.port
        traveller = Relay(self._traveller_port, Server(screens, f"localhost:{screens}"), framed_by=self._origin)
        console = Relay(
            self._relay_port,
            Server(self.console.port, called),
            framed_by=self._origin,
            aside=dict.fromkeys(ASIDE, Server(self._port, called)),
        )
        server = http_server(app, Visitors())
        with contextlib.closing(listen(HOST, self._port)) as listener:
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            try:
                async with traveller.serving(), console.serving():
                    yield start_page(runtime).as_uri()
            finally:
                shown.close()
                server.should_exit = True
                await serving
