"""The coverage page in a real browser: it fits a telephone and a desk, needs nothing from elsewhere, and complains of nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from document_fakes.master_lists import NOW, master_list, party, revocation_list
from fakes.page_file import standing_alone

from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.survey import survey
from gate.trust.survey_report import render
from gate_documents.pki.certificate import parse_certificate

pytestmark = [pytest.mark.browser]


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    store = tmp_path / "trust.sqlite"
    csca, foreign = party("CSCA"), party("CSCA", country="ZZ")
    signer = party("List signer", issuer=csca, authority=False, lists=True)
    files = [
        master_list(signer, [csca.der, foreign.der]),
        revocation_list(csca, number=3),
        revocation_list(foreign, at=NOW - timedelta(days=99)),
    ]
    sources = [read_source("a file", data) for data in files]
    import_sources(store, sources, signer=parse_certificate(csca.der), test=False, now=NOW)
    path = tmp_path / "report.html"
    path.write_text(render(survey(store, NOW + timedelta(days=1), age_max_days=90), store))
    return path


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_coverage_page_fits_and_stands_by_itself(page_file: Path, width: int) -> None:
    async with standing_alone(page_file, width) as page:
        row = page.locator("tbody tr").first
        assert await row.locator("td").first.is_visible()
        cards = await row.evaluate("row => getComputedStyle(row).display") == "block"
        assert cards is (width == 390)
        bar = page.locator(".bar")
        assert await bar.get_attribute("aria-label") == (
            "Countries: 1 with a current revocation list, 1 with an overdue one, 0 with none"
        )
        widths = [await part.evaluate("part => part.offsetWidth") for part in await bar.locator("span").all()]
        assert len(widths) == 2
        assert abs(widths[0] - widths[1]) <= 1
