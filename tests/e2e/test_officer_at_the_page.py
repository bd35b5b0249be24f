"""An automatic officer in a real browser settles what comes to a gate by what the console's page says, and is misled by a page that lies.

The world, the gate's programs and the console are the real ones, as the demo starts them. The log says what the officer ordered, and why.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from fakes.console_gates import until
from fakes.kiosk_page import CHROMIUM
from fakes.page_officer import PageOfficer, on_duty
from fakes.whole_gate import Gate, running
from playwright.async_api import Route

from gate.demo import auditing
from gate.demo.director import Visit
from gate.demo.officers_console import console
from gate.demo.play import AGAIN_MAX
from gate.demo.report import Line
from gate.passage.orders import Disposition
from gate.passage.records import Overruled, Settled
from gate.passage.screen import Screen
from gate.programs.screens.start import page_address, page_with_secret
from gate.programs.shared.consoles import known_fingerprint

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.faces,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}: apt-get install chromium"),
]

ATTACK = "attack on the camera suspected"
# What of each traveller an officer must have said; of the first and of who was let through before another followed, nothing.
RIGHT: dict[str, str | None] = {
    "genuine": None,
    "someone_elses_passport": "not the person in the document",
    "picture_on_a_screen": ATTACK,
    "printed_picture": ATTACK,
    "clone_with_own_key": "document doubted",
    "expired": "document doubted",
    "tailgater": None,
    "asked_for_help": "unwell, or needs help",
}
RULES = {"rules": {"officer_presence_max_s": 120}}  # the page says once a minute that its officer is there


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gate-"))  # short: socket paths have 107 bytes
    yield made
    shutil.rmtree(made)


def said(gate: Gate, visits: dict[str, Visit]) -> dict[str, str | None]:
    """What the log says that the officer gave as the reason for taking each traveller along; None where they did nothing about one."""
    bundle = gate.stage.folder / "so-far"
    bundle.unlink(missing_ok=True)
    lines = auditing.read(gate.stage, bundle).lines
    return {
        scenario: reason_of([one for one in lines if one.crossing in visits[scenario].crossings]) for scenario in visits
    }


def reason_of(lines: list[Line]) -> str | None:
    """Of one crossing's lines."""
    told = [
        msgspec.convert({"crossing": one.crossing, **one.body}, Settled)
        for one in lines
        if one.kind == Settled.kind.value and one.body is not None
    ]
    assert not any(one.kind == Overruled.kind.value for one in lines)
    assert all(one.disposition is Disposition.TAKEN_OVER for one in told)
    assert len(told) <= 1
    return told[0].order.reason.removeprefix("said cannot compare; ") if told else None


async def settled(
    folder: Path, expected: dict[str, str | None], lie: Callable[[str], str] | None = None
) -> dict[str, str | None]:
    """What the officer at the page said of each of these travellers; who came out otherwise while the machine was late comes again.

    `lie` changes what the console's answers about a traveller say.
    """
    async with running(folder, tables=RULES) as gate:
        await gate.until(Screen.WELCOME)
        gate.officer.absent = True  # the robot at the lane rests
        await until(lambda: known_fingerprint(gate.stage.config))
        page = page_with_secret(gate.stage.config.runtime("screens"), page_address(gate.stage.config))
        gate.world.tell({"do": "display", "page": page})
        async with console(gate.stage) as address, on_duty(address, gate.stage.shift) as officer:
            if lie is not None:
                await mislead(officer, lie)
            visits = {scenario: await gate.visit(scenario) for scenario in expected}
            for _ in range(AGAIN_MAX):
                found = await asyncio.to_thread(said, gate, visits)
                again = [one for one in expected if found[one] != expected[one] and visits[one].late.excuses]
                visits |= {scenario: await gate.visit(scenario) for scenario in again}
        return await asyncio.to_thread(said, gate, visits)


async def mislead(officer: PageOfficer, lie: Callable[[str], str]) -> None:
    """Stand between the console and the officer's browser."""

    async def answer(route: Route) -> None:
        told = await route.fetch()
        await route.fulfill(response=told, body=lie(await told.text()))

    await officer.page.route("**/crossings/**", answer)


async def test_an_officer_who_reads_the_page_settles_everybody_who_comes(folder: Path) -> None:
    assert await settled(folder, RIGHT) == RIGHT


def lying(text: str) -> str:
    """The machine's two numbers of the face under one another's names and verdicts, and no check that failed."""
    for one, other in (("Alike", "A living person"), ("below the threshold", "below the bound")):
        text = text.replace(one, "\0").replace(other, one).replace("\0", other)
    return text.replace("FAILED", "good")


async def test_an_officer_whose_page_lies_is_wrong_about_every_traveller(folder: Path) -> None:
    misled: dict[str, str | None] = {"someone_elses_passport": ATTACK, "expired": "another reason, in the shift book"}
    assert await settled(folder, misled, lying) == misled
    assert not misled.items() & RIGHT.items()
