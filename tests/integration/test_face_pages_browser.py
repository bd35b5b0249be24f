"""The pages about faces and liveness in a real browser: they fit a telephone and a desk, need nothing from elsewhere, and complain of nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.page_file import standing_alone

from gate.performance.error_rates import Comparisons, rates
from gate.performance.face_evaluation import Evaluation
from gate.performance.face_report import render
from gate.performance.pad_sheets import plan, written
from models.cohort import Cohort
from models.manifest import load

pytestmark = [pytest.mark.browser]
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


def measured() -> Evaluation:
    """Scores of nobody: what is looked at is the page."""
    random = np.random.default_rng(1)
    impostor = np.sort(random.normal(0.0, 0.1, 3000).astype(np.float32))[::-1]
    genuine = random.normal(0.7, 0.1, 40).astype(np.float32)
    compared = Comparisons(
        genuine, np.arange(40), impostor, impostor, np.zeros((3000, 2), np.intp), np.full(80, 2, np.intp)
    )
    found = rates(compared)
    return Evaluation(
        found_by=(),
        folder="people",
        kind="chip_to_live",
        images=160,
        identities=80,
        missed=0,
        unreadable=0,
        model=load().model("fr_feature"),
        compared=compared,
        found=found,
        intervals=(None, None, None),
        labelled=False,
        group_threshold=None,
        groups=(),
        took_ms={"detect": 2.0},
    )


@WIDTHS
async def test_a_report_fits_and_says_what_its_scores_are(tmp_path: Path, width: int) -> None:
    cohort = Cohort("a" * 64, 300, np.zeros(4, np.float32), np.eye(4, dtype=np.float32), frozenset())
    for one, words in ((None, "score (cosine)"), (cohort, "score (seen against the cohort)")):
        page_file = tmp_path / "report.html"
        page_file.write_text(render(replace(measured(), cohort=one)), encoding="utf-8")
        assert f"<!-- {words} -->" in page_file.read_text(encoding="utf-8")
        async with standing_alone(page_file, width) as page:
            assert await page.locator("svg").count() == 2


@WIDTHS
async def test_the_sheets_for_a_lab_fit(tmp_path: Path, width: int) -> None:
    async with standing_alone(written(tmp_path / "trial", plan()), width) as page:
        assert await page.locator("section").count() == 35
        await page.emulate_media(media="print")
        assert await page.locator(".wide").first.evaluate("part => getComputedStyle(part).overflowX") == "visible"
