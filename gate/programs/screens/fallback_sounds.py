"""The page's sounds while no page is open: a dead browser must not leave a traveller without a word.

Played by `aplay` on a sound card that the configuration names, each cue once, the alarm again and again. Promises: nothing is played while a page
is open, which plays its own; a card or player that fails costs the sound and nothing else, and is told of once. What it cannot know: a technician's page
counts as a page, and whether anybody hears it.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from gate.programs.children.child_handle import kill
from gate.programs.shared.fault_latch import FaultLatch
from gate.screens.kiosk.cues import Cue, cue_of, waveform
from gate_core.evidence.screen import Screen

LOOK_S: Final = 0.25
DEAD_S: Final = 3.0  # without a page: a browser that reloads is back by then
AGAIN_S: Final = 3.0
PLAY_S: Final = 5.0
PLAYER: Final = "aplay"

Play = Callable[[bytes], Awaitable[None]]
log = logging.getLogger("gate.screens")


class Sounding:
    """Plays what the page would. `has_page` says whether one is open, `screen` what it would show; `play` raises OSError."""

    def __init__(self, *, has_page: Callable[[], bool], screen: Callable[[], Screen], play: Play, volume: int) -> None:
        self._has_page = has_page
        self._screen = screen
        self._play = play
        self._volume = volume
        self._trouble = FaultLatch(log, begins="sound_lost", ends="sound_back", each=False)

    async def run(self) -> NoReturn:
        """Watch for ever."""
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
    """Plays a WAV file on this card. What it raises is an OSError."""

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
