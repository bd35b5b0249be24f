"""The tour's pages on loopback: its own, and through relays the traveller's and the officers', which stand in its frames."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gate.programs.screens.kiosk_start import page_with_secret, prepare, start_page
from gate.screens.kiosk.key import Key
from gate_core.http_server.https import listen
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_demo.officers_console import Pages
from gate_demo.stage import GATE_ID, free_port
from gate_demo.tour.app import ASIDE, Shown, create_app
from gate_demo.tour.desk import Desk
from gate_demo.tour.relay import HOST, Relay, Server

if TYPE_CHECKING:
    from gate_demo.stage import Stage


class Hosting:
    """Where the three pages are. All of them are on `localhost`: then they are one site to a browser, and cookies go with the frames.

    `console` is where the console must serve its pages, and under which origin.
    """

    def __init__(self) -> None:
        self._port, self._traveller_port, relay_port = free_port(), free_port(), free_port()
        self._origin = f"http://localhost:{self._port}"
        self.console = Pages(free_port(), f"http://localhost:{relay_port}")
        self._relay_port = relay_port

    def traveller(self, stage: Stage) -> str:
        """The address of the traveller's page for the frame, with its secret. Raises OSError."""
        return page_with_secret(stage.config.runtime("screens"), f"http://localhost:{self._traveller_port}/")

    @contextlib.asynccontextmanager
    async def serving(self, stage: Stage, shown: Shown) -> AsyncIterator[str]:
        """Serve during the block; gives the start page, which has the secret of the tour's page. Raises OSError."""
        runtime = stage.folder / "tour"
        key = Key(prepare(runtime, f"{self._origin}/"), port=self._port)
        called = f"localhost:{self._relay_port}"
        app = create_app(
            shown,
            key=key,
            desk=Desk(stage.authority, GATE_ID),
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
