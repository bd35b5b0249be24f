"""The public page of a gate's fairness in a real browser: it fits a telephone and a desk, from left and from right, and everybody can read it."""

from __future__ import annotations

import itertools
import json
from importlib import resources
from pathlib import Path

import pytest
from fakes.page_file import standing_alone
from fakes.tiers import quick_or_long

from gate.passage.records import GroupCell, GroupsCounted
from gate.programs.lane.records import encode
from gate_lab.fairness_page import Facts, pages, texts
from gate_verify.report.fairness import Estimate, Fairness

pytestmark = [pytest.mark.browser]

CELLS = (
    GroupCell("everybody", "", 2_000, 200, 2_000, 20, 1_900, 30, 12, 1_900, 15, 9, 2_000, 8_000.0, 33_000.0),
    GroupCell("sex", "F", 1_000, 150),
    GroupCell("sex", "M", 1_000, 50),
    GroupCell("age_band", "75 and older", 400, 20),
    GroupCell("issuer", "UTO", 1_900, 190),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every language's page, with an alarm."""
    counted = Fairness()
    counted.take(
        0, json.loads(encode(GroupsCounted("2026-11-25T06", "2026-12-25T06", "Border Act, Article 12", CELLS)))
    )
    facts = Facts("border.example/north-7", counted, {("everybody", ""): Estimate(1, 400)}, "m-1", "0.411")
    for name, content in pages(facts, texts().available()):
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    "seen",
    quick_or_long(itertools.product([360, 1280], ["en", "ar", "de", "zh-Hans"]), quick=[(360, "ar"), (1280, "en")]),
)
async def test_the_page_fits_and_stands_by_itself_and_axe_finds_nothing(folder: Path, seen: tuple[int, str]) -> None:
    width, language = seen
    async with standing_alone(folder / f"{language}.html", width) as page:
        row = page.locator("tbody tr").first
        assert (await row.evaluate("row => getComputedStyle(row).display") == "block") is (width == 360)
        right = await page.evaluate("getComputedStyle(document.querySelector('h1')).direction")
        assert right == ("rtl" if language == "ar" else "ltr")
        await page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
        found = (await page.evaluate("axe.run()"))["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
