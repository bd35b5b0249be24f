"""The labelled pictures beside the checkout: measured, never tuned to. See docs/protocols/page-reading.md for what they are."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes.pages import negatives
from shared_data import SHARED_DATA

from gate.page.picture.crosscheck import print_findings
from gate.page.picture.objections import counts
from gate.page.picture.reader import LineRecogniser, open_recogniser, read
from gate.page.values import NoReading, Reading
from gate_core.evidence.crossing import CheckResult

DATA = SHARED_DATA / "mrz"
EXACT_MIN = {"images": 32, "stress": 17}
UNUSUAL_PRINTS_MAX = 5

pytestmark = pytest.mark.conformance


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    lines: tuple[str, ...]
    seen: Reading | NoReading

    @property
    def exact(self) -> bool:
        return isinstance(self.seen, Reading) and self.seen.lines == self.lines


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    cv2.setNumThreads(1)
    return open_recogniser(Path("nowhere"))


@pytest.fixture(scope="module", params=sorted(EXACT_MIN))
def measured(request: pytest.FixtureRequest, recogniser: LineRecogniser) -> tuple[str, list[Measured]]:
    folder = DATA / request.param
    labels: dict[str, list[str]] = json.loads((folder / "labels.json").read_text())
    results = []
    for name, lines in sorted(labels.items()):
        picture = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
        assert picture is not None, name
        seen = read(picture.astype(np.uint8), recogniser)
        results.append(Measured(name, tuple(lines), seen))
    return request.param, results


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval."""
    z = 1.96
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def test_enough_mrzs_are_read_in_every_character(
    measured: tuple[str, list[Measured]], record_property: pytest.FixtureRequest
) -> None:
    name, results = measured
    with_mrz = [result for result in results if result.lines]
    exact = sum(result.exact for result in with_mrz)
    record_property(name, f"{exact}/{len(with_mrz)}, 95 % {interval(exact, len(with_mrz))}")  # type: ignore[operator]
    assert exact >= EXACT_MIN[name], [result.name for result in with_mrz if not result.exact]


def test_nothing_wrong_is_accepted(measured: tuple[str, list[Measured]]) -> None:
    _, results = measured
    assert [
        result.name
        for result in results
        if isinstance(result.seen, Reading) and counts(result.seen) and not result.exact
    ] == []


def test_most_of_what_can_be_accepted_is(measured: tuple[str, list[Measured]]) -> None:
    """Wrong check digits, states that do not exist, a thumbnail, and letters that are not quite OCR-B's must not be."""
    _, results = measured
    accepted = sum(isinstance(result.seen, Reading) and counts(result.seen) for result in results)
    assert accepted >= 0.65 * len(results)


def test_a_picture_without_an_mrz_gives_nothing(measured: tuple[str, list[Measured]]) -> None:
    _, results = measured
    assert all(isinstance(result.seen, NoReading) for result in results if not result.lines)


def test_genuine_print_is_seldom_called_unusual(measured: tuple[str, list[Measured]]) -> None:
    """The false-alarm rate of the print's evidence on specimens; one card is not printed in OCR-B at all."""
    _, results = measured
    readings = [result.seen for result in results if isinstance(result.seen, Reading)]
    unusual = sum(
        any(finding.result is CheckResult.FAILED for finding in print_findings(reading)) for reading in readings
    )
    assert unusual <= UNUSUAL_PRINTS_MAX


@pytest.mark.long
def test_three_hundred_pictures_without_an_mrz_give_no_reading(recogniser: LineRecogniser) -> None:
    found = sum(
        isinstance(read(picture, recogniser), Reading) for picture in negatives(np.random.default_rng(300), 300)
    )
    assert found == 0
