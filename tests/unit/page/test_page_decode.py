"""Frames become exactly 30, 36 or 44 cells: characters stand on a fixed pitch or are none."""

import numpy as np
import pytest
from fakes.mrz_frames import Faults, blank_frames, frames_of

from gate.page.picture.decode import LENGTHS, Cells, decode, fit_grid
from gate.page.values import ALPHABET

LINE = {
    30: "I<UTOD231458907<<<<<<<<<<<<<<<",
    36: "D231458907UTO7408122F1204159<<<<<<<6",
    44: "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
}


def text_of(cells: Cells) -> str:
    """The likeliest character of each cell, by itself."""
    return "".join(ALPHABET[index] for index in cells.probabilities.argmax(axis=1))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("margins", [(0.3, 2.6), (1.0, 1.0), (2.6, 0.3)])
def test_a_line_is_read_whatever_its_margins_are(length: int, margins: tuple[float, float]) -> None:
    left, right = margins
    cuts = decode(frames_of(LINE[length], Faults(left=left, right=right)))
    assert text_of(cuts[length][0]) == LINE[length]


@pytest.mark.parametrize("squeeze", [-0.1, -0.05, 0.05, 0.1])
def test_a_page_seen_at_an_angle_is_read(squeeze: float) -> None:
    cells = decode(frames_of(LINE[44], Faults(squeeze=squeeze)))[44][0]
    assert text_of(cells) == LINE[44]
    steps = np.diff(cells.centres)
    assert (steps[0] > steps[-1]) == (squeeze > 0)


def test_a_lost_character_keeps_its_cell_and_is_known_to_be_unsure() -> None:
    frames = frames_of(LINE[44])
    whole = decode(frames)[44][0]
    gone = round(whole.centres[20])
    frames[gone - 2 : gone + 3] = blank_frames()[:5]
    cells = decode(frames)[44][0]
    read = text_of(cells)
    assert read[:20] + read[21:] == LINE[44][:20] + LINE[44][21:]
    assert cells.probabilities[20].sum() < 0.05
    assert np.delete(cells.probabilities.sum(axis=1), 20).min() > 0.9


@pytest.mark.parametrize("lost", [0, 1, 43])
def test_a_line_without_its_first_or_last_character_still_has_all_cells(lost: int) -> None:
    frames = frames_of(LINE[44])
    gone = round(decode(frames)[44][0].centres[lost])
    frames[max(0, gone - 2) : gone + 3] = blank_frames()[: gone + 3 - max(0, gone - 2)]
    texts = [text_of(cells) for cells in decode(frames)[44]]
    kept = [index for index in range(44) if index != lost]
    assert any([text[index] for index in kept] == [LINE[44][index] for index in kept] for text in texts)


def test_a_mark_beside_the_line_gets_no_cell() -> None:
    frames = frames_of(LINE[30], Faults(left=2.6, right=1.0))
    frames[1] = np.log(np.full(38, 0.2 / 37))
    frames[1, 1 + ALPHABET.index("I")] = np.log(0.8)
    assert text_of(decode(frames)[30][0]) == LINE[30]


def test_a_length_that_the_line_cannot_have_is_left_out() -> None:
    assert 30 not in decode(frames_of(LINE[44]))
    assert 44 not in decode(frames_of(LINE[30]))


def test_nothing_on_a_grid_gives_nothing() -> None:
    random = np.random.default_rng(4)
    assert decode(blank_frames()) == {}
    assert decode(frames_of("AB<12", Faults(left=10, right=25))) == {}
    scattered = blank_frames()
    for at in random.choice(176, 30, replace=False):
        scattered[at, 0], scattered[at, 11] = np.log(0.1), np.log(0.9)
    assert decode(scattered) == {}


def test_too_few_steps_of_a_usual_width_are_no_grid() -> None:
    ink = np.zeros(176)
    ink[::9] = 1.0  # nine frames a character: no line is so wide
    assert fit_grid(ink) is None


def test_steps_of_two_widths_are_no_grid() -> None:
    ink = np.zeros(176)
    ink[np.cumsum([7, 3] * 15 + [7])] = 1.0  # as many of either, so that the median is neither
    assert fit_grid(ink) is None


def test_the_pitch_is_told_in_frames() -> None:
    cells = decode(frames_of(LINE[36], Faults(left=1.0, right=1.0)))[36][0]
    assert cells.pitch == pytest.approx(176 / 38, rel=0.01)
    assert cells.residual < 0.06
