"""The pages that page reading is judged by: right zones, every kind as often as it is said, and the same page for the same seed."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gate.document.mrz import parse
from models.evaluate.hurt import __main__ as program
from models.evaluate.hurt.cases import CUT_SHORT, DECK, Between, case_of, kind_of
from models.evaluate.hurt.texts import FORMATS, WIDTHS, invented

SEED = 9


@pytest.mark.parametrize("name", FORMATS)
def test_every_zone_is_one_that_a_state_could_issue(name: str) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(40):
        lines = invented(rng, name)
        zone = parse(lines)
        assert zone.format.value == name
        assert {len(line) for line in lines} == {WIDTHS[name]}
        assert zone.valid
        assert zone.problems == ()


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


def test_without_a_typeface_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "OCR_B", Path("/nowhere/OCRB.otf"))
    assert program.main(["--seed", "9", "--pages", "1"]) == 2
    assert "fonts-ocr-b" in capsys.readouterr().err
