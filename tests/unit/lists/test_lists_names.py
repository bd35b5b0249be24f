"""Names in the letters of the MRZ, and who on a list a traveller may be."""

from __future__ import annotations

import pytest
from fakes.signed_lists import NOW, Agency
from hypothesis import given
from hypothesis import strategies as st

from gate.lists.entries import Named
from gate.lists.errors import BadListError
from gate.lists.latin import in_mrz_letters
from gate.lists.names import People
from gate_lab.list_edition import Said, edition

AGENCY = Agency()


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Müller-Strauß, Jörg", "MUELLER STRAUSS JOERG"),
        ("Åström, Bjørn", "AASTROEM BJOERN"),
        ("Núñez y Peña", "NUNEZ Y PENA"),
        ("Çelik, İpek Su", "CELIK IPEK SU"),
        ("Þórsdóttir", "THORSDOTTIR"),
        ("O\u2019Connor, D'Arcy", "OCONNOR DARCY"),
        ("Щербаков, Юрий Алексеевич", "SHCHERBAKOV IURII ALEKSEEVICH"),
        ("Ковальчук Євген", "KOVALCHUK IEVGEN"),
        ("Παπαδόπουλος, Γεώργιος", "PAPADOPOULOS GEORGIOS"),
        ("Ευαγγελία Μπακογιάννη", "EVANGELIA BAKOGIANNI"),
        ("წერეთელი, ქეთევან", "TSERETELI KETEVAN"),
        ("محمد", "MXHMD"),
        ("خالد الشريف", "XKHALD ALXSHRYF"),
        ("عَبْد", "EBD"),  # what is written over the letters is left out
        ("ERIKSSON<<ANNA<MARIA", "ERIKSSON ANNA MARIA"),
        ("", ""),
    ],
)
def test_a_name_is_spelt_as_the_tables_have_it(name: str, letters: str) -> None:
    assert in_mrz_letters(name) == letters


def test_a_list_with_more_spellings_than_can_be_looked_through_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gate.lists.names.SPELLINGS_IN_ALL_MAX", 3)
    two = Named(reference="A-1", names=("BERG, BO", "BERG, BOSSE"))
    People([two])
    with pytest.raises(BadListError, match="more than 3 spellings"):
        People([two, Named(reference="A-2", names=("LIND, EVA", "LIND, EVE"))])


def test_no_edition_is_made_of_names_that_a_gate_could_not_compare() -> None:
    fields = AGENCY.header(b"", 0, 1)
    said = Said(**{name: getattr(fields, name) for name in Said.__struct_fields__})
    assert edition(said, [], [Named(reference="A-1", names=("BERG, BO",))], NOW).header.names == 1
    with pytest.raises(BadListError, match="cannot be compared"):
        edition(said, [], [Named(reference="A-1", names=("王小明",))], NOW)


@pytest.mark.parametrize("name", ["王小明", "שרה", "Anna 3", "Anna\x00", "😀"])
def test_writing_without_a_table_is_refused_and_not_passed_over(name: str) -> None:
    with pytest.raises(ValueError, match="has no table"):
        in_mrz_letters(name)


@given(name=st.text(max_size=1000))
def test_whatever_is_written_becomes_letters_or_one_clear_error(name: str) -> None:
    try:
        letters = in_mrz_letters(name)
    except ValueError:
        return
    assert set(letters) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")


def people(*names: str, born: str = "1974-08-12") -> People:
    return People([Named(reference=f"R-{at}", names=(name,), born=born) for at, name in enumerate(names)])


@pytest.mark.parametrize(
    ("listed", "surname", "given_names"),
    [
        ("ERIKSSON, ANNA MARIA", "ERIKSSON", "ANNA MARIA"),
        ("Eriksson, Anna Maria", "ERIKSON", "ANNA MARIA"),
        ("Müller, Jörg", "MULLER", "JORG"),
        ("Щербаков, Юрий", "SHERBAKOV", "YURIY"),
        ("Παπαδόπουλος, Γεώργιος", "PAPADOPOULOS", "GEORGIOS"),
        ("წერეთელი, ქეთევან", "TSERETELI", "KETEVAN"),
        ("محمد خالد الشريف", "ALSHARIF", "MOHAMMED KHALED"),
        ("محمد خالد الشريف", "EL SHERIF", "MOHAMED KHALID"),
        ("NGUYEN, THI MAI", "MAI", "THI NGUYEN"),
    ],
)
def test_somebody_is_found_although_spelt_in_another_way(listed: str, surname: str, given_names: str) -> None:
    assert [one.reference for one in people(listed).like(surname, given_names, "1974-08-12")] == ["R-0"]


def test_another_date_of_birth_is_somebody_else() -> None:
    listed = people("ERIKSSON, ANNA MARIA")
    assert listed.like("ERIKSSON", "ANNA MARIA", "1974-08-12")
    assert listed.like("ERIKSSON", "ANNA MARIA", "1974-12-08"), "day and month exchanged"
    assert listed.like("ERIKSSON", "ANNA MARIA", "1974"), "the document has the year alone"
    assert listed.like("ERIKSSON", "ANNA MARIA", ""), "the document has no date"
    assert not listed.like("ERIKSSON", "ANNA MARIA", "1974-08-13")
    assert not listed.like("ERIKSSON", "ANNA MARIA", "1975")


def test_a_list_with_the_year_alone_finds_whoever_was_born_in_it() -> None:
    listed = people("ERIKSSON, ANNA MARIA", born="1974")
    assert listed.like("ERIKSSON", "ANNA MARIA", "1974-08-12")
    assert listed.like("ERIKSSON", "ANNA MARIA", "1974")
    assert not listed.like("ERIKSSON", "ANNA MARIA", "1973-08-12")


def test_without_a_date_of_birth_names_must_be_nearly_the_same() -> None:
    listed = people("ERIKSSON, ANNA MARIA", born="")
    assert listed.like("ERIKSON", "ANNA MARIA", "1990-01-01")
    assert not listed.like("ERIKSSON", "ANNE MARGRET", "1990-01-01")


def test_another_name_of_the_same_day_is_nobody_on_the_list() -> None:
    assert not people("ERIKSSON, ANNA MARIA").like("BERG", "KARIN ELISABET", "1974-08-12")
    assert not people("محمد خالد الشريف").like("HADDAD", "OMAR YOUSEF", "1974-08-12")


def test_a_name_that_cannot_be_compared_is_refused_with_its_list() -> None:
    with pytest.raises(BadListError, match="cannot be compared") as refused:
        people("王小明")
    assert "王" not in str(refused.value)
    with pytest.raises(BadListError, match="has no letters"):
        people("- '")


def test_a_traveller_s_name_of_a_thousand_letters_is_cut_off() -> None:
    assert not people("ERIKSSON, ANNA MARIA").like("A" * 1000, "B" * 1000, "1974-08-12")
