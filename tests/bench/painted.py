"""From the lane's word to the traveller's page as painted, in Chromium, with the camera's picture beside it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from fakes.chromium import CHROMIUM, FLAGS
from fakes.kiosk_page import Gate, shown
from fakes.screens_peers import FakeLane, FakePreview, view
from playwright.async_api import async_playwright

from bench.rows import Bench, Row
from gate_core.evidence.screen import Guidance, Screen

CHANGES = 200
EVERY_S = 0.12
FRAMES_PER_SECOND = 15
SIZE = {"width": 1080, "height": 1920}
# Painted is the first task after the frame in which the page has changed.
WATCH = """() => {
  window.painted = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => window.painted.push(performance.timeOrigin + performance.now());
  new MutationObserver(() => requestAnimationFrame(() => channel.port2.postMessage(0)))
    .observe(document.documentElement, {attributes: true, attributeFilter: ["data-guide"]});
}"""


def painted_p95(bench: Bench) -> Row | None:  # noqa: ARG001 - its length is fixed
    """Of 200 changes of the guidance, at 15 pictures a second."""
    return _row("page_painted_p95", 0.95)


def painted_p50(bench: Bench) -> Row | None:  # noqa: ARG001
    """The same, in the middle."""
    return _row("page_painted_p50", 0.50)


def _row(name: str, quantile: float) -> Row | None:
    if not CHROMIUM.exists():
        return None
    took_ms = _took_ms()
    return Row(name=name, ours=took_ms[int(quantile * len(took_ms))], unit="ms")


@functools.cache
def _took_ms() -> list[float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[float]:
    lane = FakeLane(folder / "portcullis-lane" / "lane.sock", first=view(Screen.WELCOME))
    vision = FakePreview(folder / "portcullis-vision" / "preview.sock", jpeg=_picture(), every_s=1 / FRAMES_PER_SECOND)
    gate = Gate(folder, lane, vision)
    async with lane.run(), vision.run(), async_playwright() as playwright:
        await gate.start()
        try:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            page = await browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
            await page.goto(gate.start_page)
            await shown(page, Screen.WELCOME)
            await lane.show(view(Screen.LOOK))
            await page.wait_for_selector("html[data-mirror]")
            await page.evaluate(WATCH)
            said_ms = []
            for guidance in itertools.islice(itertools.cycle((Guidance.COME_CLOSER, Guidance.HOLD_STILL)), CHANGES):
                said_ms.append(time.time() * 1000)
                await lane.show(view(Screen.LOOK, guidance))
                await asyncio.sleep(EVERY_S)
            painted_ms = await page.evaluate("window.painted")
            await browser.close()
        finally:
            await gate.kill()
    if len(painted_ms) != len(said_ms):
        raise RuntimeError(f"{len(painted_ms)} of {len(said_ms)} changes were painted one by one")
    return sorted(painted - said for said, painted in zip(said_ms, painted_ms, strict=True))


def _picture() -> bytes:
    """Noise, which compresses worst: as large a picture as the preview sends."""
    pixels = np.random.default_rng(14).integers(0, 256, (480, 640, 3), np.uint8)
    _, jpeg = cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (5, 5), 0), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return jpeg.tobytes()
