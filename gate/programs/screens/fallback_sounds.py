"""Monitors the traveller's page: plays its sounds with `aplay` while no page is open, and fetches it from our port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from gate.programs.children.child_handle import kill
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.fault_latch import FaultLatch
from gate.screens.kiosk.cues import Cue, cue_of, waveform
from gate_core.evidence.screen import Screen

LOOK_S: Final = 0.25
DEAD_S: Final = 3.0  # without a page: enough for a browser to reload
AGAIN_S: Final = 3.0
PLAY_S: Final = 5.0
PLAYER: Final = "aplay"

Play = Callable[[bytes], Awaitable[None]]
log = logging.getLogger("gate.screens")


class Sounding:
    """Plays the page's sounds. `has_page`: True if one is open. `screen`: its screen. `play` raises OSError."""

    def __init__(self, *, has_page: Callable[[], bool], screen: Callable[[], Screen], play: Play, volume: int) -> None:
        self._has_page = has_page
        self._screen = screen
        self._play = play
        self._volume = volume
        self._trouble = FaultLatch(log, begins="sound_lost", ends="sound_back", each=False)

    async def run(self) -> NoReturn:
        """Monitor until cancelled."""
        loop = asyncio.get_running_loop()
        with_page_s, played_s, last = loop.time(), 0.0, None
        while True:
            await asyncio.sleep(LOOK_S)
            if self._has_page():
                with_page_s, last = loop.time(), None
                continue
            cue = cue_of(self._screen())
            again = cue is not None and cue.loops and loop.time() - played_s >= AGAIN_S
            if loop.time() - with_page_s < DEAD_S or (cue is last and not again):
                continue
            last, played_s = cue, loop.time()
            if cue is not None:
                await self._sound(cue)

    async def _sound(self, cue: Cue) -> None:
        try:
            await self._play(waveform(cue, self._volume))
        except OSError as error:
            self._trouble.is_now(error)
        else:
            self._trouble.is_now("")


def player(device: str, command: str = PLAYER) -> Play:
    """Return a function that plays a WAV file on this card. It raises OSError."""

    async def play(sound: bytes) -> None:
        process = await asyncio.create_subprocess_exec(
            command, "-q", "-D", device, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(PLAY_S):
                await process.communicate(sound)
        except TimeoutError as error:
            raise OSError(f"{command} did not end within {PLAY_S:g} s") from error
        finally:
            await kill(process)
        if process.returncode:
            raise OSError(f"{command} ended with {process.returncode}")

    return play


EVERY_S: Final = 2.0
FETCH_S: Final = 1.5
PAGE_BYTES_MAX: Final = 1024 * 1024
ABLE_MAX_S: Final = 8.0
ALIVE_MAX_S: Final = 20.0


class OwnPage:
    """Fetches the page at `host` and `port`. `cookie`: authorises the request to our own server."""

    def __init__(self, host: str, port: int, *, cookie: str, boot: str) -> None:
        self._host = host
        self._port = port
        name = f"[{host}]" if ":" in host else host
        self._request = (
            f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
        )
        self._mark = f'data-boot="{boot}"'.encode()
        self._begun_s = loop_s()
        self._seen_s: float | None = None

    async def run(self) -> None:
        """Fetch the page until cancelled."""
        while True:
            if await self._came():
                self._seen_s = loop_s()
            await asyncio.sleep(EVERY_S)

    @property
    def is_shown(self) -> bool:
        """True if it was served recently."""
        return self._seen_s is not None and loop_s() - self._seen_s <= ABLE_MAX_S

    @property
    def is_alive(self) -> bool:
        """False if it has not been served for long."""
        return loop_s() - (self._begun_s if self._seen_s is None else self._seen_s) <= ALIVE_MAX_S

    async def _came(self) -> bool:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(FETCH_S):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=PAGE_BYTES_MAX)
                try:
                    writer.write(self._request)
                    page = await _all(reader)
                finally:
                    writer.transport.abort()
            return page.startswith(b"HTTP/1.1 200 ") and self._mark in page
        return False


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Read until the end, or until it is too long for the page."""
    page = b""
    while len(page) <= PAGE_BYTES_MAX and (piece := await reader.read(64 * 1024)):
        page += piece
    return page
