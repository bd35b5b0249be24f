"""What befalls the pages that page reading is judged by: each harm grows with how much is asked for, and each view is worse in its own way."""

from __future__ import annotations

import copy
from dataclasses import replace

import cv2
import numpy as np
import pytest

from gate_lab.evaluate.hurt.camera import Dirt, Finger, Grey, PictureConditions, picture_of
from gate_lab.evaluate.hurt.cases import CUT_SHORT, DECK, HARMS, Between, case_of, kind_of
from gate_lab.evaluate.hurt.harm import lost_end
from gate_lab.evaluate.hurt.sheet import OCR_B, PITCH_PX, Sheet, printed
from gate_lab.evaluate.hurt.texts import WIDTHS, invented

SEED = 9
MUCH = (0.0, 0.3, 0.6, 1.0)


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    rng = np.random.default_rng(SEED)
    return printed(rng, "TD3", invented(rng, "TD3"), OCR_B)


def harmed(sheet: Sheet, kind: str, much: float, seed: int) -> Sheet:
    hurt = copy.deepcopy(sheet)
    HARMS[kind](np.random.default_rng(seed), hurt, much)
    return hurt


def taken(sheet: Sheet, view: PictureConditions, **more: object) -> Grey:
    return picture_of(np.random.default_rng(SEED), sheet.seen(), view, **more)  # type: ignore[arg-type] # its own words


def sharpness(picture: Grey) -> float:
    return float(cv2.Laplacian(picture, cv2.CV_64F).std())


@pytest.mark.parametrize("kind", HARMS)
def test_a_harm_is_greater_the_more_of_it_is_asked_for(sheet: Sheet, kind: str) -> None:
    before, done = sheet.seen(), []
    for much in MUCH:
        seen = [harmed(sheet, kind, much, seed).seen() for seed in range(6)]
        assert all(np.isfinite(one).all() and one.min() >= -0.01 and one.max() <= 1.3 for one in seen)
        done.append(float(np.mean([np.abs(one - before).mean() for one in seen])))
    assert done == sorted(done)
    assert done[-1] > 2 * done[0]
    assert np.array_equal(harmed(sheet, kind, 0.6, 3).seen(), harmed(sheet, kind, 0.6, 3).seen())


def test_of_a_lost_end_no_ink_is_left_and_how_many_columns_stay_is_told(sheet: Sheet) -> None:
    left, right, middle = sheet.lines[0]
    row = slice(round(middle - 0.4 * PITCH_PX), round(middle + 0.4 * PITCH_PX))
    kept = []
    for seed in range(20):
        hurt = copy.deepcopy(sheet)
        kept.append(lost_end(np.random.default_rng(seed), hurt, 1.0))
        starts = np.arange(left, right - 1, PITCH_PX)
        printed_on = sum(bool(hurt.ink[row, round(start) : round(start + PITCH_PX)].max() > 0.5) for start in starts)
        assert abs(printed_on - kept[-1]) <= 1  # an edge may go through a character
    assert {30, 36} <= set(kept)  # as if it were whole, of a shorter format
    assert max(kept) < WIDTHS["TD3"]


def test_each_condition_of_a_view_makes_it_worse_in_its_own_way(sheet: Sheet) -> None:
    view = PictureConditions(noise=0.005)
    plain = taken(sheet, view)
    assert taken(sheet, replace(view, exposure=0.3)).mean() < 0.4 * plain.mean()
    assert taken(sheet, replace(view, glare=(0.5, 0.8, 0.8, 0.2))).mean() > plain.mean() + 5
    for blurred in (replace(view, blur_px=2.5), replace(view, motion_px=6.0)):
        assert sharpness(taken(sheet, blurred)) < 0.8 * sharpness(plain)
    blocks, fine = (taken(sheet, replace(view, jpeg=quality)) for quality in (10, 95))
    assert np.abs(blocks.astype(int) - plain).mean() > 2 * np.abs(fine.astype(int) - plain).mean()
    assert taken(sheet, replace(view, width_px=450.0)).shape[1] < 0.6 * plain.shape[1]
    assert taken(sheet, replace(view, turn_deg=90.0)).shape[0] > plain.shape[0]


def test_what_lies_before_the_page_hides_its_own_part_of_it(sheet: Sheet) -> None:
    view = PictureConditions(noise=0.005)
    plain = taken(sheet, view).astype(int)
    finger = taken(sheet, view, fingers=(Finger((0.5, 0.9), np.pi / 2, 0.1, 0.1),)).astype(int)
    speck = taken(sheet, view, dirt=(Dirt((300.0, 300.0), (20.0, 8.0), 0.4, 0.0, 0.6),)).astype(int)
    changed = np.abs(finger - plain) > 60
    half = plain.shape[0] // 2
    assert (changed[half:].sum() > 2000, changed[:half].sum()) == (True, 0)
    assert speck[300, 300] < 20 < plain[300, 300]
    assert (np.abs(speck - plain) > 60).sum() < 400
    for cut in ({"ends_at": 0.6}, {"frame_ends_at": 0.6}):
        seen = taken(sheet, view, **cut)
        assert seen.shape[1] < 0.75 * plain.shape[1] if "frame_ends_at" in cut else seen[:, -200:].mean() < 100


@pytest.mark.parametrize("kind", DECK)
def test_every_kind_of_page_is_two_pictures_of_one_sheet(kind: str) -> None:
    case = case_of(SEED, next(number for number in range(100) if kind_of(SEED, number) == kind))
    one, other = case.pictures
    assert (case.kind, len(case.printed[0])) == (kind, WIDTHS[case.format])
    assert {one.ndim, other.ndim} == {2}
    assert min(*one.shape, *other.shape) >= 80
    assert (case.kept < WIDTHS[case.format]) is (kind in CUT_SHORT)
    if case.between is not Between.PLACE:
        assert one.shape == other.shape
    if case.between is Between.NOTHING and kind != "fingers":
        assert 0 < np.abs(one.astype(int) - other).mean() < 12  # noise
    if kind == "dim":
        assert max(one.mean(), other.mean()) < 64
