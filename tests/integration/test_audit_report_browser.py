"""The auditor's page in a real browser: it fits a telephone, a desk and paper, needs nothing from elsewhere, and everybody can read it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, crossing
from fakes.audited_days import MORNING, Day
from fakes.page_file import standing_alone
from fakes.tiers import quick_or_long

from gate_verify.report_files import make
from gate_verify.verify import Known

pytestmark = [pytest.mark.browser]


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """A log with every kind of table, and with what cannot have been."""
    day, log = Day(), SmallLog(tmp_path)
    begun = day.begun(log.recipients)
    crossings = [batch for _ in range(4) for batch in (day.admitted(), day.overruled(), day.taken_over())]
    log.write(begun, *crossings, crossing("x9"))
    (tmp_path / "one.identity").write_text(f"{log.auditors[0]}\n")
    out = tmp_path / "report.html"
    made = make(
        [log.spool],
        identity=tmp_path / "one.identity",
        vkey=log.vkey,
        known=Known(),
        out=out,
        tables=None,
        now=MORNING,
    )
    assert not made.report.verified
    return out


@pytest.mark.parametrize("width", quick_or_long((390, 1280), quick=(390,)))
async def test_the_report_fits_and_stands_by_itself_and_axe_finds_nothing(page_file: Path, width: int) -> None:
    async with standing_alone(page_file, width) as page:
        cards = await page.locator("tbody tr").first.evaluate("row => getComputedStyle(row).display") == "block"
        assert cards is (width == 390)
        link = page.locator("td.entries a").first
        target = await link.get_attribute("href")
        await link.click()
        assert await page.locator(f"{target} th").is_visible()
        await page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
        found = (await page.evaluate("axe.run()"))["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
        await page.emulate_media(media="print")
        assert not await page.locator("nav").is_visible()
