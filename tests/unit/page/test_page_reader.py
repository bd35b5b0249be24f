"""Drawn pages are located, straightened and read, whichever way they lie; what is no page gives a reason."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes.mrz_frames import Scripted
from fakes.pages import PageConditions, Shot, draw_page, mrz_lines, negatives, shoot

from gate.page.picture.crosscheck import print_findings
from gate.page.picture.locate import Copies, Group, propose, turn_of, turned_back
from gate.page.picture.objections import counts
from gate.page.picture.portrait import crop_portrait
from gate.page.picture.reader import SIDE_MIN_PX, LineRecogniser, open_recogniser, read
from gate.page.picture.sight import look_at
from gate.page.values import LinePlace, MrzFormat, NoReading, Reading, RecogniserError, Why
from gate.picture import PICTURE_PIXELS_MAX, BadPictureError
from gate_core.evidence.crossing import CheckResult


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    return open_recogniser(Path("nowhere"))  # the weights are in the tree


def shot(mrz_format: MrzFormat = MrzFormat.TD3, seed: int = 3, **view: Any) -> Shot:
    random = np.random.default_rng(seed)
    page = draw_page(mrz_lines(random, mrz_format), random)
    return shoot(page, PageConditions(**view), random)


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_every_format_is_read_from_a_level_page(recogniser: LineRecogniser, mrz_format: MrzFormat) -> None:
    seen = shot(mrz_format)
    reading = read(seen.picture, recogniser, any_rotation=False)
    assert isinstance(reading, Reading)
    assert (reading.format, reading.lines) == (mrz_format, seen.lines)
    assert counts(reading)
    assert not reading.crowded


@pytest.mark.parametrize("turn_deg", [-170, -135, -90, -60, -12, 12, 45, 90, 110, 180])
def test_a_page_is_read_whichever_way_it_lies(recogniser: LineRecogniser, turn_deg: int) -> None:
    seen = shot(turn_deg=turn_deg, width=1100, height=1100, perspective=0.02)
    reading = read(seen.picture, recogniser)
    assert isinstance(reading, Reading)
    assert reading.lines == seen.lines
    assert abs((reading.geometry.rotation_deg - turn_deg + 180) % 360 - 180) < 5
    assert (Why.UPSIDE_DOWN in reading.hints) == (abs(turn_deg) >= 135)


def test_colour_and_grey_are_read_alike(recogniser: LineRecogniser) -> None:
    grey = shot().picture
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    assert read(colour, recogniser) == read(grey, recogniser)


@pytest.mark.parametrize("perspective", [0.03, 0.06])
def test_a_page_seen_at_an_angle_is_read_and_measured(recogniser: LineRecogniser, perspective: float) -> None:
    seen = shot(perspective=perspective, turn_deg=7, seed=5)
    reading = read(seen.picture, recogniser)
    assert isinstance(reading, Reading)
    assert reading.lines == seen.lines
    assert reading.geometry.pitch_px == pytest.approx(seen.pitch_px, rel=0.03)
    for line, centres in zip(reading.geometry.lines, seen.centres, strict=True):
        assert np.hypot(*(line.start - centres[0])) < 0.35 * seen.pitch_px
        assert np.hypot(*(line.end - centres[-1])) < 0.35 * seen.pitch_px


def test_drawn_ocr_b_has_the_geometry_of_ocr_b(recogniser: LineRecogniser) -> None:
    reading = read(shot(MrzFormat.TD3, turn_deg=3).picture, recogniser)
    assert isinstance(reading, Reading)
    assert [finding.id for finding in print_findings(reading) if finding.result is not CheckResult.SUCCESSFUL] == []
    assert reading.geometry.spacing_px / reading.geometry.pitch_px == pytest.approx(2.5, abs=0.1)


def test_a_large_fine_scan_and_a_small_picture_are_read(recogniser: LineRecogniser) -> None:
    for width in (2600, 420):
        seen = shot(width=width, height=round(0.75 * width), page_width=0.9 * width)
        reading = read(seen.picture, recogniser)
        assert isinstance(reading, Reading)
        assert reading.lines == seen.lines


def test_the_third_line_of_a_card_is_looked_for(recogniser: LineRecogniser) -> None:
    seen = shot(MrzFormat.TD1)
    whole = next(group for group in propose(Copies(seen.picture)) if len(group.lines) == 3)
    for part in (whole.lines[:2], whole.lines[1:]):
        look = look_at(seen.picture, recogniser, Group(part, 1.0, 1.0))
        assert look.text is not None
        assert look.text.choice.lines == seen.lines
        assert len(look.ribbons) == len(look.strips) == 3


def test_an_mrz_that_was_located_too_short_is_read_whole(recogniser: LineRecogniser) -> None:
    """36 characters of 44 would pass for a visa of the smaller size: its digits hold as well."""
    seen = shot(MrzFormat.MRV_A)
    picture = seen.picture.copy()
    short = tuple(LinePlace(tuple(centres[0]), tuple(centres[36]), seen.pitch_px) for centres in seen.centres)
    look = look_at(picture, recogniser, Group(short, 1.0, 1.0))
    assert look.text is None or look.text.crowded or look.text.choice.lines == seen.lines
    reading = read(picture, recogniser)
    assert isinstance(reading, Reading)
    assert reading.format is MrzFormat.MRV_A


def test_the_portrait_is_cut_out_upright(recogniser: LineRecogniser) -> None:
    seen = shot(turn_deg=90, width=1100, height=1100)
    reading = read(seen.picture, recogniser)
    assert isinstance(reading, Reading)
    crop = crop_portrait(seen.picture, reading)
    assert crop is not None
    height, width = crop.shape
    middle, corner = crop[height // 2 - 20 : height // 2 + 20, width // 2 - 20 : width // 2 + 20], crop[:20, -20:]
    assert middle.mean() < corner.mean() - 30


@pytest.mark.parametrize("any_rotation", [False, True])
def test_pictures_without_an_mrz_give_no_reading(recogniser: LineRecogniser, any_rotation: bool) -> None:  # noqa: FBT001
    for picture in negatives(np.random.default_rng(17), 10):
        seen = read(picture, recogniser, any_rotation=any_rotation)
        assert isinstance(seen, NoReading)


def test_glare_a_finger_and_blur_are_told_apart(recogniser: LineRecogniser) -> None:
    seen = shot(seed=8, page_width=1100)
    places = seen.centres[1][12:18]
    (left, top), (right, bottom) = places.min(axis=0).astype(int) - 24, places.max(axis=0).astype(int) + 24
    for grey, why in ((255, Why.GLARE), (120, Why.COVERED)):
        spoilt = seen.picture.copy()
        spoilt[top:bottom, left:right] = grey
        told = read(spoilt, recogniser, any_rotation=False)
        assert why in (told.hints if isinstance(told, Reading) else told.reasons)
        assert not (isinstance(told, Reading) and counts(told))
    blurred = cv2.GaussianBlur(seen.picture, (0, 0), 0.2 * seen.pitch_px).astype(np.uint8)
    told = read(blurred, recogniser, any_rotation=False)
    assert Why.BLURRED in (told.hints if isinstance(told, Reading) else told.reasons)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((SIDE_MIN_PX - 1, 500), np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((100, 100), np.uint16),
        np.broadcast_to(np.uint8(0), (1, PICTURE_PIXELS_MAX)),
        np.broadcast_to(np.uint8(0), (PICTURE_PIXELS_MAX // 4000 + 1, 4000)),
    ],
)
def test_what_is_no_picture_is_refused(recogniser: LineRecogniser, picture: np.ndarray) -> None:
    with pytest.raises(BadPictureError):
        read(picture, recogniser)


def test_a_picture_without_any_text_needs_no_recogniser() -> None:
    blind = Scripted(())
    assert read(np.full((480, 640), 128, np.uint8), blind) == NoReading((Why.NO_MRZ,))
    assert blind.calls == 0


def test_the_turn_of_text_is_found_and_undone() -> None:
    seen = shot(turn_deg=35, width=1100, height=1100)
    turn = turn_of(Copies(seen.picture))[0]
    assert turn == pytest.approx(35, abs=3)
    level, matrix = turned_back(seen.picture, turn)
    assert level.size > seen.picture.size
    x, y = matrix @ np.array([level.shape[1] / 2, level.shape[0] / 2, 1.0])
    assert (x, y) == pytest.approx((550, 550), abs=2)


def test_a_model_that_cannot_run_is_the_recognisers_error() -> None:
    with pytest.raises(RecogniserError, match="NoSuchProvider"):
        open_recogniser(Path("nowhere"), providers=("NoSuchProvider",))


def test_a_model_that_breaks_its_contract_is_the_recognisers_error(recogniser: LineRecogniser) -> None:
    with pytest.raises(RecogniserError):
        recogniser(np.zeros((1, 1, 16, 704), np.float32))
