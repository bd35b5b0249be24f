"""The pages that page reading is judged by: right MRZs, every kind as often as it is said, and the same page for the same seed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gate_documents.mrz.parser import parse
from gate_lab.evaluate.hurt import __main__ as program
from gate_lab.evaluate.hurt.cases import CUT_SHORT, DECK, Between, case_of, kind_of
from gate_lab.evaluate.hurt.texts import FORMATS, WIDTHS, invented

SEED = 9


@pytest.mark.parametrize("name", FORMATS)
def test_every_mrz_is_one_that_a_state_could_issue(name: str) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(40):
        lines = invented(rng, name)
        mrz = parse(lines)
        assert mrz.format.value == name
        assert {len(line) for line in lines} == {WIDTHS[name]}
        assert mrz.valid
        assert mrz.problems == ()


def test_a_hundred_pages_hold_each_kind_as_often_as_the_deck_does() -> None:
    assert sum(DECK.values()) == 100
    assert Counter(kind_of(SEED, number) for number in range(100, 200)) == DECK
    assert [kind_of(SEED, number) for number in range(100)] != [kind_of(SEED, 100 + number) for number in range(100)]


def test_a_page_follows_from_its_seed_and_number_alone() -> None:
    one, again, other = case_of(SEED, 3), case_of(SEED, 3), case_of(SEED + 1, 3)
    assert (one.kind, one.printed, one.between) == (again.kind, again.printed, again.between)
    assert all(np.array_equal(*both) for both in zip(one.pictures, again.pictures, strict=True))
    assert one.printed != other.printed


def test_the_two_pictures_are_never_the_same_bytes_and_lost_ends_are_told() -> None:
    for kind in ("plain", "covered"):
        case = case_of(SEED, next(number for number in range(100) if kind_of(SEED, number) == kind))
        assert case.whole is (kind not in CUT_SHORT)
        assert case.whole is (case.kept == WIDTHS[case.format])
        assert case.between in Between
        assert case.pictures[0].shape != case.pictures[1].shape or (case.pictures[0] != case.pictures[1]).any()


def test_the_program_shows_pages_and_writes_what_became_of_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = program.main(["--seed", "9", "--pages", "6", "--out", str(tmp_path), "--keep", str(tmp_path / "kept")])
    told = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "hurt-9.json").read_text())
    assert [one["number"] for one in written["outcomes"]] == list(range(6))
    assert told["pages"] == 6
    assert told["exact"] == sum(one["exact"] for one in written["outcomes"] if one["whole"])
    assert told["accepted_wrong"] == 0
    assert ended == (told["exact_of_whole"] < program.EXACT_MIN)
    assert "| covered |" in (tmp_path / "hurt-9.md").read_text()


def test_a_wrong_text_that_was_accepted_is_a_failure() -> None:
    right = program.Outcome(0, "cut", "MRVA", "place", True, True, True, True, False, True, False, 0.99)
    assert not program.falls_short([right])
    assert program.falls_short([right, replace(right, whole=False, exact=False, accepted_wrong=True)])
    assert program.falls_short([right, replace(right, exact=False)])


def test_without_a_typeface_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "OCR_B", Path("/nowhere/OCRB.otf"))
    assert program.main(["--seed", "9", "--pages", "1"]) == 2
    assert "fonts-ocr-b" in capsys.readouterr().err
