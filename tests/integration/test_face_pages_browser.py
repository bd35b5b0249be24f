"""The pages about faces and liveness in a real browser: they fit a telephone and a desk, need nothing from elsewhere, and complain of nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.page_file import standing_alone

from gate_lab import pad_report
from gate_lab.conditions import Condition
from gate_lab.error_rates import Comparisons, rates
from gate_lab.face_evaluation import Evaluation
from gate_lab.face_report import render
from gate_lab.pad import Presentation, at_bound, by_condition, for_frames, for_service, recipe
from gate_lab.pad_evaluation import FRAMES, PadEvaluation
from gate_lab.pad_sheets import plan, written
from models.cohort import Cohort
from models.liveness_evidence import FIFTHS
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


def trials() -> PadEvaluation:
    """Scores of people and of prints that nobody held up."""
    random = np.random.default_rng(1)
    presentations = tuple(
        Presentation(
            species,
            f"{number % 10}",
            f"{number}",
            float(random.uniform(0.3, 1.0)),
            {},
            conditions={condition: float(random.uniform(0.8, 200)) for condition in Condition},
            after={frames: float(random.uniform(0.3, 1.0)) for frames in FRAMES},
        )
        for species in (None, "print", "bent print")
        for number in range(60)
    )
    return PadEvaluation(
        folder="trials",
        profile="standard",
        model=load().model("fr_liveness"),
        kind="lane_camera",
        presentations=presentations,
        shipped=at_bound(presentations, 0.5),
        at_bpcer=((0.05, at_bound(presentations, 0.4)),),
        recipe=recipe(presentations, 0.5),
        service=for_service(presentations, 0.5),
        after=tuple((frames, for_frames(presentations, 0.5, frames)) for frames in FRAMES),
        by=by_condition(presentations, 0.5, FRAMES),
    )


@WIDTHS
async def test_a_report_on_attacks_fits_and_tells_people_apart_by_every_condition(tmp_path: Path, width: int) -> None:
    page_file = tmp_path / "pad.html"
    page_file.write_text(pad_report.render(trials()), encoding="utf-8")
    async with standing_alone(page_file, width) as page:
        for condition in Condition:
            part = page.get_by_role("region", name=f"People flagged by {condition}")
            assert await part.locator("tbody tr").count() == FIFTHS
            assert await part.locator("thead th").all_inner_texts() == [
                "fifth", condition.unit, "presentations", "flagged", "interval", "after 1", "after 3", "after 5",
            ]  # fmt: skip


@WIDTHS
async def test_the_sheets_for_a_lab_fit(tmp_path: Path, width: int) -> None:
    async with standing_alone(written(tmp_path / "trial", plan()), width) as page:
        assert await page.locator("section").count() == 35
        await page.emulate_media(media="print")
        assert await page.locator(".wide").first.evaluate("part => getComputedStyle(part).overflowX") == "visible"
