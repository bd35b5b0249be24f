"""Somebody who watches the tour in a browser, from its first scene to its last page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fakes.chromium import CHROMIUM, FLAGS
from playwright.async_api import Frame, Page, async_playwright
from rich.console import Console

from gate.cli.models import default_folder
from gate_demo.play import Play, Wishes
from gate_demo.report import Result
from gate_demo.tour.evidence_proof import Measured
from gate_demo.tour.guide import Guide
from gate_demo.tour.scenes import CAST

SIZE = (1280, 720)


async def watched(folder: Path, look: Callable[[Page], Awaitable[None]]) -> tuple[Result, Measured]:
    """Play the tour in `folder`, a short path, and have `look` do what whoever watches does; ends with the tour, however `look` fares."""
    start: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    guide = Guide(start.set_result, lambda _: None)
    wishes = Wishes(len(CAST), 1, None, "elyctis", default_folder(), "standard", None, cast=CAST)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})

        async def watch() -> None:
            await page.goto(await start)
            await look(page)

        watching = asyncio.ensure_future(watch())
        try:
            result = await Play(folder, wishes, Console(quiet=True), show=guide).run()
            await watching
        finally:
            watching.cancel()
            await browser.close()
    assert guide.measured is not None
    return result, guide.measured


async def frame(page: Page, name: str) -> Frame:
    """The page in one of the tour's two frames."""
    element = await page.query_selector(f"#{name}")
    found = None if element is None else await element.content_frame()
    assert found is not None
    return found


async def decide(page: Page, reads_s: float = 0.0) -> None:
    """Do what the third scene asks of whoever watches: compare, say it, choose, give a reason, send; before each, read for so long."""
    console = await frame(page, "console")
    await console.wait_for_selector("#faces:visible", timeout=60_000)
    for wanted in (
        console.locator('[data-said="said same"]'),
        console.locator("#actions >> text=Come with me"),
        console.locator(".why:visible label", has_text="document doubted"),
        console.locator("#send"),
    ):
        await asyncio.sleep(reads_s)
        await wanted.click()
    await console.wait_for_selector("#answer[data-outcome=done]")


async def until_scene(page: Page, number: int, limit_ms: float = 120_000) -> None:
    """Wait for a scene."""
    await page.wait_for_selector(f'html[data-scene="{number}"]', timeout=limit_ms)
