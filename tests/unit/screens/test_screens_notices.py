"""The notice of what happens to a traveller's data: true to its facts, whole in every language, and known by its version."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest

from gate.programs.lane.referrals import SEALED_S
from gate.screens.kiosk.texts import REFERRAL_KEPT_MIN, VERSION_SHOWN, Facts, Languages, Notice

TEXTS = Languages()
LANGUAGES = TEXTS.available()
FACTS = Facts(
    "border.example", "north-7", "privacy@border.example", "https://border.example/notice", 30, 2, central=True
)
MARKS = re.compile("[\u2066-\u2069]")


def notice(facts: Facts = FACTS, *languages: str) -> Notice:
    return Notice(TEXTS, facts, languages or ("en",))


def read(text: str) -> str:
    return MARKS.sub("", text)


def whole(facts: Facts) -> str:
    return " ".join(sentence for _, sentences in notice(facts).sections("en") for sentence in sentences)


def test_three_lines_say_what_how_long_and_where_else() -> None:
    assert [read(line) for line in notice().lines("en")] == [
        "We read your passport and compare your face with its photo.",
        "Pictures are erased 10 minutes after the check at the latest, results after 30 days.",
        "You may go to an officer instead, free of charge. Complaints: privacy@border.example",
    ]


def test_what_has_no_set_end_is_said_to_have_none() -> None:
    endless = replace(FACTS, days=None)
    assert "with no set end" in notice(endless).lines("en")[1]
    assert "with no set end" in whole(endless)
    assert "30" not in notice(endless).text.replace("[en]", "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (FACTS, "Gate north-7 is run by border.example."),
        (FACTS, "2 auditors hold a key to it."),
        (replace(FACTS, remembered=5), "stays in memory (up to 5 min)"),
        (
            replace(FACTS, reuse=20),
            "chip stays in memory with gate and time, so that it shows when the same passport",
        ),
        (replace(FACTS, reuse=20), "For up to 20 min a number made of"),
        (replace(FACTS, reuse=20), "nobody can be shown it"),
        (replace(FACTS, registers=True), "Your document, never your face, is looked up in lists and registers"),
        (replace(FACTS, auditors=1), "One auditor holds a key to it."),
        (FACTS, "central server"),
        (FACTS, "for 30 days: the time"),
        (replace(FACTS, days=1), "for 1 day: the time"),
        (FACTS, "10 minutes at most"),
        (FACTS, "It costs nothing."),
    ],
)
def test_the_whole_notice_says_what_is_so_at_this_gate(changed: Facts, said: str) -> None:
    assert said in read(whole(changed))


def test_sealed_pictures_of_a_referral_are_kept_no_longer_than_it_says() -> None:
    assert SEALED_S <= REFERRAL_KEPT_MIN * 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_faces_are_held_against_those_referred_lately_nobody_reads_that_they_are_held_against_none(
    language: str,
) -> None:
    alone, also = (dict(notice(replace(FACTS, remembered=minutes), language).sections(language)) for minutes in (0, 5))
    heading = next(heading for heading, said in alone.items() if TEXTS.t(language, "board-why") in said)
    assert TEXTS.t(language, "board-why-also") in also[heading]
    assert TEXTS.t(language, "board-why") not in also[heading]


def test_a_gate_that_asks_no_register_speaks_of_none() -> None:
    assert "looked up" not in whole(FACTS)


def test_a_gate_whose_chips_are_looked_for_nowhere_else_speaks_of_no_number() -> None:
    assert "a number made of" not in whole(replace(FACTS, registers=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_for_how_long_a_chip_is_looked_for_at_other_gates(language: str) -> None:
    plain, told = (notice(replace(FACTS, reuse=minutes), language) for minutes in (0, 47))
    assert ("47" in plain.text, "47" in told.text) == (False, True)
    assert len(told.sections(language)[2][1]) == len(plain.sections(language)[2][1]) + 1


def test_a_gate_without_a_central_server_speaks_of_none() -> None:
    assert "central server" not in whole(replace(FACTS, central=False))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_of_it(language: str) -> None:
    told = notice(FACTS, language)
    sections = told.sections(language)
    assert [len(sentences) for _, sentences in sections] == [1, 3, 5, 1, 1]
    for fact in ("north-7", "border.example", "privacy@border.example", "https://border.example/notice", "10", "30"):
        assert fact in told.text, fact


def test_the_version_is_the_digest_of_the_text_and_changes_with_every_fact_and_language() -> None:
    first = notice()
    assert first.version == hashlib.sha256(first.text.encode()).hexdigest()
    others = [
        replace(FACTS, operator="another.example"),
        replace(FACTS, gate="north-8"),
        replace(FACTS, contact="+32 2 555 01 23"),
        replace(FACTS, address="https://border.example/another"),
        replace(FACTS, days=31),
        replace(FACTS, auditors=3),
        replace(FACTS, central=False),
        replace(FACTS, reuse=20),
    ]
    versions = {notice(facts).version for facts in others} | {notice(FACTS, "en", "fr").version, first.version}
    assert len(versions) == len(others) + 2
    assert notice().version == first.version


def test_there_is_a_board_a_language_a_page_of_all_and_the_text_behind_the_version() -> None:
    told = notice(FACTS, *LANGUAGES)
    boards = dict(told.boards(purpose_mark="mark-trial"))
    assert boards.keys() == {"index.html", "notice.txt", *(f"{language}.html" for language in LANGUAGES)}
    assert hashlib.sha256(boards["notice.txt"].encode()).hexdigest() == told.version
    assert boards["index.html"].count("<article") == len(LANGUAGES)
    for language in LANGUAGES:
        board = boards[f"{language}.html"]
        assert f'<article lang="{language}" dir="{TEXTS.direction(language)}">' in board
        assert TEXTS.t(language, "mark-trial") in board
        assert told.version[:VERSION_SHOWN] in board
        assert board.count("<svg") == 1
        assert not re.search(r"""(src|href)=|@import|url\(""", board), "nothing is loaded from elsewhere"


def test_a_gate_in_service_is_marked_as_nothing_and_one_without_an_address_has_no_code() -> None:
    boards = dict(notice(replace(FACTS, address="")).boards(purpose_mark=None))
    assert '<p class="mark">' not in boards["en.html"]
    assert "<svg" not in boards["en.html"]
    assert "in every language" not in boards["en.html"]


def test_what_stands_in_the_configuration_is_no_markup() -> None:
    script = "<script>alert(1)</script>"
    boards = dict(notice(replace(FACTS, contact=script, operator=script)).boards(purpose_mark=None))
    assert "<script" not in boards["en.html"]
    assert script in boards["notice.txt"]
