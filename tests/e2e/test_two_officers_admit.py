"""A real lane whose rules want two officers, and two officers' browsers: one alone admits nobody, nor does a second name with the first one's key.

World, programs and console are the real ones, as the demo starts them; the officers' keys lie in their browsers as a passkey's sign-in leaves them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from core_fakes import shifts
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fakes.chromium import CHROMIUM, FLAGS, NEEDED
from fakes.console_gates import until
from fakes.console_pages import seed
from fakes.whole_gate import Gate, running
from officers_fakes.console_doubles import SEALING
from playwright.async_api import Browser, Page, async_playwright

from gate.channel.errors import ChannelError
from gate.channel.order_messages import Waiting
from gate.passage.records import Overruled, WouldAdmit
from gate.programs.shared.consoles import known_fingerprint
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_authority
from gate_core.evidence.reasons import Reason
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
RULES = {"rules": {"officer_presence_max_s": 120, "two_officers_for": ["face_below_threshold"]}}
OFFICERS = {"anna": (7, SEALING), "zoe": (9, SEALING), "ben": (8, X25519PrivateKey.from_private_bytes(bytes(32)))}


async def signed_in(browser: Browser, address: str, authority: Path, name: str) -> Page:
    """An officer's browser; they are present."""
    number, sealing = OFFICERS[name]
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(WAIT_MS)
    signer = read_authority(authority)
    about = {"officer": name, **shifts.today()}
    await seed(page, address.rstrip("/"), number=number, authority=signer, sealing=sealing, **about)
    await page.click("#presence-begin")
    await page.wait_for_selector("#presence-end:visible")
    return page


async def opened(page: Page, address: str) -> None:
    """The page of whoever waits, as far as anything can be shown there."""
    await page.goto(address)
    await page.click(".waits .decide:visible")
    await page.wait_for_selector("#look-state:not([aria-busy])")


async def ordered(page: Page, action: str = "admit", said: str = "said same") -> str:
    """Say what is seen, and order it for the second of the reasons; what was answered."""
    await page.click(f'[data-said="{said}"]')
    await page.click(f'[data-action="{action}"]')
    await page.keyboard.press("2")
    await page.keyboard.press("Enter")
    return await page.locator("#answer[data-outcome]").get_attribute("data-outcome") or ""


async def ordered_to_admit(page: Page, address: str) -> str:
    """Look at whoever waits, and order to admit; what was answered."""
    await opened(page, address)
    await page.wait_for_selector("#faces:visible")
    return await ordered(page)


async def waiting_anew(gate: Gate) -> list[Waiting]:
    """Who waits, by the word of a lane that has started anew."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while not any(why.reason is Reason.LANE_RESTARTED for one in await listed(gate) for why in one.objections):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
    return await listed(gate)


async def listed(gate: Gate) -> list[Waiting]:
    """Who waits, by the lane's own word; nobody while it is away."""
    try:
        terminal = await Terminal.reach(gate.stage.config.socket("orders"))
    except ChannelError:
        return []
    try:
        return (await terminal.look()).referred
    except ChannelError:
        return []
    finally:
        terminal.close()


async def test_two_officers_in_two_browsers_let_through_whom_neither_can_alone(short_path: Path) -> None:
    async with running(short_path, tables=RULES) as gate, async_playwright() as playwright:
        await gate.until(Screen.WELCOME)
        gate.officer.absent = True  # the robot at the lane rests
        await until(lambda: known_fingerprint(gate.stage.config))
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        async with console(gate.stage) as address:
            key = gate.stage.folder / "officers-authority.key"
            pages = {name: await signed_in(browser, address, key, name) for name in OFFICERS}
            visiting = asyncio.ensure_future(gate.visit("someone_elses_passport"))
            assert [await ordered_to_admit(pages[name], address) for name in ("anna", "anna", "zoe")] == [
                "one_more"
            ] * 3
            assert gate.screens[-1] is Screen.OFFICER
            assert Screen.GO not in gate.screens
            assert await ordered_to_admit(pages["ben"], address) == "done"
            visit = await visiting
        await browser.close()
        lines = (await asyncio.to_thread(audit_review.read, gate.stage, short_path / "so-far")).lines
        problems = await asyncio.to_thread(
            audit_review.report, gate.stage, short_path / "so-far", short_path / "report.html"
        )
    about = [one for one in lines if one.crossing in visit.crossings and one.body is not None]
    (first,) = [one for one in about if one.kind == WouldAdmit.kind.value]
    (second,) = [one for one in about if one.kind == Overruled.kind.value]
    overruled = msgspec.convert({"crossing": second.crossing, **(second.body or {})}, Overruled)
    assert overruled.first is not None
    assert (overruled.first.officer, overruled.order.officer) == ("anna", "ben")
    assert about.index(first) < about.index(second)
    assert problems == ()
    assert visit.passed == 1


async def test_a_kill_of_the_log_or_of_the_lane_between_the_two_orders_makes_one_order_enough_for_nobody(
    short_path: Path,
) -> None:
    async with running(short_path, tables=RULES) as gate, async_playwright() as playwright:
        await gate.until(Screen.WELCOME)
        gate.officer.absent = True
        await until(lambda: known_fingerprint(gate.stage.config))
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        async with console(gate.stage) as address:
            key = gate.stage.folder / "officers-authority.key"
            anna, ben = [await signed_in(browser, address, key, name) for name in ("anna", "ben")]
            visiting = asyncio.ensure_future(gate.visit("someone_elses_passport"))
            await opened(ben, address)
            assert await ordered_to_admit(anna, address) == "one_more"
            gate.family.children["log"].kill()
            assert await ordered(ben) in {"impossible", "ordered", "one_more"}  # whatever the log says, when it is back
            gate.family.children["lane"].kill()
            (waiting,) = await waiting_anew(gate)
            assert (waiting.two_officers, waiting.sealed_for) == (True, [])
            await opened(ben, address)  # what he saw, this start of the lane has handed out to nobody
            assert await ordered(ben, said="said cannot compare") == "forbidden"
            zoe = await signed_in(browser, address, key, "zoe")
            await opened(zoe, address)
            assert await ordered(zoe, said="said cannot compare") == "impossible"
            assert "two officers admit here" in await zoe.inner_text("#answer")
            await opened(ben, address)
            assert await ordered(ben, "taken_over", "said cannot compare") == "done"
            visit = await visiting
        await browser.close()
    assert visit.passed == 0
    assert Screen.GO not in gate.screens
