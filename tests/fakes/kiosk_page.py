"""The screens program as a process of its own, for a browser to look at: a lane and a camera that say what a script says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from gate.programs.screens.kiosk_start import start_page
from gate_core.evidence.screen import Screen

if TYPE_CHECKING:
    from fakes.screens_peers import FakeLane, FakePreview
    from playwright.async_api import Page

WAIT_S = 10

START = """
import asyncio, pathlib, sys
from gate.programs.shared.config import load
from gate.programs.screens.program import run
asyncio.run(run(load(pathlib.Path(sys.argv[1])), stop=asyncio.Event()))
"""


class Gate:
    """The screens program as a process, with these settings of `screens` and of the `notice`, and its lane and vision as fakes here."""

    def __init__(
        self,
        folder: Path,
        lane: FakeLane,
        vision: FakePreview,
        *,
        notice: dict[str, Any] | None = None,
        **screens: Any,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start_page = start_page(folder / "portcullis-screens").as_uri()
        self._secret_path = start_page(folder / "portcullis-screens").with_name("secret")
        self.lane = lane
        self.vision = vision
        self._file = folder / "gate.toml"
        self._file.write_text(
            tomli_w.dumps(
                {
                    "purpose": "demo",
                    "gate_id": "north-7",
                    "operator": "border.example",
                    "paths": {"run": str(folder)},
                    "barrier": {"port": "none"},
                    "swipe": {"port": "nothing"},
                    "camera": {"address": "http://127.0.0.1:9/"},
                    "audit": {"recipients": ["none"]},
                    "screens": {"port": self.port, **screens},
                    **({} if notice is None else {"notice": notice}),
                }
            )
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def secret(self) -> str:
        """The secret of the boot."""
        return self._secret_path.read_text()

    async def start(self) -> None:
        """Start the program; returns when it answers."""
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, str(self._file))
        async with asyncio.timeout(WAIT_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End the program as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def shown(page: Page, screen: Screen | str) -> None:
    """Wait for a screen. The page's policy forbids eval, which `wait_for_function` needs."""
    name = screen.value if isinstance(screen, Screen) else screen
    await page.wait_for_selector(f'html[data-screen="{name}"]')


async def choose(page: Page, language: str) -> None:
    """Press the language's button, or the one that is down for all of them."""
    now = await page.get_attribute("html", "data-language")
    if now != language:
        await page.click(f'[data-choose="{now if language == "all" else language}"]')
        await page.wait_for_selector(f'html[data-language="{language}"]')
