"""An officer who knows of a traveller what the console's page says, and nothing else: reads its words, decides, and gives a reason by its number.

They sign in with a terminal's key file, which shows no pictures. What they go by is in `judged`: words of the page, and the reason they lead to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from fakes.kiosk_page import CHROMIUM, FLAGS
from playwright.async_api import Page, async_playwright

WAIT_MS = 20_000
LOOK_EVERY_S = 0.2
LOOKS_S = 3.0  # a person looks that long; a traveller is told of the officer two and a half seconds after the decision


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decision's page says: why the gate called, the machine's numbers of the face, and the rows of its checks."""

    reasons: list[str]
    numbers: list[str]
    checks: list[str]


def judged(seen: Seen) -> str:
    """Why this officer takes the traveller along, in words that stand beside a number."""

    def says(lines: list[str], *words: str) -> bool:
        return any(all(word in line for word in words) for line in lines)

    if says(seen.reasons, "The traveller asked for"):
        return "unwell, or needs help"
    if says(seen.checks, "FAILED"):
        return "document doubted"
    if says(seen.numbers, "A living person", "below the bound") or says(seen.reasons, "living person", "Nobody looked"):
        return "attack on the camera suspected"
    if says(seen.numbers, "Alike", "below the threshold"):
        return "not the person in the document"
    return "another reason, in the shift book"


@dataclass(slots=True)
class PageOfficer:
    """See the module. `settled` are the reasons that they gave."""

    page: Page
    address: str
    settled: list[str] = field(default_factory=list)

    async def begin(self, key: Path) -> None:
        """Sign in, and be counted as present."""
        await self.page.goto(f"{self.address}sign-in")
        await self.page.wait_for_selector("html[data-ready]", state="attached")
        await self.page.set_input_files("#file", key)
        await self.page.wait_for_url(self.address)
        await self.page.click("#presence-begin")
        await self.page.wait_for_selector("#presence-end:visible")

    async def work(self) -> None:
        """Settle whatever needs somebody, until cancelled."""
        while True:
            if await self.page.locator(".waits .decide:visible").count():
                await self._decide()
            elif await self.page.locator(".calls .call:visible").count():
                await self._go_there()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _decide(self) -> None:
        page = self.page
        await page.click(".waits .decide:visible")
        await page.wait_for_selector("#decision")
        await asyncio.sleep(LOOKS_S)
        await page.click("text=I cannot compare")
        await page.wait_for_selector("#actions:visible")
        reason = judged(
            Seen(
                await page.locator("#reasons li").all_inner_texts(),
                await page.locator("#numbers li").all_inner_texts(),
                await page.locator("#decision table tbody tr").all_text_contents(),
            )
        )
        await page.click("#actions >> text=Come with me")
        shown = page.locator(".why:visible label", has_text=reason)
        await page.keyboard.press(await shown.locator("kbd").inner_text())
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#answer[data-outcome=done]")
        self.settled.append(reason)
        await self._home()

    async def _go_there(self) -> None:
        """Say that they go, and acknowledge what calls: again and again until it calls no more."""
        page = self.page
        for button in await page.locator(".calls .go:visible").all():
            await button.click()
        await page.click(".tile .gate")
        await page.click("[data-verb=acknowledge]")
        await page.fill("#confirm-reason", "looked at the lane")
        await page.click("#confirm-yes")
        await page.wait_for_selector("#answer[data-outcome]")
        await self._home()

    async def _home(self) -> None:
        await self.page.click("header nav a >> nth=0")
        await self.page.wait_for_selector(".tile")


@contextlib.asynccontextmanager
async def on_duty(address: str, key: Path) -> AsyncIterator[PageOfficer]:
    """An officer at the console's pages in a browser of their own; whatever stops them fails the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        officer = PageOfficer(await browser.new_page(), address)
        officer.page.set_default_timeout(WAIT_MS)
        await officer.begin(key)
        working = asyncio.ensure_future(officer.work())
        try:
            yield officer
        finally:
            was_well = not working.done()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await browser.close()
        if not was_well:
            working.result()
