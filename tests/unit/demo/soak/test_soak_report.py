"""How a soak is judged: what counts as flat, how rare violations are at least, and that each planned event must have happened."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.page_file import standing_alone
from typer.testing import CliRunner

from gate_core.command_line.tree import application
from gate_demo.simulate.run import Violation
from gate_demo.soak.days import EVENTS, Day, Lived, Wishes
from gate_demo.soak.flatness import QUANTITIES, Quantity, Sample, judge, measure
from gate_demo.soak.installation import Kept
from gate_demo.soak.report import Report

DAYS, PAPER = 30, 794
SOUND = {one.name: 1_000.0 for one in QUANTITIES}
FILES = next(one for one in QUANTITIES if one.name == "descriptors")


def sampled(value: dict[str, float], leak: str = "", a_crossing: float = 0.0, noise: float = 0.0) -> list[Sample]:
    """Four samples a day, after 50 crossings each."""
    dice, found = random.Random(1), []
    for part in range(4 * DAYS):
        crossings = 50 * (part + 1)
        values = {name: one + dice.gauss(0.0, noise) for name, one in value.items()}
        if leak:
            values[leak] += a_crossing * crossings
        found.append(Sample(part // 4, crossings, values))
    return found


def lived(leak: str = "", a_crossing: float = 0.0) -> Lived:
    """A sound soak, or one that leaks."""
    wishes = Wishes(seed=7, days=DAYS, crossings=6_000)
    planned = wishes.planned()
    found = Lived(wishes, Kept.in_a_soak_of(DAYS), "soak.example/soak-1/demo")
    found.samples = sampled(SOUND, leak, a_crossing)
    found.days = [
        Day(
            day,
            f"2026-12-{day + 1:02}",
            200,
            150,
            148,
            1_200,
            1_200 * (day + 1),
            tuple(planned.get(day, ())),
            SOUND,
        )
        for day in range(DAYS)
    ]
    found.happened = Counter(dict.fromkeys(EVENTS, DAYS))
    found.crossings, found.genuine, found.admitted = 6_000, 4_500, 4_400
    return found


def wrong(report: Report) -> list[str]:
    return [one.title for one in report.checks() if not one.ok]


def test_a_sound_soak_passes() -> None:
    assert wrong(Report(lived())) == []
    assert Report(lived()).ok


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda one: one.name)
def test_what_grows_by_more_than_its_allowance_is_not_flat(quantity: Quantity) -> None:
    span = 50 * 4 * (DAYS - Wishes(7, DAYS, 6_000).warm_days) - 50
    allowed = quantity.fixed / span + quantity.per_crossing
    assert wrong(Report(lived(quantity.name, 1.01 * allowed))) == [f"{quantity.title}: flat"]
    assert wrong(Report(lived(quantity.name, 0.99 * allowed))) == []


def test_what_only_varies_is_flat_and_a_leak_is_seen_through_the_noise() -> None:
    assert judge(FILES, sampled(SOUND, noise=0.5), 10).flat
    assert not judge(FILES, sampled(SOUND, "descriptors", 0.001, noise=0.5), 10).flat


def test_what_rises_in_the_warm_up_alone_is_flat() -> None:
    rising = [replace(one, values={**one.values, "descriptors": 50.0 * min(one.day, 9)}) for one in sampled(SOUND)]
    assert judge(FILES, rising, 10).flat
    assert not judge(FILES, rising, 5).flat


def test_with_too_few_samples_nothing_counts_as_flat() -> None:
    few = judge(FILES, sampled(SOUND)[:4], 0)
    assert math.isnan(few.bound)
    assert not few.flat


def test_a_soak_of_six_days_has_samples_enough() -> None:
    assert Wishes(7, 6, 60).warm_days == 3
    assert Wishes(7, 30, 60).warm_days == 10


def test_a_zero_has_its_bound_beside_it() -> None:
    (found,) = (one.found for one in Report(lived()).checks() if one.title == "Violations")
    assert found == "0; with 95 % confidence fewer than 5.0e-04 a crossing"


def test_one_violation_fails_a_soak_and_has_its_replay() -> None:
    found = lived()
    found.violations = [Violation("lost_passage", "why", 1_500)]
    report = Report(found)
    assert wrong(report) == ["Violations"]
    assert (
        report.replay() == "gate simulate --seed 7 --only 500-1500 --faults on --kinds " + report.replay().split()[-1]
    )


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_did_not_happen_fails_a_soak(name: str) -> None:
    found = lived()
    found.happened[name] = Report(found).planned()[name] - 1
    assert wrong(Report(found)) == [EVENTS[name]]


@pytest.mark.parametrize("days", [6, 10, 30, 100])
def test_each_event_has_a_day(days: int) -> None:
    planned = Wishes(7, days, 600).planned()
    assert max(planned) < days
    happens = {name for names in planned.values() for name in names}
    assert happens == EVENTS.keys() - {"certificate_renewed", "keys_expired"}


def test_crossings_are_dealt_to_the_quarters_without_a_gap() -> None:
    wishes = Wishes(7, 6, 301)
    dealt = [number for day in range(6) for quarter in range(4) for number in wishes.numbers(day, quarter)]
    assert dealt == list(range(301))


def test_it_measures_a_descriptor_and_a_table_that_grew() -> None:
    before = measure()
    with Path("/proc/self/statm").open():
        table = [object() for _ in range(10_000)]
        after = measure()
    assert after["descriptors"] == before["descriptors"] + 1
    assert after["entries"] - before["entries"] > 9_000
    assert after["blocks"] - before["blocks"] > 9_000
    assert len(table) == 10_000


@pytest.mark.parametrize(
    "words",
    [
        ["--days", "6", "--lane", "two-door"],
        ["--days", "6", "--only", "1-2"],
        ["--days", "6", "--kinds", "death"],
        ["--out", "page.html"],
        ["--days", "5"],
        ["--days", "6", "--crossings", "84001"],
    ],
)
def test_what_a_soak_cannot_do_is_a_wrong_use(words: list[str]) -> None:
    assert CliRunner().invoke(application(["simulate"]), ["simulate", *words]).exit_code in {2, 64}


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1_280])
async def test_its_page_fits_a_telephone_and_paper(tmp_path: Path, width: int) -> None:
    page_file = tmp_path / "soak.html"
    page_file.write_text(Report(lived()).page(), encoding="utf-8")
    async with standing_alone(page_file, width) as page:
        assert await page.locator(".verdict").inner_text() == "Passed"
        assert await page.locator(".figures tbody tr").count() == DAYS
        assert await page.locator(".sign div").count() == 2
        await page.set_viewport_size({"width": PAPER, "height": 1_123})
        await page.emulate_media(media="print")
        assert await page.evaluate("document.documentElement.scrollWidth") == PAPER
