"""The officers' console in a real browser: one gate and twelve, a decision by keyboard, orders sent once, presence, outages."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from core_fakes import shifts
from fakes.chromium import IN_A_BROWSER, WAIT_MS, measuring
from fakes.console_pages import pages, portrait, seed
from fakes.tiers import quick_or_long
from officers_fakes.console_doubles import FakeGate, RunningConsole, waits
from playwright.async_api import Browser, Page, expect

from gate_core.evidence.names import Role
from gate_core.orders.verbs import Verb
from gate_officers.console.handover import Handovers

SIZES = {"control room": (1280, 900), "phone": (390, 844)}

pytestmark = IN_A_BROWSER

MEASURE = measuring(
    """
  for (const one of document.querySelectorAll("button, a.button, input, select, textarea, summary, label")) {
    if (!visible(one) || one.type === "radio" || (one.tagName === "LABEL" && !one.querySelector("input"))) continue;
    const box = one.getBoundingClientRect();
    if (box.height < 44) problems.push(`small: ${one.textContent} ${one.id}`);
  }
  for (const one of document.querySelectorAll("button, a, summary"))
    if (visible(one) && !(one.getAttribute("aria-label") ?? one.textContent).trim()) problems.push(`no name: ${one.outerHTML}`);
  for (const one of document.querySelectorAll("[id]"))
    if (document.querySelectorAll(`[id="${one.id}"]`).length > 1) problems.push(`twice: ${one.id}`);
""",
    unseen=".visually-hidden, .skip",
    landmarks="header, main, dialog, .banner",
)


@contextlib.asynccontextmanager
async def at(
    browser: Browser, running: RunningConsole, size: str = "control room", **officer: Any
) -> AsyncIterator[Page]:
    """An officer's page, signed in; whatever it complains of in the console fails the test."""
    width, height = SIZES[size]
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await seed(page, running.address, **officer)
    try:
        yield page
        assert [text for text in complaints if "502" not in text and "404" not in text] == []  # what is not there
    finally:
        await context.close()


def busy(count: int) -> list[FakeGate]:
    """Gates of which, from three on, one has an alarm, one a traveller who waits, one is lost."""
    gates = [FakeGate(f"north-{number}") for number in range(1, count + 1)]
    gates[0].tell(waiting=[waits("c-1", waiting_s=48.0, sealed_for=["anna"], flags=["child"])], state="referred")
    if count > 2:
        gates[1].tell(alarms=["forced"], officers=[])
        gates[2].lose()
    return gates


@pytest.mark.parametrize("size", quick_or_long(SIZES, quick=("phone",)))
@pytest.mark.parametrize("count", quick_or_long((1, 12), quick=(12,)))
async def test_every_page_is_whole_and_legible(browser: Browser, tmp_path: Path, count: int, size: str) -> None:
    problems = []
    async with pages(busy(count), tmp_path) as running, at(browser, running, size, role=Role.SUPERVISOR) as page:
        assert await page.locator(".tile").count() == count
        for path in ("/", "/gates/north-1", "/handover", "/gates/north-1/crossings/c-1"):
            await page.goto(f"{running.address}{path}")
            await page.wait_for_selector("h1")
            problems += [f"{path}: {text}" for text in await page.evaluate(MEASURE)]
        await page.wait_for_selector("#faces:visible")
        await page.click('[data-said="said same"]')
        await page.click('[data-action="admit"]')
        problems += [f"after the look: {text}" for text in await page.evaluate(MEASURE)]
    assert problems == []


@pytest.mark.long
async def test_axe_finds_nothing_on_any_page(browser: Browser, tmp_path: Path) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    found: list[str] = []

    async def look(page: Page, what: str) -> None:
        await page.evaluate(axe)
        seen = (await page.evaluate("axe.run()"))["violations"]
        found.extend(f"{what}: {one['id']} {[node['html'][:120] for node in one['nodes']]}" for one in seen)

    async with pages(busy(12), tmp_path) as running, at(browser, running, role=Role.SUPERVISOR) as page:
        await look(page, "all lanes")
        for path in ("/gates/north-1", "/gates/none", "/handover", "/gates/north-1/crossings/c-9"):
            await page.goto(f"{running.address}{path}")
            await page.wait_for_selector("h1")
            await look(page, path)
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        await look(page, "before the look")
        await page.click('[data-said="said same"]')
        await page.click('[data-action="admit"]')
        await page.keyboard.press("2")
        await look(page, "after the look")
        await page.goto(f"{running.address}/gates/north-1")
        await page.click('[data-verb="mode"]')
        await look(page, "a question")
    assert found == []


