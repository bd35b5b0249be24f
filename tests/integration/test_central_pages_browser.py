"""Central's pages over mutual TLS in a real browser, at a desk and on a phone: they fit, run nothing, ask for nothing else, and axe finds nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from central_fakes.people import NORTH, SOUTH, Nation, requested
from fakes.chromium import CHROMIUM, NEEDED
from fakes.tiers import quick_or_long
from playwright.async_api import Page, async_playwright

from gate_central.authority import fingerprint, new_key
from gate_central.authority import issue_person as issue
from gate_central.evidence import Kind
from gate_central.folder import server_pem
from gate_central.rights import Role
from gate_verify.verify import verify

pytestmark = [
    pytest.mark.browser,
    NEEDED,
]
PEOPLE = {"anna": Role.AUDITOR, "ben": Role.OPERATOR, "carla": Role.SUPERVISOR}


@contextlib.contextmanager
def serving(folder: Path, database: str) -> Iterator[int]:
    command = [
        sys.executable,
        "-m",
        "gate.cli",
        "central",
        "pages",
        "--dir",
        str(folder),
        "--port",
        "0",
        "--database",
        database,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield int(json.loads(started.stdout.readline())["port"])
        finally:
            started.terminate()


@pytest.fixture
async def nation(tmp_path: Path) -> Nation:
    """Three gates, of which two need somebody, and three people with files of their own."""
    made = Nation.make(tmp_path, "silent_after_minutes = 60\n")
    made.bench.grow(60)
    await made.bench.round()
    note = f"border.example/{SOUTH}/demo\n257\n{'A' * 43}=\n\n\u2014 border.example/{SOUTH}/demo {'B' * 92}\n".encode()
    made.context.evidence.keep(SOUTH, Kind.FORK, note, against=note, at="2026-11-25T10:00:00.000Z")
    loop = asyncio.get_running_loop()
    for name, role in PEOPLE.items():
        # The browser and the server have the machine's clock.
        key = new_key()
        person = issue(made.context.folder.authority, name, requested(name, key), datetime.now(UTC))
        await loop.run_in_executor(None, (tmp_path / f"{name}.pem").write_bytes, server_pem(key, person))
        made.context.tenants.admit(name, role, None, fingerprint(person))
    return made


@contextlib.asynccontextmanager
async def browsing(folder: Path, name: str | None, port: int, width: int) -> AsyncIterator[Page]:
    """The pages as a person sees them. At the end nothing was complained of, and nothing asked for from elsewhere."""
    said, asked = list[str](), set[str]()
    origin, pem = f"https://127.0.0.1:{port}", str(folder / f"{name}.pem")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        shown: Any = [] if name is None else [{"origin": origin, "certPath": pem, "keyPath": pem}]
        context = await browser.new_context(
            base_url=origin,
            ignore_https_errors=True,
            client_certificates=shown,
            viewport={"width": width, "height": 900},
        )
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.add(request.url.partition("/")[0] + "//" + request.url.split("/")[2]))
        yield page
        await browser.close()
    assert said == []
    assert asked <= {origin}


async def is_fit(page: Page, width: int) -> None:
    await page.wait_for_load_state("load")  # its style, too
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    small = "[...document.querySelectorAll('button, input:not([type=hidden]), select, summary')].filter(e => e.getBoundingClientRect().height < 44).length"
    assert await page.evaluate(small) == 0
    assert await page.locator("h1").count() == 1
    await page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
    found = (await page.evaluate("axe.run()"))["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("width", quick_or_long((390, 1280), quick=(390,)))
async def test_the_pages_fit_and_axe_finds_nothing(nation: Nation, tmp_path: Path, width: int) -> None:
    url = f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"
    with serving(tmp_path / "server", url) as port:
        async with browsing(tmp_path, "carla", port, width) as page:
            for path in ("/", f"/gates/{SOUTH}", "/acts"):
                await page.goto(path)
                await is_fit(page, width)
            await page.goto(f"/gates/{SOUTH}")
            await page.get_by_label("What was found and done").fill("the gate was taken out")
            await page.get_by_role("button", name="Answer this alarm").click()
            await page.get_by_text("Answered by carla").wait_for()
        async with browsing(tmp_path, "anna", port, width) as page:
            await page.goto("/search")
            await is_fit(page, width)
            await page.get_by_label("From").fill("2026-11-25T00:00")
            await page.get_by_label("To").fill("2026-11-26T00:00")
            await page.get_by_label("Purpose").select_option("complaint")
            await page.get_by_label("Case number").fill("K-2026-17")
            await page.get_by_role("button", name="Search").click()
            await page.get_by_role("heading", name="Found").wait_for()
            await is_fit(page, width)
            async with page.expect_download() as started:
                await page.get_by_role("button", name=f"Download the bundle of {NORTH}").click()
            await (await started.value).save_as(tmp_path / "carried.bundle")
    report = verify(tmp_path / "carried.bundle", nation.bench.log.vkey)
    assert (report.verified, report.entries, report.keys) == (True, 300, 60)


async def test_a_browser_without_a_persons_certificate_sees_nothing(nation: Nation, tmp_path: Path) -> None:
    with serving(tmp_path / "server", nation.context.engine.url.render_as_string()) as port:
        async with browsing(tmp_path, None, port, 1280) as page:
            with pytest.raises(Exception, match="ERR_"):
                await page.goto("/")
