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
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import ViewState, render
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.web_pages.texts import BrokenTextError, UnknownLanguageError
from gate_documents.countries import is_state_code

KIOSK = Path(gate.screens.kiosk.__file__).parent
texts = Languages()
LANGUAGES = texts.available()
FACTS: dict[str, str | int] = {
    "operator": "border.example",
    "gate": "north-7",
    "contact": "privacy@border.example",
    "address": "https://border.example/notice",
    "version": "0123456789ab",
    "minutes": 10,
    "days": 30,
    "auditors": 2,
    "remembered": 5,
    "reuse": 30,
}
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
    needed = set(Locale.parse(language, sep="-").plural_form.tags) | {"other"}
    return [text for text, reader in readers.items() if any(keys != needed for keys in reader.plurals)]


def said(language: str, text: str) -> str:
    """A text with this gate's facts, as it is read: without the marks that steer a screen."""
    return ISOLATES.sub("", texts.t(language, text, **FACTS))


def test_there_are_eight_languages_each_named_in_itself() -> None:
    assert {language: said(language, "language-name") for language in LANGUAGES} == {
        "ar": "العربية",
        "de": "Deutsch",
        "en": "English",
        "es": "Español",
        "fr": "Français",
        "hi": "हिन्दी",
        "ru": "Русский",
        "zh-Hans": "简体中文",
    }


def test_no_native_speaker_has_read_any_of_them_yet_and_ours_is_said_to_be_ours() -> None:
    assert {language for language in LANGUAGES if texts.reviewed(language)} == {"en"}
    assert texts.reviewed("en").startswith("written by the authors")


def test_a_state_sees_one_language_first_and_it_is_a_state() -> None:
    of = {language: texts.issuers(language) for language in LANGUAGES}
    assert all(of.values())
    assert all(is_state_code(issuer) for issuers in of.values() for issuer in issuers)
    assert [(a, b) for a, b in itertools.combinations(LANGUAGES, 2) if of[a] & of[b]] == []


def test_a_traveller_sees_the_language_of_their_state_where_the_site_has_it() -> None:
    assert texts.language_of("D", LANGUAGES) == "de"
    assert texts.language_of("MEX", ("en", "es")) == "es"
    assert texts.language_of("MEX", ("en", "fr")) is None
    assert [texts.language_of(issuer, LANGUAGES) for issuer in ("CHE", "CAN", "BEL", "UTO", "XXA", None)] == [None] * 6


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
    page = "".join((KIOSK / one).read_text() for one in ("templates/page.html", "templates/ask.html", "static/page.js"))
    named = {text for text in texts.text_ids("en") if f'"{text}"' in page}
    notices = {text for text in texts.text_ids("en") if text.startswith(("notice-", "board-"))}  # test_screens_notices
    assert shown | named | notices | {"mark-demo", "mark-trial"} == set(texts.text_ids("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_instruction_has_six_words_at_most(language: str) -> None:
    for text in texts.text_ids(language):
        if (text.endswith("-title") and not text.startswith("board-")) or text.startswith("guide-"):
            assert len(re.split("[\\s\u00a0]+", said(language, text))) <= 6, text


@pytest.mark.parametrize(
    ("language", "script"), [("ar", "ARABIC"), ("hi", "DEVANAGARI"), ("ru", "CYRILLIC"), ("zh-Hans", "CJK UNIFIED")]
)
def test_a_language_is_written_in_its_own_letters(language: str, script: str) -> None:
    foreign = {
        (text, letter)
        for text in texts.text_ids(language)
        for letter in said(language, text).translate(dict.fromkeys(map(ord, "".join(map(str, FACTS.values())))))
        if letter.isalpha() and not unicodedata.name(letter).startswith(script)
    }
    assert foreign == set()


def test_a_page_that_lies_the_wrong_way_round_is_to_be_turned_and_not_turned_over() -> None:
    over = "retourn|rückseite|umdrehen|umblättern|dé la vuelta|voltee|переверн|اقلب|翻转|翻面|पलट|turn over|flip"
    for language in LANGUAGES:
        assert not re.search(over, said(language, "guide-page-turn"), re.IGNORECASE), language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_variable_is_isolated_from_the_direction_of_the_text_around_it(language: str) -> None:
    assert "\u2068border.example\u2069" in texts.t(language, "board-who", **FACTS)


def test_only_languages_of_the_right_hand_script_run_from_the_right() -> None:
    assert {language for language in LANGUAGES if texts.direction(language) == "rtl"} == {"ar"}


def test_an_unknown_language_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownLanguageError, match="no texts in 'xx'; there are ar, de, en"):
        texts.t("xx", "go-title")


@pytest.mark.parametrize("language", ["../locales/en", "", "EN"])
def test_a_language_is_never_a_path(language: str) -> None:
    with pytest.raises(UnknownLanguageError):
        texts.text_ids(language)


def test_an_unknown_text_is_an_error_and_never_its_id() -> None:
    with pytest.raises(BrokenTextError, match="no text 'no-such-text' in en"):
        texts.t("en", "no-such-text")


def test_a_variable_that_was_not_given_is_an_error_and_never_a_hole() -> None:
    with pytest.raises(BrokenTextError, match="board-who"):
        texts.t("fr", "board-who")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_why_anyone_is_referred(language: str) -> None:
    words = (
        "fail|refus|denied|suspect|fraud|alert|match|wrong|échou|rejet|soupçon|رفض|فشل|اشتباه|احتيال|verweiger|verdacht|betrug|fehlgeschl"
        "|rechaz(?!a a nadie)|sospech|отказано|подозр|мошен|不符|可疑|伪造|संदेह|धोखा|अस्वीकृत"
    )
    assert [text for text in texts.text_ids(language) if re.search(words, said(language, text), re.IGNORECASE)] == []


def test_a_language_of_another_folder_says_all_of_itself_in_its_file(tmp_path: Path) -> None:
    english = (KIOSK / "locales" / "en.ftl").read_text()
    (tmp_path / "en.ftl").write_text(english)
    (tmp_path / "fa.ftl").write_text(
        "-issuers = IRN\n-reviewed = N. N., 3 March 2027\n"
        + "\n".join(line for line in english.splitlines() if not line.startswith("-")).replace("English", "فارسی")
    )
    found = Languages(tmp_path)
    assert found.available() == ("en", "fa")
    assert (found.direction("fa"), found.reviewed("fa")) == ("rtl", "N. N., 3 March 2027")
    assert found.language_of("IRN", ("en", "fa")) == "fa"


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_draft_is_a_file_that_names_nobody(tmp_path: Path, language: str) -> None:
    (tmp_path / f"{language}.ftl").write_text("language-name = x\n")
    assert Languages(tmp_path).reviewed(language) == ""
    assert Languages(tmp_path).issuers(language) == frozenset()