async def test_a_decision_by_keyboard_shows_the_machines_opinion_after_the_officers(
    browser: Browser, tmp_path: Path
) -> None:
    async with pages(busy(12), tmp_path) as running, at(browser, running) as page:
        gates = await page.locator(".tile .gate").all_inner_texts()
        assert gates[:3] == ["north-2", "north-1", "north-3"]
        await page.locator('[data-gate="north-1"] .decide').focus()
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#faces:visible")
        shade = "(id) => [...document.getElementById(id).getContext('2d').getImageData(240, 300, 1, 1).data]"
        assert [(await page.evaluate(shade, one))[0] for one in ("live", "chip")] == [200, 90]
        assert await page.locator("#mrz-printed mark").all_inner_texts() == ["8"]
        shown = await page.content()
        assert [telling for telling in ("0.31", "0.62", "mask or screen") if telling in shown] == []
        assert await page.locator("#actions:visible").count() == 0
        await page.locator('[data-said="said not same"]').focus()
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#attack-pictures canvas")
        assert "0.31" in await page.inner_text("#numbers")
        await page.locator('[data-action="taken_over"]').focus()
        await page.keyboard.press("Enter")
        assert await page.locator("#send:visible").count() == 0  # no decision without a reason
        await page.keyboard.press("3")
        await page.keyboard.press("Enter")
        await page.wait_for_selector('#answer[data-outcome="done"]')
        assert await page.evaluate("document.getElementById('live').width") == 1  # nothing is left of the pictures
        view, order = (signed.order for signed in running.gate("north-1").obeyed)
        assert (view.verb, order.verb, order.argument) == (Verb.VIEW, Verb.HAND_OVER, "taken_over")
        assert order.reason == "said not same; attack on the camera suspected"


async def test_an_open_page_says_at_once_that_its_gate_is_lost_and_what_to_do(browser: Browser, tmp_path: Path) -> None:
    gates = busy(1)
    waiting = [waits("c-1", waiting_s=48.0, sealed_for=["anna"])]
    crossing, lane = "/gates/north-1/crossings/c-1", "/gates/north-1"
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        for path in (crossing, lane):
            await page.goto(f"{running.address}{path}")
            await page.wait_for_selector("#look-state:not([aria-busy])" if path == crossing else ".wait")
            assert await page.locator("#lost:visible").count() == 0
            gates[0].lose()
            await expect(page.locator("#lost")).to_contain_text("No connection to this gate. ")
            await expect(page.locator("#lost")).to_contain_text("Go there")
            assert "Nobody waits" not in await page.inner_text("main")
            await page.reload()  # nor does another look at it say that somebody has decided
            await expect(page.locator("main")).to_contain_text("No connection", use_inner_text=True)
            said = await page.inner_text("main")
            assert ("Go there" in said, "decided" in said) == (True, False)
            gates[0].tell(waiting=waiting, state="referred")
            await page.goto(f"{running.address}{path}")
        await page.goto(f"{running.address}{crossing}")
        gates[0].lose()
        await page.wait_for_selector("#lost:visible")
        assert await page.evaluate(MEASURE) == []
        gates[0].tell(waiting=waiting, state="referred")
        await page.wait_for_selector("#lost", state="hidden")
        assert await page.locator("#gone:visible").count() == 0
        assert await decided(page, running.address) == "done"


