"""The MRZ's writer against the specimen of ICAO 9303-4 appendix, and what it refuses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hardware_sim.passport import mrz

SPECIMEN: dict[str, Any] = {
    "issuer": "UTO",
    "surname": "Eriksson",
    "given": "Anna Maria",
    "number": "L898902C3",
    "nationality": "UTO",
    "birth": date(1974, 8, 12),
    "sex": "F",
    "expiry": date(2012, 4, 15),
}


@pytest.mark.parametrize(
    ("field", "digit"),
    [("L898902C3", "6"), ("740812", "2"), ("120415", "9"), ("ZE184226B<<<<<", "1"), ("<<<<<<<<<<<<<<", "0")],
)
def test_check_digits_are_those_of_the_specimen(field: str, digit: str) -> None:
    assert mrz.check_digit(field) == digit


def test_the_composite_digit_is_that_of_the_specimen() -> None:
    assert mrz.check_digit("L898902C36" + "7408122" + "1204159" + "ZE184226B<<<<<1") == "0"


def test_the_lines_are_the_specimens_without_its_optional_data() -> None:
    assert mrz.lines(**SPECIMEN) == (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<08",
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Müller-Lüdenscheidt", "MUELLER<LUEDENSCHEIDT"),
        ("O'Connor", "OCONNOR"),
        ("Großmann", "GROSSMANN"),
        ("Łukasz Þór", "LUKASZ<THOR"),
        ("  Nguyễn  ", "NGUYEN"),
        ("José", "JOSE"),
    ],
)
def test_names_are_written_in_the_mrzs_letters(name: str, shown: str) -> None:
    assert mrz.transliterate(name) == shown


def test_a_long_name_is_cut_and_the_line_stays_44_characters() -> None:
    upper, _lower = mrz.lines(**{**SPECIMEN, "surname": "Papandropoulous", "given": "Jonathon " * 5})
    assert upper == "P<UTOPAPANDROPOULOUS<<JONATHON<JONATHON<JONA"


def test_a_short_number_and_an_unstated_sex_leave_fillers() -> None:
    _upper, lower = mrz.lines(**{**SPECIMEN, "number": "ab1", "sex": "X"})
    assert lower[:9] == "AB1<<<<<<"
    assert lower[20] == "<"


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": ""},
        {"number": "L898902C36"},
        {"number": "L89-902C3"},
        {"sex": "female"},
        {"surname": "李"},
        {"issuer": "UTOP"},
        {"nationality": ""},
    ],
)
def test_a_field_that_does_not_fit_the_mrz_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be|has no letter|a state is"):
        mrz.lines(**{**SPECIMEN, **wrong})


CARD = {**SPECIMEN, "number": "D23145890"}


def test_the_lines_of_a_small_card_are_the_specimens() -> None:
    assert mrz.lines(**CARD, size="TD1") == (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    )


def test_the_lines_of_a_larger_card_are_the_specimens() -> None:
    assert mrz.lines(**CARD, size="TD2") == (
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
        "D231458907UTO7408122F1204159<<<<<<<6",
    )


def test_a_long_number_continues_in_the_optional_data_with_its_check_digit_last() -> None:
    assert mrz.lines(**{**CARD, "number": "D23145890734"}, size="TD1")[0] == "I<UTOD23145890<7349<<<<<<<<<<<"
    peter: dict[str, Any] = {"surname": "Stevenson", "given": "Peter John", "birth": date(1934, 7, 12), "sex": "M"}
    assert mrz.lines(**{**CARD, **peter, "number": "D23145890734", "expiry": date(1995, 7, 12)}, size="TD2") == (
        "I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<",
        "D23145890<UTO3407127M95071227349<<<8",
    )


@pytest.mark.parametrize(
    ("number", "size", "information"),
    [
        ("L898902C3", "TD3", "L898902C3674081221204159"),
        ("D23145890", "TD1", "D23145890774081221204159"),
        ("D23145890", "TD2", "D23145890774081221204159"),
        ("D23145890734", "TD1", "D23145890734974081221204159"),
        ("D23145890734", "TD2", "D23145890734974081221204159"),
    ],
)
def test_what_opens_a_document_is_found_in_an_mrz_of_any_size(number: str, size: mrz.Size, information: str) -> None:
    assert mrz.key_information(mrz.lines(**{**SPECIMEN, "number": number}, size=size)) == information


@pytest.mark.parametrize(("number", "size"), [("X" * 10, "TD3"), ("X" * 15, "TD2"), ("X" * 23, "TD1")])
def test_a_number_that_no_mrz_of_this_size_can_hold_is_refused(number: str, size: mrz.Size) -> None:
    with pytest.raises(ValueError, match="document number"):
        mrz.lines(**{**SPECIMEN, "number": number}, size=size)
