"""Why a page could not be read: each reason from its own measurement, the most useful one first."""

from dataclasses import replace

import pytest

from gate.page.picture.measure import StripState
from gate.page.picture.objections import (
    CONTRAST_MIN,
    LOST_BRIGHT_MIN,
    LOST_MAX,
    SHARPNESS_MIN,
    hints_of,
    moving,
    reasons_of,
)
from gate.page.values import PITCH_PX_MIN, Why

GOOD = StripState(lined=True, pitch_px=16.0, contrast=0.7, sharpness=0.6)


def test_a_good_mrz_needs_no_hint_and_an_unread_one_has_a_reason_all_the_same() -> None:
    assert hints_of(GOOD) == ()
    assert reasons_of([GOOD]) == (Why.UNREADABLE,)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"rotation_deg": 178.0}, Why.UPSIDE_DOWN),
        ({"rotation_deg": -150.0}, Why.UPSIDE_DOWN),
        ({"pitch_px": PITCH_PX_MIN - 0.1}, Why.TOO_SMALL),
        ({"lost": LOST_MAX + 0.01, "lost_bright": LOST_BRIGHT_MIN}, Why.GLARE),
        ({"lost": LOST_MAX + 0.01, "lost_bright": LOST_BRIGHT_MIN - 0.01}, Why.COVERED),
        ({"sharpness": SHARPNESS_MIN - 0.01}, Why.BLURRED),
        ({"contrast": CONTRAST_MIN - 0.01}, Why.BLURRED),
    ],
)
def test_each_fault_has_its_reason(fault: dict[str, float], why: Why) -> None:
    state = replace(GOOD, **fault)  # type: ignore[arg-type]
    assert hints_of(state) == (why,)
    assert reasons_of([state]) == (why,)


def test_faults_at_their_bounds_are_none() -> None:
    edge = StripState(
        lined=True,
        pitch_px=PITCH_PX_MIN,
        contrast=CONTRAST_MIN,
        sharpness=SHARPNESS_MIN,
        lost=LOST_MAX,
        rotation_deg=119.0,
    )
    assert hints_of(edge) == ()


def test_without_characters_on_a_grid_there_is_no_mrz() -> None:
    assert reasons_of([]) == (Why.NO_MRZ,)
    assert reasons_of([replace(GOOD, lined=False, pitch_px=2.0)]) == (Why.NO_MRZ,)
    assert reasons_of([replace(GOOD, lined=False, sharpness=0.1)]) == (Why.BLURRED,), "lines that nobody can read"


def test_of_several_groups_the_fullest_one_tells() -> None:
    small = replace(GOOD, pitch_px=4.0, lost=0.0)
    assert reasons_of([replace(GOOD, lost=0.5), small]) == (Why.TOO_SMALL,)


def test_half_a_character_between_frames_is_moving() -> None:
    assert moving(9.0, 16.0)
    assert not moving(7.0, 16.0)
