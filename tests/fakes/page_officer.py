"""An officer who knows of a gate what the console's page says, and nothing else: reads its words, decides, and gives a reason by its number.

They sign in with a terminal's key file, which shows no pictures. What they go by is in `judged`: words of the page, and the reason they lead to. Where
none of the page's reasons fits, their shift book has the page's own word for why it called.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fakes.chromium import CHROMIUM, FLAGS
from playwright.async_api import Error, Page, async_playwright

WAIT_MS: Final = 20_000
VANISHED_MS: Final = 3_000  # what is not there by then is over
LOOK_EVERY_S: Final = 0.2
NOBODY_PRESENT: Final = "Nobody is present"
SHIFT_BOOK: Final = "another reason, in the shift book"
NOT_COMPARED: Final = "could not be compared here"
# The page's words for why it called, or for how good the pictures were; the first that stands there decides, before the rest is looked at.
ASKED: Final = {
    "The traveller asked for help or protection": "child, or somebody to be protected",
    "The traveller asked for an officer": "unwell, or needs help",
    "A list or register speaks of this document": "list hit or instruction",
    "An officer sees whoever is under eighteen": "child, or somebody to be protected",  # the site's written rule, as the page has it
}
ATTACKED: Final = (
    "The video repeats itself",
    "The video does not obey the camera",
    "Perhaps a picture, mask or screen",
)
OTHERS: Final = ("Perhaps another person stands there now", "The document was laid again in the middle")
DOUBTED: Final = ("says neither yes nor no", "signature is weak")
NO_DOUBT: Final = ("The page was read whole", "Printed portrait and traveller")  # says nothing against the document
UNSEEN: Final = ("No face was seen", "Several faces were seen", "The camera was covered", "was broken off")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decision's page says: why the gate called, the machine's numbers of the face and what was wrong with the pictures, and its checks."""

    reasons: list[str]
    numbers: list[str]
    quality: list[str]
    checks: list[str]


def judged(seen: Seen) -> str:
    """Why this officer takes the traveller along, in words that stand beside a number."""

    def says(lines: list[str], *words: str) -> bool:
        return any(all(word in line for word in words) for line in lines)

    def says_one_of(lines: list[str], several: tuple[str, ...]) -> bool:
        return any(says(lines, words) for words in several)

    for words, reason in ASKED.items():
        if says(seen.reasons, words):
            return reason
    if says(seen.reasons, "Nothing of the document could be read"):
        return NOT_COMPARED
    failed = [line for line in seen.checks if "FAILED" in line and not says_one_of([line], NO_DOUBT)]
    if failed or says_one_of(seen.reasons, DOUBTED):
        return "document doubted"
    if says_one_of([*seen.reasons, *seen.quality], ATTACKED) or says(
        seen.numbers, "A living person", "below the bound"
    ):
        return "attack on the camera suspected"
    if says_one_of(seen.reasons, OTHERS) or says(seen.numbers, "Alike", "below the threshold"):
        return "not the person in the document"
    return NOT_COMPARED if says_one_of([*seen.reasons, *seen.quality], UNSEEN) else SHIFT_BOOK


@dataclass(slots=True)
class PageOfficer:
    """See the module. `settled` are the reasons that they gave, `seen` what they read of each crossing that they settled."""

    page: Page
    address: str
    settled: list[str] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)

    async def sign_in(self, key: Path) -> None:
        """Show them the lanes. They are not counted as present yet."""
        await self.page.goto(f"{self.address}sign-in")
        await self.page.wait_for_selector("html[data-ready]", state="attached")
        await self.page.set_input_files("#file", key)
        await self.page.wait_for_url(self.address)

    async def work(self) -> None:
        """Go wherever the page calls them and settle whoever waits, until cancelled. What vanishes under their hands is over, or calls again."""
        while True:
            for shown, do in ((".calls .call:visible", self._go_there), (".waits .decide:visible", self._decide)):
                if await self.page.locator(shown).count():
                    with contextlib.suppress(Error):
                        await do()
                    await self._home()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _decide(self) -> None:
        page = self.page
        await page.click(".waits .decide:visible", timeout=VANISHED_MS)
        crossing = await page.get_attribute("#decision", "data-crossing")
        assert crossing is not None
        await page.click("text=I cannot compare", timeout=VANISHED_MS)
        await page.wait_for_selector("#actions:visible", timeout=VANISHED_MS)
        seen = Seen(
            await page.locator("#reasons li").all_inner_texts(),
            await page.locator("#numbers li").all_inner_texts(),
            await page.locator("#quality li").all_inner_texts(),
            await page.locator("#decision table tbody tr").all_text_contents(),
        )
        reason = judged(seen)
        await page.click("#actions >> text=Come with me", timeout=VANISHED_MS)
        shown = page.locator(".why:visible label", has_text=reason)
        await page.keyboard.press(await shown.locator("kbd").inner_text())
        await page.keyboard.press("Enter")
        answer = await page.wait_for_selector("#answer[data-outcome]", timeout=WAIT_MS)
        assert answer is not None
        if await answer.get_attribute("data-outcome") == "done":
            self.settled.append(reason)
            self.seen[crossing] = seen

    async def _go_there(self) -> None:
        """Say that they go, and order at the lane what the page says to what calls: again and again until it calls no more."""
        page = self.page
        calls = await page.locator(".calls .call:visible .words").all_inner_texts()
        for button in await page.locator(".calls .go:visible").all():
            await button.click(timeout=VANISHED_MS)
        if any(NOBODY_PRESENT in words for words in calls):
            if await page.locator("#presence-begin:visible").count():
                await page.click("#presence-begin")
            await page.wait_for_selector(".tile .nobody", state="hidden", timeout=WAIT_MS)
        others = [words for words in calls if NOBODY_PRESENT not in words]
        for verb in {"end-emergency" if words == "Emergency" else "acknowledge" for words in others}:
            await page.click(".tile .gate", timeout=VANISHED_MS)
            await page.click(f"[data-verb={verb}]", timeout=VANISHED_MS)
            await page.fill("#confirm-reason", "looked at the lane")
            await page.click("#confirm-yes")
            await page.wait_for_selector("#answer[data-outcome]", timeout=WAIT_MS)
            await self._home()

    async def _home(self) -> None:
        await self.page.goto(self.address)
        await self.page.wait_for_selector(".tile", timeout=WAIT_MS)


@contextlib.asynccontextmanager
async def on_duty(address: str, key: Path) -> AsyncIterator[PageOfficer]:
    """An officer at the console's pages in a browser of their own; whatever stops them fails the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        officer = PageOfficer(await browser.new_page(), address)
        officer.page.set_default_timeout(WAIT_MS)
        await officer.sign_in(key)
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
