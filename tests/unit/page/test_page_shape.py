"""Characters are held against their shapes in OCR-B: what the recogniser is sure of and is not there is told."""

import string
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes.pages import FONT, PageConditions, draw_page, mrz_lines, shoot

from gate.page.picture import shape
from gate.page.picture.decode import Cells
from gate.page.picture.layout import LAYOUTS, check_digits, mistakable
from gate.page.picture.measure import marks_beside
from gate.page.picture.objections import FIT_MIN, LEAD_MIN, MARKS_MAX, counts, objections_to
from gate.page.picture.reader import LineRecogniser, open_recogniser, read
from gate.page.picture.shape import fits_of, rivals_of
from gate.page.values import ALPHABET, MrzFormat, Reading
from gate_lab.train.ocr_b import TILE_PX, tiles

WIDTH_PX, HEIGHT_PX = 704, 32
PITCH_ROWS = HEIGHT_PX / 2.5
Strip = npt.NDArray[np.float32]


def line_of(text: str) -> tuple[Strip, Cells]:
    """A line as a strip has it: dark on light, one pitch of margin, and the cells that it stands in."""
    pitch = WIDTH_PX / (len(text) + 2)
    bank = tiles()
    zoom = pitch / TILE_PX[0]
    strip = np.full((HEIGHT_PX, WIDTH_PX), 0.85, np.float32)
    size = (round(TILE_PX[0] * zoom), round(TILE_PX[1] * PITCH_ROWS / TILE_PX[0]))
    middles = (np.arange(len(text)) + 1.5) * pitch
    for middle, character in zip(middles, text, strict=True):
        at = ALPHABET.index(character) * TILE_PX[0]
        tile = cv2.resize(bank[:, at : at + TILE_PX[0]], size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        left, top = round(middle - size[0] / 2), round((HEIGHT_PX - size[1]) / 2)
        strip[top : top + size[1], left : left + size[0]] -= 0.7 * tile
    return strip, Cells(middles / 4 - 0.5, np.full((len(text), len(ALPHABET)), 1 / len(ALPHABET)), 0.0, 0.01)


def every_other(text: str) -> npt.NDArray[np.bool_]:
    return np.array([[other != character for other in ALPHABET] for character in text])


def judged(strip: Strip, cells: Cells, text: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    return fits_of(strip, cells, text, every_other(text), pitch_rows=PITCH_ROWS)


def test_the_tiles_in_the_tree_are_the_fonts() -> None:
    if not FONT.is_file():
        pytest.skip("needs Debian's fonts-ocr-b")
    kept = cv2.imread(str(shape.TILES), cv2.IMREAD_GRAYSCALE)
    assert kept is not None
    assert np.abs(kept.astype(int) - tiles()).max() <= 2


def test_every_character_fits_its_own_shape_and_leads_over_all_others() -> None:
    text = string.digits + string.ascii_uppercase
    strip, cells = line_of(text)
    fits, leads = judged(strip, cells, text)
    assert fits.min() > 0.9
    assert leads.min() > LEAD_MIN


def test_a_line_of_fillers_alone_is_laid_over_them() -> None:
    fits, leads = judged(*line_of("<" * 30), "<" * 30)
    assert fits.min() > 0.9
    assert leads.min() > LEAD_MIN


def test_a_blank_strip_fits_nothing() -> None:
    _, cells = line_of("A" * 30)
    fits, _ = judged(np.full((HEIGHT_PX, WIDTH_PX), 0.7, np.float32), cells, "A" * 30)
    assert fits.max() < FIT_MIN


@pytest.mark.parametrize(("printed", "said"), [("I", "T"), ("E", "F"), ("O", "Q"), ("M", "H"), ("0", "O"), ("<", "K")])
def test_a_character_that_is_said_to_be_another_has_no_lead(printed: str, said: str) -> None:
    text = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    truly = text[:20] + printed + text[21:]
    strip, cells = line_of(truly)
    wrong = text[:20] + said + text[21:]
    _, leads = judged(strip, cells, wrong)
    assert leads[20] < 0 < LEAD_MIN
    assert int(leads.argmin()) == 20


def test_a_letter_that_lost_a_half_fits_worse_than_the_others() -> None:
    text = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    strip, cells = line_of(text)
    pitch = WIDTH_PX / (len(text) + 2)
    hurt = strip.copy()
    hurt[:, round(6.5 * pitch) : round(7.05 * pitch)] = 0.85  # of the first E
    before, after = judged(strip, cells, text)[0], judged(hurt, cells, text)[0]
    assert int(after.argmin()) == 5
    assert after[5] < FIT_MIN < before[5]


def test_only_what_no_check_digit_tells_is_a_rival() -> None:
    assert set(mistakable(MrzFormat.TD3, 0, 10, "A")) == set(string.ascii_uppercase + "<") - {"A"}
    assert mistakable(MrzFormat.TD3, 1, 15, "4") == "", "another digit in a date breaks its sum"
    assert set(mistakable(MrzFormat.TD3, 1, 2, "8")) == set("IS")
    assert set(mistakable(MrzFormat.MRV_A, 1, 30, "8")) == set(ALPHABET) - {"8"}
    rivals = rivals_of(MrzFormat.TD3, 1, "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
    assert rivals.shape == (44, len(ALPHABET))
    assert not rivals[27].any()


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_what_could_be_mistaken_leaves_every_sum_as_it_is(mrz_format: MrzFormat) -> None:
    lines = mrz_lines(np.random.default_rng(3), mrz_format)
    digits = {(line, column) for check in LAYOUTS[mrz_format].checks for line, column, _ in [check.digit]}
    for line, text in enumerate(lines):
        for column, character in enumerate(text):
            for other in mistakable(mrz_format, line, column, character):
                changed = [*lines]
                changed[line] = text[:column] + other + text[column + 1 :]
                if (line, column) not in digits and column not in range(15, 30) and line < 2:  # where numbers run over
                    assert all(check_digits(mrz_format, changed).values()), (line, column, character, other)


def test_a_bank_that_is_damaged_is_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shape, "TILES", tmp_path / "ocr_b.png")
    shape._banks.cache_clear()
    try:
        with pytest.raises(ValueError, match="OCR-B"):
            judged(*line_of("A" * 30), "A" * 30)
    finally:
        shape._banks.cache_clear()


def test_ink_between_the_lines_is_a_mark_and_that_of_a_line_is_none() -> None:
    strip, cells = line_of("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<")

    def marks(seen: Strip, *, spacing: float = 2.5, above: bool = True, below: bool = True) -> int:
        return marks_beside(seen, cells, pitch_rows=PITCH_ROWS, spacing=spacing, above=above, below=below)

    assert marks(strip) == 0
    dusty = strip.copy()
    dusty[2:6, 200:204] = dusty[27:29, 500:504] = 0.2
    assert marks(dusty) >= 2
    assert 0 < marks(dusty, above=False) < marks(dusty)
    assert marks(dusty, spacing=1.4) == 0, "lines that are so close leave nothing between them"


@pytest.fixture(scope="module")
def recogniser() -> LineRecogniser:
    return open_recogniser(Path("nowhere"))  # the weights are in the tree


def test_a_page_with_a_pens_stroke_through_its_name_is_not_accepted(recogniser: LineRecogniser) -> None:
    random = np.random.default_rng(4)
    seen = shoot(draw_page(mrz_lines(random, MrzFormat.TD3), random), PageConditions(page_width=1000), random)
    clean = read(seen.picture, recogniser)
    assert isinstance(clean, Reading)
    assert counts(clean)
    (x0, y0), (x1, y1) = seen.centres[0][9], seen.centres[1][13]
    written = seen.picture.copy()
    cv2.line(written, (round(x0), round(y0)), (round(x1), round(y1)), (70,), 2, cv2.LINE_AA)
    hurt = read(written, recogniser)
    assert isinstance(hurt, Reading)
    assert hurt.marks > MARKS_MAX
    assert "there are marks between the lines" in objections_to(hurt)
