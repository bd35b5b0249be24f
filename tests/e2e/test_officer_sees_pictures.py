"""A real lane, what its children seal, and an officer's browser in one run: the officer sees both faces and both lines, says who it is, and decides.

World, programs and console are the real ones, as the demo starts them; the officer's keys lie in the browser as a passkey's sign-in leaves them.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from pathlib import Path

import msgspec
import numpy as np
import pytest
from core_fakes import shifts
from fakes.chromium import CHROMIUM, FLAGS, NEEDED
from fakes.console_gates import until
from fakes.console_pages import seed
from fakes.whole_gate import running
from playwright.async_api import Page, async_playwright

from gate.passage.names import Disposition
from gate.passage.records import Settled, Viewed
from gate.picture import decode
from gate.programs.shared.consoles import known_fingerprint
from gate_core.command_line.key_files import read_authority
from gate_core.evidence.screen import Screen
from gate_demo import audit_review
from gate_demo.officers_console import console

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.faces,
    pytest.mark.long,
    NEEDED,
]

WAIT_MS = 60_000
RULES = {"rules": {"officer_presence_max_s": 120}}  # the page says once a minute that its officer is there
DRAWN = "(id) => document.getElementById(id).toDataURL('image/png').split(',')[1]"


async def drawn(page: Page, name: str) -> np.ndarray:
    """The picture that the browser has opened, and shows."""
    picture: np.ndarray = decode(b64decode(await page.evaluate(DRAWN, name))).astype(np.int16)
    return picture


async def looks_and_decides(page: Page) -> None:
    """What an officer does about whoever waits, who is somebody else than their passport says."""
    await page.click(".waits .decide:visible")
    await page.wait_for_selector("#faces:visible")
    live, chip = [await drawn(page, name) for name in ("live", "chip")]
    assert live.shape == chip.shape == (600, 480, 3)
    assert min(live.std(), chip.std()) > 20, "these are pictures of somebody"
    assert np.abs(live - chip).mean() > 5, "and of two"
    printed, stored = [(await page.inner_text(f"#mrz-{name}")).split() for name in ("printed", "chip")]
    assert printed == stored
    assert [len(line) for line in printed] == [44, 44]
    await page.click('[data-said="said not same"]')
    await page.wait_for_selector("#numbers li")
    await page.click("#actions >> text=Come with me")
    reason = page.locator(".why:visible label", has_text="not the person in the document")
    await page.keyboard.press(await reason.locator("kbd").inner_text())
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#answer[data-outcome=done]")
    assert await page.evaluate("document.getElementById('live').width") == 1  # nothing is left of the pictures


async def test_an_officer_sees_in_a_browser_what_a_lane_sealed_to_them_and_decides_by_it(short_path: Path) -> None:
    async with running(short_path, tables=RULES) as gate, async_playwright() as playwright:
        await gate.until(Screen.WELCOME)
        gate.officer.absent = True  # the robot at the lane rests
        await until(lambda: known_fingerprint(gate.stage.config))
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        async with console(gate.stage) as address:
            page = await browser.new_page()
            page.set_default_timeout(WAIT_MS)
            authority = read_authority(gate.stage.folder / "officers-authority.key")
            await seed(page, address.rstrip("/"), authority=authority, **shifts.today())
            await page.click("#presence-begin")
            await page.wait_for_selector("#presence-end:visible")
            visiting = asyncio.ensure_future(gate.visit("someone_elses_passport"))
            await looks_and_decides(page)
            visit = await visiting
        await browser.close()
        assert visit.passed == 0
        lines = (await asyncio.to_thread(audit_review.read, gate.stage, short_path / "so-far")).lines
        about = [one for one in lines if one.crossing in visit.crossings and one.body is not None]
        assert [one.kind for one in about].count(Viewed.kind.value) == 1
        (settled,) = (
            msgspec.convert({"crossing": one.crossing, **(one.body or {})}, Settled)
            for one in about
            if one.kind == Settled.kind.value
        )
        assert settled.disposition is Disposition.TAKEN_OVER
        assert settled.order.reason == "said not same; not the person in the document"
