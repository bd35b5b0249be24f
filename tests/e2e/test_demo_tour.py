"""The tour from its first scene to its last page, in a real browser, with somebody who decides in the third: by the pages, the truth and the log."""

from __future__ import annotations

import asyncio
import re
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import httpx2
import pytest
from fakes.chromium import NEEDED
from fakes.tour_watcher import decide, frame, until_scene, watched
from playwright.async_api import Page

from gate_demo.tour.scenes import CAST, SCENES, SECONDS_MAX

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.faces,
    pytest.mark.long,
    NEEDED,
]

SCENE_MS = 120_000
ADMITTED = {"genuine", "tailgater", "central_away"}
INCIDENTS = {"tailgater": "bodies_several"}


@dataclass(slots=True)
class Watcher:
    """What somebody sees of the tour."""

    folder: Path
    calm: list[str] = field(default_factory=list)
    screens: dict[int, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    last: str = ""

    async def look(self, page: Page) -> None:
        """Watch it all."""
        await until_scene(page, 1, SCENE_MS)
        await self._axe(page)
        await asyncio.to_thread(self._frames_are_the_tours_alone)
        await until_scene(page, 2, SCENE_MS)
        traveller = await frame(page, "traveller")
        for _ in SCENES[1].visitors:
            await traveller.wait_for_selector('html[data-screen="officer"]', timeout=SCENE_MS)
            tone = await traveller.get_attribute("html", "data-tone")
            self.calm.append(f"{tone}: {await traveller.inner_text('body')}")
            await traveller.wait_for_selector('html[data-screen="welcome"]', timeout=SCENE_MS)
        await until_scene(page, 3, SCENE_MS)
        await decide(page)
        await page.wait_for_selector("#waits >> text=You decided.")
        for number, screen in ((5, "emergency"), (6, "go"), (7, "officer")):
            await until_scene(page, number, SCENE_MS)
            await traveller.wait_for_selector(f'html[data-screen="{screen}"]', timeout=SCENE_MS)
            self.screens[number] = await page.inner_text("#leaf-is")
        await page.wait_for_selector("#closing:visible", timeout=SCENE_MS)
        self.last = await page.inner_text("#closing")
        await self._axe(page)

    async def _axe(self, page: Page) -> None:
        await page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
        seen = (await page.evaluate("axe.run({iframes: false})"))["violations"]
        self.violations += [f"{one['id']} {[node['html'][:120] for node in one['nodes']]}" for one in seen]

    def _frames_are_the_tours_alone(self) -> None:
        """The pages themselves may be framed by nobody; what comes through the relays, by the tour's page."""
        screens = tomllib.loads((self.folder / "gate.toml").read_text())["screens"]["port"]
        pages = tomllib.loads((self.folder / "console.toml").read_text())["pages"]
        origin = re.search(r"http://localhost:\d+", (self.folder / "tour" / "kiosk" / "start.html").read_text())
        assert origin is not None
        host = {"Host": pages["origin"].removeprefix("http://")}
        for address, headers, ancestors in (
            (f"http://localhost:{screens}/", {}, "'none'"),
            (f"http://{pages['address']}/sign-in", host, "'none'"),
            (f"{pages['origin']}/sign-in", {}, origin[0]),
        ):
            answer = httpx2.get(address, headers=headers)
            assert answer.status_code == 200, address
            assert f"frame-ancestors {ancestors};" in answer.headers["content-security-policy"], address


async def test_the_tour_is_watched_to_its_end_and_every_scene_comes_out_as_it_says(short_path: Path) -> None:
    watcher = Watcher(short_path)
    result, measured = await watched(short_path, watcher.look)
    outcomes = {one.visit.scenario: one for one in result.outcomes}
    assert not [
        (one.visit.scenario, one.differences, str(one.visit.late)) for one in result.outcomes if one.differences
    ]
    assert list(outcomes) == list(CAST)
    assert {name for name, one in outcomes.items() if (one.verdict, one.visit.passed) == ("admitted", 1)} == ADMITTED
    assert {name for name, one in outcomes.items() if (one.verdict, one.visit.passed) == ("referred", 0)} == {
        *CAST
    } - ADMITTED
    assert all(incident in outcomes[name].incidents for name, incident in INCIDENTS.items())
    assert outcomes["help_without_document"].reasons == ("help_asked",)
    assert result.as_expected, "the log is verified here and at the central server, and the judge has nothing to say"
    assert len(watcher.calm) == 3
    assert len(set(watcher.calm)) == 1, "the same calm words"
    assert watcher.calm[0].startswith("help: ")
    assert watcher.screens[5].endswith("by the fire alarm")
    assert measured.decided_by == {"you": 1, "demo-officer": 5}
    assert measured.found == (f"the sealed body of entry {measured.changed_entry} is not the one that was logged",)
    assert measured.seconds < SECONDS_MAX
    assert measured.found[0] in watcher.last
    assert f"{measured.checked.entries} entries of the log: verified" in watcher.last
    assert watcher.violations == []
