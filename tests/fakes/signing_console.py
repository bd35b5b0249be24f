"""A console that officers sign in at, in this process: the real pages, sessions and table, an authority and a lane's judgement of orders."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from core_fakes.shifts import GATE, PUBLIC
from fakes.officers_authority import Desk
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import gate_officers.console
from gate_core.http_server.https import listen
from gate_core.orders.order import Challenger, Signed, read_order
from gate_core.web_pages.guard import Guard
from gate_core.web_pages.texts import Texts
from gate_officers.authority.app import make_app
from gate_officers.console.admission import Admission, Cookie, session_of
from gate_officers.console.sessions import Sessions
from gate_officers.console.sign_in import AwayError, Clock, SignIn, Told

STATIC = Path(gate_officers.console.__file__).parent / "static"


class Console:
    """The console at `http://localhost:PORT`. What goes wrong on purpose is set on it: `ahead_s`, `away`, `answers`."""

    def __init__(self, folder: Path) -> None:
        self._listener = listen("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.desk = Desk(folder, rp_id="localhost", origins=frozenset({self.address}))
        self.desk.now_s = int(time.time())
        self.ahead_s = 0.0
        self.passed_s = 0.0
        self.away = False
        self.challenger = Challenger(bytes(32), GATE)
        self.looks: dict[str, Any] = {}  # what a gate that lies says instead
        self.orders: list[Signed] = []
        self.raw: list[bytes] = []
        self.sealed: list[str] | None = None
        self.relayed: list[tuple[str, bytes]] = []
        self.cookie = Cookie(self.port, secure=False)
        self.clock = Clock(lambda: time.time() + self.ahead_s, self._monotonic_s)
        self.sessions = Sessions(
            authority=PUBLIC,
            origin=self.address,
            now_s=self.clock.now_s,
            monotonic_s=self._monotonic_s,
            random=os.urandom,
        )
        self.app = self._app()

    def _monotonic_s(self) -> float:
        return time.monotonic() + self.passed_s

    def _app(self) -> Starlette:
        sign_in = SignIn(
            sessions=self.sessions,
            cookie=self.cookie,
            clock=self.clock,
            ask=self._ask,
            texts=Texts("gate_officers.console"),
        )
        routes = [
            Route("/", self._hall),
            Route("/gates/{gate}/look", self._look),
            Route("/gates/{gate}/orders", self._order, methods=["POST"]),
            *sign_in.routes(),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        hosts = frozenset({f"localhost:{self.port}", f"127.0.0.1:{self.port}"})
        return Starlette(
            routes=routes,
            middleware=[
                Middleware(Guard, hosts=hosts, admits=lambda _: True),
                Middleware(Admission, sessions=self.sessions, cookie=self.cookie),
            ],
        )

    async def _ask(self, question: str, body: bytes) -> Told:
        self.relayed.append((question, body))
        self.desk.now_s = int(time.time())  # or a slow start would look like a clock that is wrong
        if self.away:
            raise AwayError("nobody answers at the authority's address")
        app = make_app(self.desk.authority, lambda _: "hall-b")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://authority") as client:
            answer = await client.post(question, content=body)
        return Told(answer.status_code, answer.content, float(self.desk.now_s))

    async def _hall(self, request: Request) -> Response:
        session = session_of(request)
        assert session is not None
        return HTMLResponse(f"<!doctype html><title>lanes</title><h1>lanes</h1><p>{session.certificate.officer}</p>")

    async def _look(self, request: Request) -> Response:
        challenge = self.challenger.issue(3, int(time.monotonic() * 1000))
        said = {"issued_ms": challenge.issued_ms, "nonce": challenge.nonce, "version": challenge.version}
        return JSONResponse({"gate": request.path_params["gate"], **said, **self.looks})

    async def _order(self, request: Request) -> Response:
        self.raw.append(await request.body())
        self.orders.append(read_order(self.raw[-1], PUBLIC))
        return JSONResponse({"outcome": "done", "detail": "", "state": "idle", "sealed": self.sealed})

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve while the block runs."""
        server = uvicorn.Server(uvicorn.Config(self.app, lifespan="off", log_config=None, access_log=False))
        with contextlib.closing(self._listener):
            serving = asyncio.ensure_future(server.serve(sockets=[self._listener]))
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield
            server.should_exit = True
            await serving
