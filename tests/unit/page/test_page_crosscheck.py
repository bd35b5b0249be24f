"""The print of an MRZ against OCR-B's geometry, and where its portrait must be."""

import numpy as np
import pytest
from fakes.page_readings import PITCH_PX, geometry, reading

from gate.page.picture.crosscheck import BOUNDS, print_findings
from gate.page.picture.portrait import CROP_HEIGHT_PX, crop_portrait, portrait_quad
from gate.page.values import MrzFormat, NoReading, Why
from gate_core.evidence.crossing import CheckResult
from gate_core.evidence.names import PageCheckId


def test_ocr_b_is_usual_in_every_trait() -> None:
    findings = print_findings(reading())
    assert [finding.id for finding in findings] == list(BOUNDS)
    assert all(finding.result is CheckResult.SUCCESSFUL for finding in findings)


@pytest.mark.parametrize(
    ("changed", "trait"),
    [
        ({"pitch_residual": 0.2}, PageCheckId.MRZ_PITCH_EVEN),
        ({"baseline_residual": 0.3}, PageCheckId.MRZ_BASELINE_EVEN),
        ({"height_px": 1.6 * PITCH_PX}, PageCheckId.MRZ_CHARACTER_HEIGHT),
        ({"height_px": 0.5 * PITCH_PX}, PageCheckId.MRZ_CHARACTER_HEIGHT),
        ({"spacing_px": 3.4 * PITCH_PX}, PageCheckId.MRZ_LINE_SPACING),
    ],
)
def test_print_of_another_kind_is_unusual_in_its_trait(changed: dict[str, float], trait: PageCheckId) -> None:
    findings = print_findings(reading(geometry=geometry(**changed)))
    assert [finding.id for finding in findings if finding.result is not CheckResult.SUCCESSFUL] == [trait]


def test_a_coarse_picture_tells_nothing_of_the_print() -> None:
    assert {finding.result for finding in print_findings(reading(geometry=geometry(6.0)))} == {CheckResult.UNDETERMINED}


def test_what_too_few_characters_tell_is_left_open() -> None:
    findings = print_findings(reading(geometry=geometry(height_px=None, baseline_residual=None)))
    assert {finding.id for finding in findings if finding.result is CheckResult.UNDETERMINED} == {
        PageCheckId.MRZ_BASELINE_EVEN,
        PageCheckId.MRZ_CHARACTER_HEIGHT,
    }


def test_the_portrait_is_above_the_left_of_the_mrz() -> None:
    quad = portrait_quad(reading())
    assert quad is not None
    (left, top), (right, _), (_, bottom), _ = quad
    assert left < 100 < right < 100 + 20 * PITCH_PX
    assert top < bottom < 800
    assert (right - left) / (bottom - top) == pytest.approx(52 / 58)


def test_a_card_with_three_lines_has_its_portrait_on_the_other_side() -> None:
    card = reading(format=MrzFormat.TD1)
    assert portrait_quad(card) is None
    assert crop_portrait(np.zeros((900, 900), np.uint8), card) is None


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_crop_shows_the_portraits_part_of_the_page(channels: tuple[int, ...]) -> None:
    picture = np.full((1000, 1000, *channels), 200, np.uint8)
    picture[460:760, 70:370] = 50
    crop = crop_portrait(picture, reading())
    assert crop is not None
    assert crop.shape[0] <= CROP_HEIGHT_PX
    assert crop.shape[2:] == channels
    assert np.median(crop) == 50


def test_a_portrait_outside_the_picture_gives_no_crop() -> None:
    assert crop_portrait(np.zeros((100, 1000), np.uint8), reading()) is None


def test_results_redact_themselves_and_give_the_first_reason() -> None:
    assert "ERIKSSON" not in repr(reading())
    assert NoReading((Why.GLARE, Why.BLURRED)).reason is Why.GLARE
