"""`python -m pictures.officers_console`: the picture of the officers' console in docs/img, by Chromium: all lanes, and a decision."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from fakes.chromium import CHROMIUM, FLAGS
from fakes.console_pages import pages, seed
from officers_fakes.console_doubles import FakeGate, waits
from playwright.async_api import async_playwright

from hardware_sim.faces import Identity

IMG: Final = Path(__file__).parents[2] / "docs" / "img"
SIZE: Final = {"width": 1180, "height": 1240}
SCALE: Final = 0.6
GAP_PX: Final = 12
WIDTH_PX, HEIGHT_PX = 480, 600  # of a portrait, as it is sealed


async def main() -> None:
    """Make the picture."""
    gates = [FakeGate(f"north-{number}") for number in range(1, 9)]
    waiting = waits("c-31", "face_below_threshold", "document_check_failed", waiting_s=48.0, sealed_for=["anna"])
    gates[2].portraits = (*_faces("elena"), b"")
    gates[2].tell(waiting=[waiting], state="referred")
    gates[4].tell(notices=["person_inside"], state="referred")
    gates[5].tell(state="inspecting", running="c-32")
    gates[6].lose("says nothing")
    gates[7].tell(closed_by="ben")
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        async with pages(gates, Path(folder)) as running, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            page = await browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
            await seed(page, running.address)
            await page.wait_for_selector(".tile:nth-child(8)")
            shots = [await page.screenshot()]
            await page.click('[data-gate="north-3"] .decide')
            await page.wait_for_selector("#faces:visible")
            await page.click('[data-said="said same"]')
            await page.click('[data-action="admit"]')
            await page.keyboard.press("2")
            await page.evaluate("scrollTo(0, 0)")
            shots.append(await page.screenshot())
            await browser.close()
    _write(IMG / "officers-console.png", shots)


def _faces(name: str) -> tuple[bytes, bytes]:
    """A simulated traveller at the gate and on the chip, cut alike."""
    person = Identity(name)
    return _cut(person.frame(person.loop_length // 2)), _cut(person.portrait())


def _cut(picture: np.ndarray) -> bytes:
    height, width = picture.shape[:2]
    wide = min(width, height * WIDTH_PX // HEIGHT_PX)
    left = (width - wide) // 2
    _, cut = cv2.imencode(".jpg", cv2.resize(picture[:, left : left + wide], (WIDTH_PX, HEIGHT_PX)))
    return cut.tobytes()


def _write(path: Path, shots: list[bytes]) -> None:
    """The pictures beside one another."""
    found = [cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR) for shot in shots]
    small = [
        cv2.resize(one, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA) for one in found if one is not None
    ]
    gap = np.full((small[0].shape[0], GAP_PX, 3), 255, np.uint8)
    cv2.imwrite(str(path), np.hstack([small[0], gap, small[1]]), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    asyncio.run(main())
