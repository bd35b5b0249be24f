"""Which text explains an MRZ's cells best: priors of places, check digits, repairs that are marked, other readings kept."""

import numpy as np
import numpy.typing as npt
import pytest
from fakes.pages import mrz_lines
from hypothesis import given
from hypothesis import strategies as st

from gate.page.picture.layout import LAYOUTS, Kind, check_digits
from gate.page.picture.text import choose, weigh
from gate.page.values import ALPHABET, MrzFormat
from gate_documents.mrz.parser import parse

Cells = npt.NDArray[np.float64]
PASSPORT = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)


def cells_of(text: str, sure: float = 0.98) -> Cells:
    cells = np.full((len(text), len(ALPHABET)), (1 - sure) / (len(ALPHABET) - 1))
    for row, character in enumerate(text):
        cells[row, ALPHABET.index(character)] = sure
    return cells


def seen_as(cells: Cells, column: int, shares: dict[str, float]) -> None:
    cells[column] = 1e-4
    for character, share in shares.items():
        cells[column, ALPHABET.index(character)] = share


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_every_line_of_every_format_has_a_kind_for_each_character(mrz_format: MrzFormat) -> None:
    lines, width = mrz_format.shape
    assert [len(kinds) for kinds in LAYOUTS[mrz_format].kinds] == [width] * lines


@given(seed=st.integers(0, 2**32 - 1), mrz_format=st.sampled_from(MrzFormat), spoil=st.integers(0, 89))
def test_check_digits_are_judged_as_the_document_room_judges_them(seed: int, mrz_format: MrzFormat, spoil: int) -> None:
    random = np.random.default_rng(seed)
    lines = list(mrz_lines(random, mrz_format))
    line, column = divmod(spoil % (len(lines) * len(lines[0])), len(lines[0]))
    if (line, column) != (0, 0):
        lines[line] = lines[line][:column] + str(random.choice(list(ALPHABET))) + lines[line][column + 1 :]
    assert check_digits(mrz_format, lines) == dict(parse(lines).check_digits)


def test_a_number_that_runs_over_is_checked_whole() -> None:
    lines = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")
    assert check_digits(MrzFormat.TD1, lines) == dict(parse(lines).check_digits)


@pytest.mark.parametrize("mrz_format", MrzFormat)
def test_sure_cells_are_read_as_they_are(mrz_format: MrzFormat) -> None:
    lines = mrz_lines(np.random.default_rng(7), mrz_format)
    choice = choose(mrz_format, [cells_of(line) for line in lines])
    assert choice.lines == lines
    assert choice.holds
    assert choice.weakest > 0.8


def test_the_first_letter_tells_a_visa_from_a_passport() -> None:
    visa = mrz_lines(np.random.default_rng(8), MrzFormat.MRV_A)
    cells = [cells_of(line) for line in visa]
    assert choose(MrzFormat.MRV_A, cells).score > choose(MrzFormat.TD3, cells).score
    cells = [cells_of(line) for line in PASSPORT]
    assert choose(MrzFormat.TD3, cells).score > choose(MrzFormat.MRV_A, cells).score


def likeliest(kind: Kind, seen: str) -> str:
    """The character that stands in a place of this kind where another one was seen."""
    return ALPHABET[weigh([kind], cells_of(seen))[0].argmax()]


def test_a_letter_o_in_a_date_speaks_for_zero() -> None:
    cells = [cells_of(line) for line in PASSPORT]
    seen_as(cells[1], 15, {"O": 0.97, "0": 0.01})
    choice = choose(MrzFormat.TD3, cells)
    assert choice.lines == PASSPORT
    assert likeliest(Kind.DIGIT, "O") == "0"
    assert likeliest(Kind.LETTER, "0") == "O"


def test_what_no_place_can_explain_stays_as_printed_and_unsure() -> None:
    assert likeliest(Kind.DIGIT, "W") == "W"


def test_a_cell_without_ink_is_unsure_whatever_it_is_taken_for() -> None:
    cells = cells_of("7") * 0.2
    assert weigh([Kind.DIGIT], cells)[0].max() < 0.25


def test_zero_is_preferred_in_numbers_and_the_letter_is_kept() -> None:
    lines = list(PASSPORT)
    cells = [cells_of(line) for line in lines]
    seen_as(cells[1], 5, {"0": 0.45, "O": 0.53})
    choice = choose(MrzFormat.TD3, cells)
    assert choice.lines == PASSPORT
    assert choice.alternatives == (), "the number's digit fails with the letter"
    visa = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
    cells = [cells_of(line) for line in visa]
    seen_as(cells[1], 40, {"0": 0.5, "O": 0.48})
    choice = choose(MrzFormat.MRV_A, cells)
    assert choice.lines[1][40] == "0"
    assert [lines[1][40] for lines in choice.alternatives] == ["O"]


def test_one_doubtful_character_is_put_right_and_marked() -> None:
    cells = [cells_of(line) for line in PASSPORT]
    seen_as(cells[1], 6, {"2": 0.4, "7": 0.55})
    choice = choose(MrzFormat.TD3, cells)
    assert choice.lines == PASSPORT
    assert choice.repaired
    assert not choice.holds
    assert choice.confidence[1][6] < 0.5


def test_a_sure_character_is_never_replaced_for_a_digits_sake() -> None:
    wrong = PASSPORT[1][:-1] + "7"
    cells = [cells_of(PASSPORT[0]), cells_of(wrong)]
    seen_as(cells[1], 43, {"7": 0.95, "0": 0.03})
    choice = choose(MrzFormat.TD3, cells)
    assert choice.lines == (PASSPORT[0], wrong)
    assert not choice.repaired
    assert choice.check_digits["composite"] is False


def test_two_doubtful_characters_are_not_repaired() -> None:
    cells = [cells_of(line) for line in PASSPORT]
    seen_as(cells[1], 6, {"2": 0.4, "7": 0.55})
    seen_as(cells[1], 16, {"8": 0.4, "3": 0.55})
    choice = choose(MrzFormat.TD3, cells)
    assert not choice.repaired
    assert not all(choice.check_digits.values())


def test_a_choice_does_not_show_its_lines() -> None:
    assert "ERIKSSON" not in repr(choose(MrzFormat.TD3, [cells_of(line) for line in PASSPORT]))
