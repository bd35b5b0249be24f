"""Two pictures are worth more than one only if something changed between them: where the page lay, or the light on it."""

from dataclasses import replace

import numpy as np
import pytest
from fakes.page_readings import PITCH_PX, geometry, reading

from gate.page.picture.decode import Cells
from gate.page.picture.measure import light_on
from gate.page.stream.votes import LIGHT_MIN, MOVED_PITCHES_MIN, Votes, apart
from gate.page.values import LinePlace, Reading

LIGHT = (0.8,) * 16


def moved(by_px: float, *, end_by_px: float | None = None) -> Reading:
    usual = geometry()
    end_by_px = by_px if end_by_px is None else end_by_px
    lines = tuple(
        LinePlace((line.start[0], line.start[1] + by_px), (line.end[0], line.end[1] + end_by_px), line.height_px)
        for line in usual.lines
    )
    return reading(geometry=replace(usual, lines=lines), light=LIGHT)


def lit(*light: float) -> Reading:
    return reading(light=light)


def test_pictures_of_a_page_that_lies_still_are_not_apart() -> None:
    assert not apart(moved(0), moved(0))
    assert not apart(moved(0), moved(0.9 * MOVED_PITCHES_MIN * PITCH_PX))
    assert apart(moved(0), moved(1.01 * MOVED_PITCHES_MIN * PITCH_PX))


def test_a_page_that_turned_about_one_of_its_characters_has_not_moved_there() -> None:
    assert not apart(moved(0), moved(-40, end_by_px=40))
    assert not apart(moved(0), moved(0, end_by_px=90))
    assert apart(moved(0), moved(40, end_by_px=90))


def test_another_exposure_is_no_other_light_but_a_lamp_from_elsewhere_is() -> None:
    assert not apart(lit(*LIGHT), lit(*[0.5 * share for share in LIGHT]))
    bright = (*LIGHT[:4], *[share * (1 + 1.5 * LIGHT_MIN) for share in LIGHT[4:8]], *LIGHT[8:])
    assert apart(lit(*LIGHT), lit(*bright))
    assert not apart(lit(), lit()), "of what was not measured nothing is said"


def test_the_light_is_that_of_the_paper_along_the_lines_and_not_of_the_table_beside() -> None:
    cells = Cells(np.arange(44, dtype=np.float64) * 4 - 0.5, np.zeros((44, 37)), 0.0, 0.0)
    strips = np.full((2, 1, 32, 704), 0.6, np.float32)
    strips[0, 0, :, 352:] = 0.9
    strips[:, :, 12:20, ::9] = 0.1  # ink
    light = light_on(strips, [cells, cells])
    assert len(light) == 16
    assert light == pytest.approx([0.6] * 4 + [0.9] * 4 + [0.6] * 8)
    strips[:, :, :, 690:] = 1.0
    assert light_on(strips, [cells, cells]) == light


def test_frames_that_agree_are_accepted_only_with_one_that_is_apart() -> None:
    votes = Votes()
    assert not any(votes.cast(moved(0)) for _ in range(20))
    assert votes.agreed
    assert votes.cast(moved(30))


def test_a_frame_that_is_apart_makes_up_for_no_frame_that_disagrees() -> None:
    votes = Votes()
    other = replace(moved(0), lines=("P<UTOERIKSSON<<ANNE<MARIA<<<<<<<<<<<<<<<<<<<", moved(0).lines[1]))
    assert not votes.cast(other)
    assert not votes.cast(moved(0))
    assert not votes.cast(moved(30))
    assert not votes.agreed
    assert votes.cast(moved(0))
