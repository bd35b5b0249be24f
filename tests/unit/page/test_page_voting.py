"""A reading is used only if unrepaired, right in every digit, sure in every character, and the same in two frames that differ."""

import numpy as np
import pytest
from fakes.page_readings import PASSPORT, elsewhere, geometry, reading
from fakes.pages import mrz_lines

from gate.page.picture.objections import (
    CONFIDENCE_MIN,
    FIT_MIN,
    LEAD_MIN,
    MARKS_MAX,
    UNCHECKED_MIN,
    counts,
    objections_to,
)
from gate.page.stream.votes import FRAMES_MIN, TEXTS_MAX, Votes
from gate.page.values import PITCH_PX_MIN, MrzFormat, Reading

OTHER = ("P<UTOERIKSSON<<ANNE<MARIA<<<<<<<<<<<<<<<<<<<", PASSPORT[1])
WRONG_DIGIT = (PASSPORT[0], PASSPORT[1][:-1] + "7")


def moved() -> Reading:
    """The same text, the page lying elsewhere."""
    return reading(geometry=elsewhere())


def test_a_good_reading_counts_and_two_alike_are_accepted_if_the_page_moved_between_them() -> None:
    votes = Votes()
    assert objections_to(reading()) == ()
    assert not votes.cast(reading())
    assert not votes.cast(reading())
    assert votes.cast(moved())


def doubting(sure: float, *, line: int, column: int) -> Reading:
    confidence = [[0.99] * len(text) for text in PASSPORT]
    confidence[line][column] = sure
    return reading(confidence=tuple(map(tuple, confidence)))


def test_marks_between_the_lines_never_count() -> None:
    assert counts(reading(marks=MARKS_MAX))
    assert objections_to(reading(marks=MARKS_MAX + 1)) == ("there are marks between the lines",)


def test_a_repair_never_counts() -> None:
    votes = Votes()
    repaired = reading(repaired=True)
    assert not any(votes.cast(repaired) for _ in range(5))
    assert any("likeliest" in objection for objection in objections_to(repaired))


def test_a_wrong_digit_never_counts_and_is_named() -> None:
    wrong = reading(WRONG_DIGIT)
    assert objections_to(wrong) == ("the check digit of composite is wrong",)
    assert not any(Votes().cast(wrong) for _ in range(3))


@pytest.mark.parametrize(("weakest", "enough"), [(CONFIDENCE_MIN - 0.01, False), (CONFIDENCE_MIN, True)])
def test_the_weakest_character_decides(weakest: float, enough: bool) -> None:  # noqa: FBT001 - a table of cases
    assert counts(doubting(weakest, line=1, column=3)) is enough


@pytest.mark.parametrize(("line", "column"), [(0, 0), (0, 3), (0, 43), (1, 11), (1, 20)])
def test_where_no_check_digit_tells_a_character_must_be_surer(line: int, column: int) -> None:
    """Names, states, sex: a wrong one shows in no sum."""
    assert counts(doubting(UNCHECKED_MIN, line=line, column=column))
    (objection,) = objections_to(doubting(UNCHECKED_MIN - 0.01, line=line, column=column))
    assert "no check digit covers" in objection


def test_characters_that_are_too_small_never_count() -> None:
    assert not counts(reading(geometry=geometry(PITCH_PX_MIN - 0.1)))
    assert counts(reading(geometry=geometry(PITCH_PX_MIN)))


def test_a_shape_that_is_not_its_characters_never_counts() -> None:
    assert not counts(reading(fit=FIT_MIN - 0.01))
    assert not counts(reading(lead=LEAD_MIN - 0.001))
    assert counts(reading(fit=FIT_MIN, lead=LEAD_MIN))


def test_an_mrz_that_may_be_a_part_of_a_longer_one_never_counts() -> None:
    (objection,) = objections_to(reading(ends_seen=False))
    assert "part of a longer one" in objection


def test_characters_beside_the_mrz_never_count() -> None:
    assert objections_to(reading(crowded=True)) == ("more characters stand beside the MRZ",)


def test_a_frame_that_disagrees_must_be_outvoted() -> None:
    """Names have no check digit: two readings of one page may both look perfect."""
    votes = Votes()
    assert not votes.cast(reading(OTHER))
    assert not votes.cast(reading())
    assert not votes.cast(moved())
    assert votes.cast(reading())


def test_readings_that_do_not_count_take_nothing_away() -> None:
    votes = Votes()
    assert not votes.cast(reading())
    assert not votes.cast(reading(OTHER, weakest=0.1))
    assert votes.cast(moved())


def test_the_texts_of_one_document_are_limited() -> None:
    votes = Votes()
    random = np.random.default_rng(1)
    for _ in range(TEXTS_MAX):
        assert not votes.cast(reading(mrz_lines(random, MrzFormat.TD3)))
    assert not any(votes.cast(reading()) for _ in range(FRAMES_MIN + 2))
