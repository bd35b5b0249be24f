"""The page's words: complete, alike and well formed in every language."""

from __future__ import annotations

import itertools
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from fluent.syntax import FluentParser, ast, visitor

import gate.screens.kiosk
from gate.passage.screen import Guidance, Purpose, Screen
from gate.screens.kiosk import texts
from gate.screens.kiosk.view import ViewState, render
from gate.screens.texts import BrokenTextError, UnknownLanguageError

KIOSK = Path(gate.screens.kiosk.__file__).parent
LANGUAGES = texts.available()
CLDR_CATEGORIES = {"zero", "one", "two", "few", "many", "other"}
ISOLATES = re.compile("[\u2066-\u2069]")


class Reader(visitor.Visitor):
    """Collects the variables and the plural variants of one message."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.plurals: list[set[str]] = []

    def visit_VariableReference(self, node: Any) -> None:  # noqa: N802 - the library's name
        self.variables.add(node.id.name)

    def visit_SelectExpression(self, node: Any) -> None:  # noqa: N802
        keys = {variant.key.name for variant in node.variants if isinstance(variant.key, ast.Identifier)}
        if keys <= CLDR_CATEGORIES:
            self.plurals.append(keys)
        self.generic_visit(node)


def read(source: str) -> dict[str, Reader]:
    resource = FluentParser(with_spans=False).parse(source)
    assert not [entry for entry in resource.body if isinstance(entry, ast.Junk)], "the file does not parse"
    readers = {}
    for entry in resource.body:
        if isinstance(entry, ast.Message):
            readers[entry.id.name] = Reader()
            readers[entry.id.name].visit(entry)
    return readers


def read_file(language: str) -> dict[str, Reader]:
    return read((KIOSK / "locales" / f"{language}.ftl").read_text(encoding="utf-8"))


def missing_plurals(language: str, readers: dict[str, Reader]) -> list[str]:
    needed = set(Locale(language).plural_form.tags) | {"other"}
    return [text for text, reader in readers.items() if any(keys != needed for keys in reader.plurals)]


def test_there_are_english_french_and_arabic() -> None:
    assert set(LANGUAGES) >= {"en", "fr", "ar"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_variables(language: str) -> None:
    english = {text: reader.variables for text, reader in read_file("en").items()}
    assert {text: reader.variables for text, reader in read_file(language).items()} == english
    assert texts.text_ids(language) == tuple(english)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_has_all_the_categories_of_its_language(language: str) -> None:
    assert missing_plurals(language, read_file(language)) == []


def test_a_plural_without_the_arabic_dual_would_be_found() -> None:
    three = read("bags = { $n ->\n    [zero] a\n    [one] b\n   *[other] c\n }\n")
    six = read("bags = { $n ->\n [zero] a\n [one] b\n [two] c\n [few] d\n [many] e\n *[other] f\n }\n")
    assert missing_plurals("ar", three) == ["bags"]
    assert missing_plurals("ar", six) == []


def test_no_text_is_left_over_and_none_is_missing() -> None:
    shown = {
        text
        for screen, guidance in itertools.product(Screen, Guidance)
        for page in [render(ViewState(screen, guidance, Purpose.DEMO))]
        for text in (page.title, page.hint)
    }
    page = (KIOSK / "templates" / "page.html").read_text() + (KIOSK / "static" / "page.js").read_text()
    named = {text for text in texts.text_ids("en") if f'"{text}"' in page}
    assert shown | named | {"mark-demo", "mark-trial"} == set(texts.text_ids("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_instruction_has_six_words_at_most(language: str) -> None:
    for text in texts.text_ids(language):
        if text.endswith("-title") or text.startswith("guide-"):
            words = re.findall("[^\\W\\d_][\\w\u2019]*", texts.t(language, text))
            assert len(words) <= 6, text


@pytest.mark.parametrize("text", [text for text in texts.text_ids("ar") if text != "notice-who"])
def test_arabic_is_written_in_arabic_letters(text: str) -> None:
    letters = [letter for letter in texts.t("ar", text) if letter.isalpha()]
    assert letters
    assert all(unicodedata.name(letter).startswith("ARABIC") for letter in letters)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_variable_is_isolated_from_the_direction_of_the_text_around_it(language: str) -> None:
    formed = texts.t(language, "notice-who", operator="border.example")
    assert "\u2068border.example\u2069" in formed
    assert ISOLATES.sub("", formed) != "border.example"


def test_only_languages_of_the_right_hand_script_run_from_the_right() -> None:
    assert {language: texts.direction(language) for language in ("en", "fr", "ar")} == {
        "en": "ltr",
        "fr": "ltr",
        "ar": "rtl",
    }


def test_an_unknown_language_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownLanguageError, match="no texts in 'xx'; there are ar, en, fr"):
        texts.t("xx", "go-title")


@pytest.mark.parametrize("language", ["../locales/en", "", "EN"])
def test_a_language_is_never_a_path(language: str) -> None:
    with pytest.raises(UnknownLanguageError):
        texts.text_ids(language)


def test_an_unknown_text_is_an_error_and_never_its_id() -> None:
    with pytest.raises(BrokenTextError, match="no text 'no-such-text' in en"):
        texts.t("en", "no-such-text")


def test_a_variable_that_was_not_given_is_an_error_and_never_a_hole() -> None:
    with pytest.raises(BrokenTextError, match="notice-who"):
        texts.t("fr", "notice-who")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_why_anyone_is_referred(language: str) -> None:
    words = "fail|refus|denied|suspect|fraud|alert|match|wrong|échou|rejet|soupçon|fraude|رفض|فشل|اشتباه|احتيال"
    catalogue = [ISOLATES.sub("", texts.t(language, text, operator="x")) for text in texts.text_ids(language)]
    assert [text for text in catalogue if re.search(words, text, re.IGNORECASE)] == []
