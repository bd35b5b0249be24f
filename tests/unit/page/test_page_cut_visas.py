"""A visa of 44 columns whose end is cut or covered reads as one of 36, its check digits right: it must not be accepted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.pages import PageConditions, Picture, Shot, draw_page, mrz_lines, shoot

from gate.page.picture.beside import DARK_MAX, SHADE_MAX, STEP_MAX, End, end_of
from gate.page.picture.layout import check_digits
from gate.page.picture.locate import Copies, propose
from gate.page.picture.objections import counts, objections_to
from gate.page.picture.reader import LineRecogniser, open_recogniser, read
from gate.page.picture.sight import look_again, look_at
from gate.page.values import MrzFormat, Reading

KEPT = 36
SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    return open_recogniser(Path("nowhere"))  # the weights are in the tree


def visa(mrz_format: MrzFormat, seed: int) -> Shot:
    """A visa whose lines end in fillers, as most do: what it loses is not missed."""
    random = np.random.default_rng(seed)
    first, second = mrz_lines(random, mrz_format)
    name = first[:26].ljust(len(first), "<")
    lines = (name, second[:28].ljust(len(second), "<"))
    assert all(check_digits(mrz_format, lines).values())
    return shoot(draw_page(lines, random), PageConditions(page_width=1000), random)


def edge_of(seen: Shot) -> int:
    """Between the last character that is kept and the first that is lost."""
    return round(float(np.mean([(line[KEPT - 1][0] + line[KEPT][0]) / 2 for line in seen.centres])))


def covered(seen: Shot, tone: int) -> Picture:
    picture = seen.picture.copy()
    picture[picture.shape[0] // 2 :, edge_of(seen) :] = tone
    noise = np.random.default_rng(5).normal(0, 3, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def paper_of(seen: Shot) -> int:
    left, right = (round(float(seen.centres[0][at][0])) for at in (0, -1))
    between = round(float(seen.centres[0][:, 1].mean() + seen.centres[1][:, 1].mean()) / 2)
    return int(np.median(seen.picture[between - 4 : between + 4, left:right]))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("how", ["picture ends", "table", "white label", "label of the paper's own shade"])
def test_a_larger_visa_that_is_cut_or_covered_is_not_accepted_as_a_smaller_one(
    recogniser: LineRecogniser, how: str, seed: int
) -> None:
    seen = visa(MrzFormat.MRV_A, seed)
    match how:
        case "picture ends":
            picture = seen.picture[:, : edge_of(seen)].copy()
        case "table":
            picture = covered(seen, 70)
        case "white label":
            picture = covered(seen, 250)
        case _:
            picture = covered(seen, paper_of(seen))
    reading = read(picture, recogniser)
    assert isinstance(reading, Reading)
    assert reading.format is MrzFormat.MRV_B
    assert reading.check_digits_hold
    assert "no empty paper" in " ".join(objections_to(reading))
    if how != "table":  # whose dark edge stands between the lines besides
        assert counts(replace(reading, ends_seen=True)), "nothing else would have kept it out"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mrz_format", [MrzFormat.MRV_B, MrzFormat.TD2])
def test_an_mrz_of_that_width_with_its_own_paper_beside_it_counts(
    recogniser: LineRecogniser, mrz_format: MrzFormat, seed: int
) -> None:
    random = np.random.default_rng(seed)
    seen = visa(mrz_format, seed) if mrz_format is MrzFormat.MRV_B else None
    seen = seen or shoot(draw_page(mrz_lines(random, mrz_format), random), PageConditions(page_width=1000), random)
    reading = read(seen.picture, recogniser)
    assert isinstance(reading, Reading)
    assert reading.lines == seen.lines
    assert objections_to(reading) == ()


def test_a_visas_line_that_ends_in_a_letter_may_go_on(recogniser: LineRecogniser) -> None:
    reading = read(visa(MrzFormat.MRV_B, 1).picture, recogniser)
    assert isinstance(reading, Reading)
    going_on = replace(reading, lines=(reading.lines[0], reading.lines[1][:-1] + "7"))
    assert any("may go on" in objection for objection in objections_to(going_on))


@pytest.mark.parametrize(
    "end",
    [
        End(inside=False, step=0, shade=0, dark=0),
        End(inside=True, step=STEP_MAX + 0.01, shade=0, dark=0),
        End(inside=True, step=0, shade=SHADE_MAX + 0.01, dark=0),
        End(inside=True, step=0, shade=0, dark=DARK_MAX + 0.01),
    ],
)
def test_any_one_of_these_is_no_empty_paper(end: End) -> None:
    assert not end.empty
    assert End(inside=True, step=STEP_MAX, shade=SHADE_MAX, dark=DARK_MAX).empty


def right_end(picture: Picture, recogniser: LineRecogniser) -> End:
    look = look_again(picture, recogniser, look_at(picture, recogniser, propose(Copies(picture))[0]))
    assert look.text is not None
    assert len(look.text.choice.lines[0]) == KEPT
    return end_of(picture, look.ribbons, look.text.cells, after=True)


def test_what_lies_beside_an_mrz_is_told_apart(recogniser: LineRecogniser) -> None:
    own, larger = visa(MrzFormat.MRV_B, 2), visa(MrzFormat.MRV_A, 2)
    assert right_end(own.picture, recogniser).empty
    assert not right_end(larger.picture[:, : edge_of(larger)].copy(), recogniser).inside
    table = right_end(covered(larger, 70), recogniser)
    assert table.inside
    assert table.step > 2 * STEP_MAX
    assert table.shade > 2 * SHADE_MAX
    (x, y), pitch_px = own.centres[1][-1], own.pitch_px
    blotted = own.picture.copy()
    blotted[
        round(y - 0.3 * pitch_px) : round(y + 0.3 * pitch_px), round(x + 0.8 * pitch_px) : round(x + 1.3 * pitch_px)
    ] = 40
    assert right_end(blotted, recogniser).dark > DARK_MAX
