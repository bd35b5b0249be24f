"""`/metrics`, `/readyz` and `/healthz` over HTTP. Refuses requests by host name, so that no web page can reach them."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gate.programs.screens.metrics import CONTENT_TYPE, exposition
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.degraded_modes import reasons_against
from gate.programs.shared.program_status import ProgramStatus

FRESH_S: Final = 1.0


class Watched:
    """The programs' status, at most FRESH_S old. `hear` requests it from all."""

    def __init__(self, config: Config, hear: Callable[[Config], Awaitable[ProgramStatus]]) -> None:
        self._config = config
        self._hear = hear
        self._turn = asyncio.Lock()
        self._heard: tuple[float, ProgramStatus] | None = None
        self._version = version("portcullis")

    async def told(self) -> ProgramStatus:
        """Return the status, at most FRESH_S old."""
        async with self._turn:
            now_s = loop_s()
            if self._heard is None or now_s - self._heard[0] >= FRESH_S:
                self._heard = (now_s, await self._hear(self._config))
            return self._heard[1]

    async def metrics(self, _: Request) -> Response:
        """Answer with all metrics."""
        text = exposition(await self.told(), self._config, version=self._version)
        return Response(text, media_type=CONTENT_TYPE)

    async def readyz(self, _: Request) -> Response:
        """Answer whether a traveller could pass, with the reasons if not."""
        against = reasons_against(await self.told(), self._config)
        return JSONResponse({"ready": not against, "reasons": against}, status_code=503 if against else 200)

    def routes(self) -> list[Route]:
        """Return the routes for the page's port, which has `/healthz` itself."""
        return [Route("/metrics", self.metrics), Route("/readyz", self.readyz)]


def management_app(watched: Watched) -> Starlette:
    """Return the application for the management address."""

    def only_by_address(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            if not _is_an_address(request.url.hostname or ""):
                return PlainTextResponse("ask by the IP address\n", status_code=421)
            return await answer(request)

        return answered

    async def healthz(_: Request) -> Response:
        return JSONResponse({"ok": True})

    asked = {"/metrics": watched.metrics, "/readyz": watched.readyz, "/healthz": healthz}
    return Starlette(routes=[Route(path, only_by_address(answer)) for path, answer in asked.items()])


def _is_an_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
