"""`python -m pictures.travellers_notice`: the picture of the notice in docs/img, by Chromium: the first screen, and boards of `gate notices`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from fakes.chromium import CHROMIUM, FLAGS
from fakes.kiosk_page import Gate, choose, shown
from fakes.screens_peers import FakeLane, FakePreview, view
from playwright.async_api import Browser, async_playwright

from gate_core.evidence.screen import Screen

IMG: Final = Path(__file__).parents[2] / "docs" / "img"
LANGUAGES: Final = ("en", "fr", "ar", "zh-Hans", "de", "hi", "ru", "es")
NOTICE: Final = {
    "contact": "privacy@border.example",
    "address": "https://border.example/gates/north-7",
    "results_kept_days": 30,
}
WIDTH, HEIGHT = 1080, 1920
SHOWN, BOARDS = ("all", "ar"), ("fr", "hi")
BOARD: Final = (794, 1123)  # A4, as a browser counts millimetres
HEIGHT_PX, GAP_PX = 650, 10


async def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            shots = [*await _screens(browser, Path(folder)), *await _boards(browser, Path(folder))]
            await browser.close()
    small = [_framed(shot) for shot in shots]
    gap = np.full((small[0].shape[0], GAP_PX, 3), 255, np.uint8)
    row = [part for picture in small for part in (picture, gap)][:-1]
    cv2.imwrite(str(IMG / "traveller-notice.png"), np.hstack(row), [cv2.IMWRITE_PNG_COMPRESSION, 9])


async def _screens(browser: Browser, folder: Path) -> list[bytes]:
    """The first screen, in all languages and in one."""
    lane = FakeLane(folder / "portcullis-lane" / "lane.sock", first=view(Screen.WELCOME))
    vision = FakePreview(folder / "portcullis-vision" / "preview.sock", jpeg=b"")
    gate = Gate(folder, lane, vision, notice=NOTICE, languages=list(LANGUAGES))
    async with lane.run(), vision.run():
        await gate.start()
        try:
            page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
            await page.goto(gate.start_page)
            await shown(page, Screen.WELCOME)
            shots = []
            for language in SHOWN:
                await choose(page, language)
                await page.evaluate("document.activeElement.blur()")
                shots.append(await page.screenshot())
            return shots
        finally:
            await gate.kill()


async def _boards(browser: Browser, folder: Path) -> list[bytes]:
    """What the command makes of that gate's configuration."""
    command = ("-m", "gate.cli", "notices", "--config", str(folder / "gate.toml"), "--out", str(folder / "notices"))
    made = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    page = await browser.new_page(viewport={"width": BOARD[0], "height": BOARD[1]})
    shots = []
    for language in BOARDS:
        await page.goto((folder / "notices" / f"{language}.html").as_uri())
        shots.append(await page.screenshot())
    return shots


def _framed(png: bytes) -> np.ndarray:
    """As high as the others, in a thin frame: a board is as white as the guide."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    scale = HEIGHT_PX / picture.shape[0]
    small = cv2.resize(picture, (round(picture.shape[1] * scale), HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(160, 160, 160)).astype(np.uint8)


if __name__ == "__main__":
    asyncio.run(main())
