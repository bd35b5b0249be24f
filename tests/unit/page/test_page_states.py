"""State codes of MRZs: the same ones that the document's own room knows, and no others."""

import itertools
import string

import pytest
from fakes.page_readings import PASSPORT, reading

from gate.page.picture.layout import LAYOUTS, at, exists
from gate.page.picture.objections import objections_to
from gate.page.values import MrzFormat
from gate_documents.countries import is_state_code


def test_a_page_and_a_document_know_the_same_codes() -> None:
    for letters in itertools.product(string.ascii_uppercase + "<", repeat=3):
        code = "".join(letters)
        bare = code.rstrip("<")
        assert exists(code) is ("<" not in bare and is_state_code(bare)), code


@pytest.mark.parametrize("code", ["QQQ", "UTC", "0UT", "D<A", "<<<", "FRG", "DEU"])
def test_a_state_that_does_not_exist_is_an_objection_that_names_the_field(code: str) -> None:
    first, second = PASSPORT
    issuer = reading((first[:2] + code + first[5:], second))
    assert "the code of the issuing state does not exist" in objections_to(issuer)
    nationality = reading((first, second[:10] + code + second[13:]))
    assert "the code of the nationality does not exist" in objections_to(nationality)


def test_states_stand_where_each_format_has_them() -> None:
    card = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159FRA<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
    assert [at(card, place) for place in LAYOUTS[MrzFormat.TD1].states] == ["UTO", "FRA"]
    assert [at(PASSPORT, place) for place in LAYOUTS[MrzFormat.TD3].states] == ["UTO", "UTO"]


@pytest.mark.parametrize("letter", ["V", "I", "A", "R"])
def test_a_passports_mrz_that_begins_otherwise_is_an_objection(letter: str) -> None:
    objections = objections_to(reading((letter + PASSPORT[0][1:], PASSPORT[1])))
    assert objections == ("no document of this size begins with this letter",)