@pytest.mark.long
async def test_pictures_that_were_swapped_on_their_way_admit_nobody(browser: Browser, tmp_path: Path) -> None:
    gates = busy(1)
    gates[0].swaps = (portrait(90), portrait(90), portrait(30))

    async def admit(page: Page) -> str:
        await page.goto(f"{page.url.partition('/gates')[0].rstrip('/')}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        await page.click('[data-said="said same"]')
        await page.click('[data-action="admit"]')
        await page.keyboard.press("1")
        await page.keyboard.press("Enter")
        return await page.locator("#answer[data-outcome]").get_attribute("data-outcome") or ""

    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        assert await admit(page) == "forbidden"
        gates[0].swaps = None
        assert await admit(page) == "done"
        assert [signed.order.verb for signed in gates[0].obeyed] == [Verb.VIEW, Verb.VIEW, Verb.ADMIT]
        assert gates[0].obeyed[-1].order.seen is not None


async def decided(page: Page, address: str, *, admit: bool = True, reason: str = "1") -> str:
    """Open the traveller's page, say what is seen, and order; what was answered."""
    await page.goto(f"{address}/gates/north-1/crossings/c-1")
    await page.locator("#look-state:not([aria-busy])").wait_for()
    await page.click('[data-said="said same"]')
    await page.click(f'[data-action="{"admit" if admit else "walked_back"}"]')
    await page.keyboard.press(reason)
    await page.keyboard.press("Enter")
    return await page.locator("#answer[data-outcome]").get_attribute("data-outcome") or ""


@pytest.mark.long
async def test_a_page_that_shows_nothing_answers_for_what_the_page_before_it_showed(
    browser: Browser, tmp_path: Path
) -> None:
    gates = busy(1)
    gates[0].swaps = (portrait(90), portrait(90), portrait(30))
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")  # pictures of somebody else's making
        for gates[0].withholds, gates[0].swaps in ((True, None), (False, None)):
            if not gates[0].withholds:  # what is sealed says nothing of a face
                gates[0].lies = ({"live": None, "chip": None, "alarms": []}, {"printed": None, "chip": None})
            assert await decided(page, running.address) == "forbidden"
        gates[0].lies = None
        assert await decided(page, running.address) == "done"
        assert await page.evaluate("Object.keys(JSON.parse(localStorage.seen))") == ["anna\nnorth-1\nc-1"]
    (admitted,) = [signed.order for signed in gates[0].obeyed if signed.order.verb is Verb.ADMIT]
    assert admitted.seen is not None


@pytest.mark.long
async def test_who_was_shown_nothing_ever_says_so_and_a_browser_that_keeps_nonsense_is_no_hindrance(
    browser: Browser, tmp_path: Path
) -> None:
    gates = busy(1)
    gates[0].withholds = True
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        for nonsense in (
            "[",
            "null",
            "7",
            '{"anna\\nnorth-1\\nc-1": {"a": 1}}',
            '{"anna\\nnorth-1\\nc-1": [7, {"things": "x"}]}',
        ):
            await page.evaluate("(text) => localStorage.setItem('seen', text)", nonsense)
            gates[0]._decided.clear()
            gates[0].tell(waiting=[waits("c-1", sealed_for=["anna"])], state="referred")
            assert await decided(page, running.address) == "done"
    assert {signed.order.seen for signed in gates[0].obeyed if signed.order.verb is Verb.ADMIT} == {None}


@pytest.mark.long
async def test_two_officers_admit_each_by_their_own_look_and_the_second_reads_only_who_was_first(
    browser: Browser, tmp_path: Path
) -> None:
    gates = busy(1)
    gates[0].of_two = True
    gates[0].tell(
        waiting=[waits("c-1", waiting_s=48.0, sealed_for=["anna", "ben"], two_officers=True)], state="referred"
    )
    async with (
        pages(gates, tmp_path) as running,
        at(browser, running) as anna,
        at(browser, running, number=8, officer="ben") as ben,
    ):
        assert "Two officers admit" in await anna.inner_text(".wait .two")
        assert await decided(anna, running.address, reason="2") == "one_more"
        await expect(anna.locator("#two")).to_contain_text("You have ordered to admit")
        await ben.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await ben.wait_for_selector("#faces:visible")
        await expect(ben.locator("#two")).to_contain_text("has ordered to admit. One more officer must")
        shown = await ben.content()
        assert [word for word in ("said same;", "0.31", "0.62") if word in shown] == []
        assert await ben.locator("#actions:visible").count() == 0
        await ben.click("#two-back")
        await ben.click("#confirm-yes")
        await expect(ben.locator("#two")).to_contain_text("Two officers admit")
        await expect(anna.locator("#two")).to_contain_text("Two officers admit")
        assert await decided(anna, running.address) == "one_more"
        assert await decided(anna, running.address) == "one_more"  # the same officer stays one
        assert await decided(ben, running.address) == "done"
        await anna.wait_for_selector("#gone:visible")
        assert await anna.evaluate("document.getElementById('live').width") == 1
    orders = [signed.order for signed in gates[0].obeyed if signed.order.verb in {Verb.ADMIT, Verb.REFER}]
    assert [order.verb for order in orders] == [Verb.ADMIT, Verb.REFER, Verb.ADMIT, Verb.ADMIT, Verb.ADMIT]
    assert all(order.seen for order in orders if order.verb is Verb.ADMIT)


@pytest.mark.long
@pytest.mark.parametrize(
    "lies",
    [
        ({"live": 5, "chip": {}, "alarms": 7}, {"printed": "P<", "chip": [3]}),
        ({"alarms": [None, {}]}, {"printed": [[]], "chip": {}}),
        (3, []),
    ],
)
async def test_whatever_captured_children_seal_an_officer_decides(
    browser: Browser, tmp_path: Path, lies: tuple[Any, Any]
) -> None:
    gates = busy(1)
    gates[0].lies = lies
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.click('[data-gate="north-1"] .decide')
        await page.locator("#look-state", has_text="cannot be opened").wait_for()
        await page.click('[data-said="said cannot compare"]')
        await page.click('[data-action="walked_back"]')
        await page.keyboard.press("1")
        await page.keyboard.press("Enter")
        await page.wait_for_selector('#answer[data-outcome="done"]')
    (order,) = [signed.order for signed in gates[0].obeyed if signed.order.verb is Verb.HAND_OVER]
    assert (order.crossing, order.argument) == ("c-1", "walked_back")


@pytest.mark.long
async def test_a_thousand_clicks_are_one_order_and_the_second_officer_reads_who_was_first(
    browser: Browser, tmp_path: Path
) -> None:
    gates = busy(1)
    async with (
        pages(gates, tmp_path) as running,
        at(browser, running) as anna,
        at(browser, running, number=8, officer="ben") as ben,
    ):
        for page in (anna, ben):
            await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
            await page.click('[data-said="said same"]')
            await page.click('[data-action="admit"]')
            await page.keyboard.press("1")
        gates[0].holding = asyncio.Event()
        await anna.evaluate("() => { for (let n = 0; n < 1000; n += 1) document.getElementById('send').click(); }")
        await ben.click("#send")
        gates[0].holding.set()
        answers = {
            await one.inner_text("#answer")
            for one in (anna, ben)
            if await one.wait_for_selector("#answer[data-outcome]")
        }
        assert [signed.order.verb for signed in gates[0].obeyed if signed.order.verb is Verb.ADMIT] == [Verb.ADMIT]
        assert len(answers) == 2
        assert any("already decided by" in one or "changed" in one for one in answers)


@pytest.mark.long
async def test_all_lanes_open_in_one_action_and_each_says_what_it_did(browser: Browser, tmp_path: Path) -> None:
    gates = busy(12)
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.click("#open-all")
        await page.fill("#confirm-reason", "fire in the hall")
        await page.click("#confirm-yes")
        await page.wait_for_selector("#answers li:nth-child(12)[data-outcome]")
        rows = await page.locator("#answers li[data-outcome]").all_inner_texts()
        assert len(rows) == 12
        assert sum("Done" in row for row in rows) == 11  # one gate is lost, and says so
        assert next(row for row in rows if "cannot be reached" in row).startswith("north-3")
        opened = [gate.id for gate in gates if [one.order.verb for one in gate.obeyed] == [Verb.OPEN_EMERGENCY]]
        assert len(opened) == 11


@pytest.mark.long
async def test_presence_is_said_for_each_gate_and_lapses_when_nobody_answers(browser: Browser, tmp_path: Path) -> None:
    gates = [FakeGate("north-1"), FakeGate("north-2")]
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.clock.install()
        await page.reload()
        asked: list[bool] = []
        page.on(
            "request",
            lambda one: asked.append("portcullis-by-itself" in one.headers) if one.url.endswith("/orders") else None,
        )
        await page.click("#presence-begin")
        await page.wait_for_selector("#presence-end:visible")
        async with asyncio.timeout(WAIT_MS / 1000):
            while not all(gate.obeyed for gate in gates):  # noqa: ASYNC110 - whatever the page does
                await asyncio.sleep(0.02)
        assert {signed.order.verb for gate in gates for signed in gate.obeyed} == {Verb.PRESENT}
        assert asked == [False] * len(gates), "the officer's own word"
        await page.clock.fast_forward("15:01")
        await page.wait_for_selector("#present[open]")
        async with asyncio.timeout(WAIT_MS / 1000):
            while asked[len(gates) :] != [True] * len(gates):  # noqa: ASYNC110 - the page's, each minute
                await asyncio.sleep(0.02)
        await page.click("#present-yes")
        await page.wait_for_selector("#present[open]", state="hidden")
        await page.clock.fast_forward("45:00")
        await page.wait_for_selector("#presence-begin:visible")
        state = page.locator("#presence-state")
        await expect(state).to_have_text(
            re.compile("You did not answer. Still counted as present at .north-1, north-2.")
        )
        for gate in gates:
            gate.tell(officers=[])
        await expect(state).to_have_text("You did not answer. You are not counted as present.")


@pytest.mark.long
async def test_a_handover_is_signed_in_one_browser_and_its_reading_in_another(browser: Browser, tmp_path: Path) -> None:
    words = 'Ärmel\n"carpet" \\ <b>loose</b> \u2028 \U0001f6a7'
    async with pages(busy(2), tmp_path) as running:
        async with at(browser, running) as anna:
            await anna.goto(f"{running.address}/handover")
            await anna.fill("#words", words)
            await anna.click("#sign")
            await anna.wait_for_selector(".signed")
        async with at(browser, running, number=8, officer="ben") as ben:
            await ben.goto(f"{running.address}/handover")
            assert "carpet" in await ben.inner_text(".signed")
            await ben.click("#read")
            await expect(ben.locator(".signed")).to_contain_text("Read by")
    (kept,) = Handovers(tmp_path / "handovers.json", shifts.PUBLIC).kept
    assert (kept.by.officer, kept.words, [one.officer for one in kept.read]) == ("anna", words, ["ben"])


@pytest.mark.long
async def test_a_lane_that_counts_nobody_hears_within_seconds_that_somebody_is_here(
    browser: Browser, tmp_path: Path
) -> None:
    gate = FakeGate("north-1")
    async with pages([gate], tmp_path) as running, at(browser, running) as page:
        await page.clock.install()
        await page.reload()
        await page.click("#presence-begin")
        async with asyncio.timeout(WAIT_MS / 1000):
            while not gate.obeyed:  # noqa: ASYNC110 - whatever the page does
                await asyncio.sleep(0.02)
        await page.clock.fast_forward("00:10")
        assert len(gate.obeyed) == 1, "a lane that counts them hears of it each minute"
        gate.tell(officers=[])  # it has begun anew
        async with asyncio.timeout(WAIT_MS / 1000):
            while len(gate.obeyed) == 1:  # noqa: ASYNC110 - whatever the page does
                await asyncio.sleep(0.02)
        assert [signed.order.verb for signed in gate.obeyed] == [Verb.PRESENT] * 2


@pytest.mark.long
async def test_while_one_lane_counts_nobody_only_that_one_hears_it_again_within_a_minute(
    browser: Browser, tmp_path: Path
) -> None:
    counts, refuses = FakeGate("north-1"), FakeGate("north-2")
    async with pages([counts, refuses], tmp_path) as running, at(browser, running) as page:
        await page.clock.install()
        await page.reload()
        await page.click("#presence-begin")

        async def until(*heard: int) -> None:
            async with asyncio.timeout(WAIT_MS / 1000):
                while (len(counts.obeyed), len(refuses.obeyed)) != heard:  # noqa: ASYNC110 - whatever the page does
                    await asyncio.sleep(0.02)

        await until(1, 1)
        refuses.tell(officers=[])
        for again in range(2, 6):
            await page.clock.fast_forward("00:06")
            await until(1, again)
        await page.clock.fast_forward("00:40")  # and all of them each minute
        await until(2, 6)


@pytest.mark.long
async def test_an_outage_of_a_gate_and_of_the_console_itself_are_said(browser: Browser, tmp_path: Path) -> None:
    gates = busy(1)
    async with at_end_gone(browser, gates, tmp_path) as page:
        gates[0].lose("does not answer")
        await page.wait_for_selector('[data-need="lost"]')
        assert "Nothing is known of this lane" in await page.inner_text(".tile")
        gates[0].tell(state="idle")
        await page.wait_for_selector('[data-need="nothing"]')


@contextlib.asynccontextmanager
async def at_end_gone(browser: Browser, gates: list[FakeGate], folder: Path) -> AsyncIterator[Page]:
    """A page whose console ends before it does: then it says that what it shows is old."""
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    async with pages(gates, folder) as running:
        await seed(page, running.address)
        yield page
    await page.wait_for_selector("#offline:visible")
    await context.close()


async def test_a_traveller_whom_a_colleague_decided_leaves_the_page_whatever_was_answered_there_before(
    browser: Browser, tmp_path: Path
) -> None:
    async with pages(busy(1), tmp_path) as running, at(browser, running) as page:
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        await page.click(".flag summary")
        await page.click('[data-flag="child"]')
        await page.click("#confirm-yes")
        await page.wait_for_selector('#answer[data-outcome="done"]')
        running.gate("north-1").tell()  # a colleague's order
        await page.wait_for_selector("#gone:visible")
        assert await page.evaluate("document.getElementById('live').width") == 1


async def test_who_is_told_that_a_colleague_was_quicker_has_no_pictures_left(browser: Browser, tmp_path: Path) -> None:
    gate, *_ = gates = busy(1)
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        await page.click('[data-said="said same"]')
        await page.click('[data-action="admit"]')
        await page.keyboard.press("1")
        gate.decided_by("c-1", "ben")
        await page.click("#send")
        await expect(page.locator("#answer")).to_contain_text("already decided by ben")
        gate.tell()
        await page.wait_for_selector("#faces", state="hidden")
        await expect(page.locator("#answer")).to_be_visible()
        assert await page.locator("#send:visible").count() == 0
        assert await page.evaluate("document.getElementById('live').width") == 1


async def test_who_signs_off_and_leaves_is_not_said_to_be_present_any_more(browser: Browser, tmp_path: Path) -> None:
    async with pages(busy(1), tmp_path) as running, at(browser, running) as page:
        await page.click("#presence-begin")
        await page.wait_for_selector("#presence-end:visible")
        await page.goto(f"{running.address}/handover")
        await page.click("#sign")
        await page.wait_for_selector(".signed")
        await page.evaluate(
            "document.getElementById('presence-end').hidden || Promise.reject('still said to be present')"
        )
        await expect(page.locator("#presence-state")).not_to_contain_text("You are present at")


async def test_nobody_is_told_to_be_calm_while_something_calls(browser: Browser, tmp_path: Path) -> None:
    async with pages([FakeGate("north-1")], tmp_path) as running, at(browser, running) as page:
        await page.wait_for_selector("#calm:visible")
        running.gate("north-1").tell(officers=[])
        await page.wait_for_selector(".call")
        await page.wait_for_selector("#calm", state="hidden")


async def test_a_traveller_who_waits_again_is_shown_again(browser: Browser, tmp_path: Path) -> None:
    gate, *_ = gates = busy(1)
    again = gate.snapshot.waiting if gate.snapshot else []
    async with pages(gates, tmp_path) as running, at(browser, running) as page:
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        gate.tell(state="granted")  # a colleague admits, and nobody walks
        await page.wait_for_selector("#gone:visible")
        gate.tell(waiting=again, state="referred")
        await page.wait_for_selector("#faces:visible")
        await expect(page.locator("#gone")).to_be_hidden()


async def test_who_says_what_they_see_while_the_console_is_away_is_told_and_says_it_again(
    browser: Browser, tmp_path: Path
) -> None:
    async with pages(busy(1), tmp_path) as running, at(browser, running) as page:
        await page.goto(f"{running.address}/gates/north-1/crossings/c-1")
        await page.wait_for_selector("#faces:visible")
        await page.route("**/opinion", lambda route: route.fulfill(status=404))
        await page.click('[data-said="said same"]')
        await page.wait_for_selector("#opinion-away:visible")
        assert await page.locator("#actions:visible").count() == 0  # nobody decides without the pictures of an alarm
        await page.unroute("**/opinion")
        await page.click('[data-said="said not same"]')
        await page.wait_for_selector("#attack-pictures canvas")
        await expect(page.locator("#opinion-away")).to_be_hidden()
        await expect(page.locator("#actions")).to_be_visible()


@pytest.mark.long
async def test_an_outage_of_the_console_stands_in_the_title_and_sounds(browser: Browser, tmp_path: Path) -> None:
    async with pages([FakeGate("north-1")], tmp_path) as running, at(browser, running) as page:
        await page.wait_for_selector("#calm:visible")
        await page.evaluate(
            "() => { window.played = []; Audio.prototype.play = async function () { played.push(this.src); }; }"
        )
        await page.route("**/events", lambda route: route.fulfill(status=502))
        running.lanes.close()
        await page.wait_for_selector("#offline:visible")
        await expect(page).to_have_title(re.compile("The console does not answer"))
        assert any("alarm.wav" in one for one in await page.evaluate("played"))
