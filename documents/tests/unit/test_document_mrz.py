"""The machine-readable zone: fields, check digits, problems, dates."""

from __future__ import annotations

from datetime import date

import pytest

from gate_documents.countries import certificate_countries, is_state_code
from gate_documents.dates import date_of_birth, date_of_expiry, full_date
from gate_documents.errors import MrzError
from gate_documents.mrz.layouts import MrzFormat
from gate_documents.mrz.parser import check_digit, parse

TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
MRV_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<")
TODAY = date(2026, 11, 25)


def test_the_passport_of_the_standard_is_read_field_by_field() -> None:
    mrz = parse(TD3)
    assert mrz.format is MrzFormat.TD3
    assert (mrz.document_type, mrz.issuer, mrz.nationality, mrz.number) == ("P", "UTO", "UTO", "L898902C3")
    assert (mrz.surname, mrz.given_names, mrz.sex) == ("ERIKSSON", "ANNA MARIA", "F")
    assert (mrz.birth, mrz.expiry, mrz.optional) == ("740812", "120415", ("ZE184226B",))
    assert mrz.check_digits == dict.fromkeys(("number", "birth", "expiry", "personal_number", "composite"), True)
    assert mrz.valid
    assert mrz.problems == ()
    assert mrz.key.information == b"L898902C3674081221204159"


@pytest.mark.parametrize(
    ("lines", "mrz_format"),
    [(TD1, MrzFormat.TD1), (TD2, MrzFormat.TD2), (MRV_A, MrzFormat.MRV_A), (MRV_B, MrzFormat.MRV_B)],
)
def test_every_size_of_the_standard_is_recognised_and_valid(lines: tuple[str, ...], mrz_format: MrzFormat) -> None:
    mrz = parse(lines)
    assert mrz.format is mrz_format
    assert mrz.valid
    assert mrz.problems == ()
    assert mrz.given_names == "ANNA MARIA"


@pytest.mark.parametrize("separator", ["", " ", "\n", "\r\n"])
def test_lines_may_come_joined_or_set_apart(separator: str) -> None:
    assert parse(separator.join(TD3)) == parse(TD3)


def test_a_long_document_number_goes_on_in_the_optional_data() -> None:
    mrz = parse(("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"))
    assert mrz.number == "D23145890734"
    assert mrz.key.information == b"D23145890734934071279507122"
    assert mrz.valid
    assert mrz.optional == ("", "")


def test_a_number_that_merely_lacks_its_digit_is_not_lengthened() -> None:
    mrz = parse(("I<UTOD23145890<7<<<<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"))
    assert mrz.number == "D23145890"
    assert not mrz.check_digits["number"]


def test_only_an_empty_personal_number_may_go_without_its_digit() -> None:
    empty = parse((TD3[0], "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<8"))
    assert empty.check_digits["personal_number"]
    filled = parse((TD3[0], "L898902C36UTO7408122F1204159ZE184226B<<<<<<0"))
    assert not filled.check_digits["personal_number"]


@pytest.mark.parametrize("position", [place for place, character in enumerate(TD3[1]) if character.isdigit()])
def test_a_changed_digit_in_a_checked_field_is_noticed(position: int) -> None:
    lower = TD3[1]
    changed = lower[:position] + str((int(lower[position]) + 1) % 10) + lower[position + 1 :]
    mrz = parse((TD3[0], changed))
    assert not mrz.valid
    assert mrz.problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((TD3[0].replace("UTO", "XYZ", 1), TD3[1]), "the issuer is no state code"),
        ((TD3[0], TD3[1].replace("UTO", "X7Z", 1)), "the nationality is no state code"),
        ((TD3[0], TD3[1].replace("F", "Q", 1)), "the sex is none of M, F, X and <"),
        (("P<UTO<RIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", TD3[1]), "the name begins with a filler or holds a digit"),
        ((TD3[0], TD3[1].replace("740812", "741312", 1)), "the date of birth is no date"),
        ((TD3[0], TD3[1].replace("120415", "<<<<<<", 1)), "the date of expiry is no date"),
        ((TD3[0], "<<<<<<<<<0" + TD3[1][10:]), "there is no document number"),
    ],
)
def test_what_is_odd_is_reported_and_never_repaired(lines: tuple[str, str], problem: str) -> None:
    mrz = parse(lines)
    assert problem in mrz.problems
    assert mrz.lines == lines


@pytest.mark.parametrize("birth", ["<<<<<<", "74<<<<", "7408<<", "XXXXXX"])
def test_an_unknown_date_of_birth_is_no_problem_and_no_date(birth: str) -> None:
    mrz = parse((TD3[0], TD3[1].replace("740812", birth, 1)))
    assert "the date of birth is no date" not in mrz.problems
    assert mrz.born_on(TODAY) is None


@pytest.mark.parametrize("text", ["", "P<UTO", "x" * 88, "P<UTOERIKSSON<<ANNA<MARIA<" * 4, "<" * 300, "É" * 88])
def test_text_that_is_no_mrz_is_refused(text: str) -> None:
    with pytest.raises(MrzError):
        parse(text)


def test_a_foreign_character_has_no_check_digit() -> None:
    with pytest.raises(MrzError, match="character"):
        check_digit("AB-1")


def test_values_never_show_what_they_hold() -> None:
    mrz = parse(TD3)
    assert "ERIKSSON" not in repr(mrz)
    assert "L898902C3" not in repr(mrz.key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("411125", date(2041, 11, 25)),
        ("421125", date(1942, 11, 25)),
        ("000229", date(2000, 2, 29)),
        ("260230", None),
        ("4111", None),
    ],
)
def test_an_expiry_lies_within_fifteen_years_ahead(text: str, expected: date | None) -> None:
    assert date_of_expiry(text, TODAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("261125", TODAY),
        ("261126", date(1926, 11, 26)),
        ("270101", date(1927, 1, 1)),
        ("<<<<<<", None),
        ("²61125", None),
    ],
)
def test_a_birth_is_never_in_the_future(text: str, expected: date | None) -> None:
    assert date_of_birth(text, TODAY) == expected


@pytest.mark.parametrize(("text", "expected"), [("20260229", None), ("20240229", date(2024, 2, 29)), ("2024022", None)])
def test_a_full_date_is_read_or_none(text: str, expected: date | None) -> None:
    assert full_date(text) == expected


@pytest.mark.parametrize(
    ("code", "countries"),
    [
        ("D", {"DE"}),
        ("GBD", {"GB"}),
        ("RKS", {"KS", "XK"}),
        ("EUE", {"EU"}),
        ("UNO", {"UN"}),
        ("AUT", {"AT"}),
        ("ZZZ", None),
    ],
)
def test_state_codes_lead_to_the_countries_of_certificates(code: str, countries: set[str] | None) -> None:
    assert certificate_countries(code) == (None if countries is None else frozenset(countries))


def test_a_stateless_persons_code_is_known_but_signs_nothing() -> None:
    assert is_state_code("XXA")
    assert certificate_countries("XXA") is None
