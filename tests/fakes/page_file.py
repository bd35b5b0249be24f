"""A page that lies in a file, opened in a real browser: it must fit, say nothing and ask for nothing but itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fakes.chromium import CHROMIUM
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page


@contextlib.asynccontextmanager
async def standing_alone(page_file: Path, width: int) -> AsyncIterator[Page]:
    """The page in a window of so many pixels. At the end nothing was complained of, and nothing asked for from elsewhere."""
    said: list[str] = []
    asked: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(page_file.as_uri())
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        yield page
        await browser.close()
    assert said == []
    assert asked == [page_file.as_uri()]
