"""Sounds while no page is open: each cue once, the alarm again and again, and a card that fails costs nothing else."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from gate.programs.screens.fallback_sounds import AGAIN_S, DEAD_S, Sounding, player
from gate.screens.kiosk.cues import CUES, waveform
from gate_contract.virtual_time import in_virtual_time
from gate_core.evidence.screen import Screen

VOLUME = 30
NAMES = {waveform(cue, VOLUME): cue.name for cue in CUES}


class Card:
    """A sound card, and a page that may be open."""

    def __init__(self) -> None:
        self.played: list[str] = []
        self.has_page = True
        self.screen = Screen.WELCOME
        self.fails = False
        sounding = Sounding(has_page=lambda: self.has_page, screen=lambda: self.screen, play=self._play, volume=VOLUME)
        self._task = asyncio.ensure_future(sounding.run())

    async def _play(self, sound: bytes) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise OSError("no card")
        self.played.append(NAMES[sound])

    async def show(self, *screens: Screen, for_s: float = 1.0) -> None:
        for self.screen in screens:
            await asyncio.sleep(for_s)
        assert not self._task.done()

    async def end(self) -> list[str]:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return self.played


@in_virtual_time
async def test_nothing_is_played_while_a_page_is_open_or_has_just_gone() -> None:
    card = Card()
    await card.show(*Screen)
    card.has_page = False
    await card.show(Screen.WELCOME, for_s=DEAD_S - 0.5)
    assert await card.end() == []


@in_virtual_time
async def test_without_a_page_each_screen_is_said_once() -> None:
    card = Card()
    card.has_page = False
    await card.show(Screen.OFFICER, for_s=DEAD_S + 10)
    await card.show(
        Screen.WELCOME, Screen.LOOK, Screen.WAIT, Screen.GO, Screen.WELCOME, Screen.CLOSED, Screen.OTHER_LANE
    )
    assert await card.end() == ["officer", "lay", "look", "go", "lay", "officer"]


@in_virtual_time
async def test_the_alarm_is_said_again_until_it_is_over() -> None:
    card = Card()
    card.has_page = False
    await card.show(Screen.EMERGENCY, for_s=DEAD_S + 2.5 * AGAIN_S)
    await card.show(Screen.WELCOME)
    assert await card.end() == ["alarm"] * 3 + ["lay"]


@in_virtual_time
async def test_a_page_that_comes_back_speaks_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    card = Card()
    card.has_page, card.fails = False, True
    await card.show(Screen.WELCOME, Screen.LOOK, for_s=2 * DEAD_S)
    card.fails = False
    await card.show(Screen.GO)
    card.has_page = True
    await card.show(Screen.WELCOME, Screen.LOOK)
    assert await card.end() == ["go"]
    assert [record.message for record in caplog.records] == ["sound_lost", "sound_back"]


def script(folder: Path, lines: str) -> str:
    path = folder / "player"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_the_player_gets_the_card_and_the_sound(tmp_path: Path) -> None:
    command = script(tmp_path, f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/sound')
    await player("hw:1,0", command)(b"RIFF and so on")
    assert (tmp_path / "arguments").read_text() == "-q -D hw:1,0\n"
    assert (tmp_path / "sound").read_bytes() == b"RIFF and so on"


async def test_a_player_that_is_not_there_or_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await player("default", str(tmp_path / "none"))(b"RIFF")
    with pytest.raises(OSError, match="ended with 3"):
        await player("default", script(tmp_path, "cat > /dev/null; exit 3"))(b"RIFF")
