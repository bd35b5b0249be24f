"""`python -m pictures.travellers_page`: the pictures of the traveller's page and of its drawings in docs/img, by Chromium."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from fakes.chromium import CHROMIUM, FLAGS
from fakes.kiosk_page import Gate, choose, shown
from fakes.screens_peers import FakeLane, FakePreview, view
from playwright.async_api import Browser, async_playwright

import gate.screens.kiosk
from gate_core.evidence.screen import Guidance, Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.channel.screen_messages import View

IMG: Final = Path(__file__).parents[2] / "docs" / "img"
KIOSK: Final = Path(gate.screens.kiosk.__file__).parent
LANGUAGES: Final = ("en", "fr", "ar")
WIDTH, HEIGHT, SCALE = 1080, 1920, 0.42
GAP_PX: Final = 16
SCREENS: Final = (
    (view(Screen.WELCOME), "all"),
    (view(Screen.LOOK, Guidance.COME_CLOSER, progress=3), "fr"),
    (view(Screen.LOOK, progress=7), "ar"),
    (view(Screen.GO), "all"),
    (view(Screen.OFFICER), "all"),
)
SHEET: Final = """<!doctype html><html data-tone="calm" data-camera="above"><meta charset="utf-8"><style>{css}
body {{ display: flex !important; flex-wrap: wrap; block-size: auto; inline-size: 1520px; gap: 12px; padding: 16px; background: var(--panel) }}
figure {{ inline-size: 240px; font: 20px "Noto Sans" }}
span {{ display: inline-block }} svg {{ inline-size: 100%; block-size: 100% }}
.big {{ inline-size: 150px; block-size: 150px; margin-inline-end: 12px }} .small {{ inline-size: 64px; block-size: 64px }}
</style><body>{cells}"""


async def main() -> None:
    """Make both pictures."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        await _sheet(browser)
        with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
            await _screens(browser, Path(folder), SCREENS)
        await browser.close()


async def _sheet(browser: Browser) -> None:
    """Every drawing as large as it is looked at here, and at 64 pixels."""
    drawings = [
        *sorted((KIOSK / "templates" / "pictograms").glob("*.svg")),
        *(KIOSK / "templates" / "signs" / f"{name}.svg" for name in ("booklet", "larger", "camera-arrow")),
    ]
    cells = "".join(
        f'<figure><span class="big">{svg}</span><span class="small">{svg}</span><figcaption>{name}</figcaption></figure>'
        for name, svg in ((drawing.stem, drawing.read_text()) for drawing in drawings)
    )
    page = await browser.new_page(viewport={"width": 1520, "height": 400}, reduced_motion="reduce")
    await page.set_content(SHEET.format(css=(KIOSK / "static" / "page.css").read_text(), cells=cells))
    await page.screenshot(path=IMG / "pictograms.png", full_page=True)
    await page.close()


async def _screens(browser: Browser, folder: Path, screens: Sequence[tuple[View, str]]) -> None:
    lane = FakeLane(folder / "portcullis-lane" / "lane.sock", first=view(Screen.WELCOME))
    vision = FakePreview(folder / "portcullis-vision" / "preview.sock", jpeg=_somebody())
    gate = Gate(folder, lane, vision, languages=list(LANGUAGES))
    async with lane.run(), vision.run():
        await gate.start()
        try:
            page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
            await page.goto(gate.start_page)
            taken = []
            for state, language in screens:
                await lane.show(state)
                await shown(page, state.screen)
                if state.screen is Screen.LOOK:
                    await page.wait_for_selector("html[data-mirror]")
                await choose(page, language)
                await page.evaluate("document.activeElement.blur()")
                await asyncio.sleep(0.6)  # the oval is on its way
                taken.append(_small(await page.screenshot()))
                await choose(page, "all")
        finally:
            await gate.kill()
    gap = np.full((taken[0].shape[0], GAP_PX, 3), 255, np.uint8)
    row = [part for picture in taken for part in (picture, gap)][:-1]
    cv2.imwrite(str(IMG / "travellers-page.png"), np.hstack(row), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _small(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _somebody() -> bytes:
    """Nobody's picture: a drawn head before a wall."""
    picture = np.full((480, 640, 3), (150, 140, 120), np.uint8)
    cv2.ellipse(picture, (320, 470), (190, 140), 0, 180, 360, (90, 70, 60), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (320, 218), (82, 104), 0, 180, 360, (50, 60, 80), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (320, 230), (70, 92), 0, 0, 360, (150, 180, 220), -1, cv2.LINE_AA)
    for x in (295, 345):
        cv2.circle(picture, (x, 218), 7, (40, 40, 40), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (320, 268), (24, 10), 0, 20, 160, (80, 80, 150), 4, cv2.LINE_AA)
    return cv2.imencode(".jpg", picture)[1].tobytes()


if __name__ == "__main__":
    asyncio.run(main())
