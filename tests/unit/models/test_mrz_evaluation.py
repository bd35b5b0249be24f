"""The measurement of page reading: pages follow from their seed, and counting is right whatever was read."""

import json
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest
from fakes.page_readings import PASSPORT, elsewhere, reading

from gate.page.values import CLASSES, FRAMES, NoReading, Reading, Why
from gate_lab.evaluate.mrz import (
    Outcome,
    bounds_of,
    counted,
    issued,
    judged,
    main,
    markdown,
    negatives_of,
    outcomes_of,
    rows_of,
    was_fooled,
    wilson,
)
from gate_lab.evaluate.pages import SIZES_MM, PageConditions, document, seen, without_mrz
from gate_lab.train.mrz.texts import invented

FONT = "sans"  # OpenCV brings it
OTHER = (PASSPORT[0].replace("ANNA", "ANMA"), PASSPORT[1])


def blind(strips: np.ndarray) -> np.ndarray:
    """A recogniser to which everything is blank."""
    frames = np.full((len(strips), FRAMES, CLASSES), -20.0, np.float32)
    frames[:, :, 0] = 0.0
    return frames


def outcome(
    *, exact: bool = True, usable: bool = True, weakest: float = 0.9, value: float = 1.0, accepted: bool = True
) -> Outcome:
    return Outcome(
        name="blur_px",
        value=value,
        exact=exact,
        read=True,
        usable=usable,
        accepted=accepted,
        accepted_wrong=accepted and not exact,
        weakest=weakest,
        characters_wrong=0,
        cpu_ms=40.0,
    )


def test_a_page_has_its_documents_shape_and_follows_from_its_generator() -> None:
    for layout in ("TD1", "TD3"):
        pages = []
        for _ in range(2):
            rng = np.random.default_rng(5)
            pages.append(document(rng, layout, invented(rng, layout), FONT, worn=0.2, ink=0.1))
        assert np.array_equal(pages[0], pages[1])
        height, width = pages[0].shape
        assert width / height == pytest.approx(SIZES_MM[layout][0] / SIZES_MM[layout][1], rel=0.01)
        assert 0 <= pages[0].min() < 0.3
        assert 0.6 < pages[0].max() <= 1


def test_a_picture_holds_the_whole_page_at_any_rotation() -> None:
    page = np.ones((600, 1000), np.float32)
    for rotation_deg in (0.0, 33.0, 90.0, 200.0):
        view = PageConditions(
            page_width_px=300, rotation_deg=rotation_deg, light=0, noise=0, jpeg_quality=100, table=0.0
        )
        picture = seen(np.random.default_rng(1), page, view)
        assert (picture > 127).sum() == pytest.approx(300 * 180, rel=0.02)
        assert not any((edge > 127).any() for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]))


@pytest.mark.parametrize(
    "harm", [{"glare": 0.9}, {"motion_px": 7.0}, {"blur_px": 3.0}, {"noise": 0.1}, {"jpeg_quality": 10}]
)
def test_each_harm_changes_the_picture(harm: dict[str, float]) -> None:
    rng = np.random.default_rng(2)
    page = document(rng, "TD2", invented(rng, "TD2"), FONT, worn=0, ink=0.1)
    plain, harmed = (
        seen(np.random.default_rng(3), page, PageConditions(page_width_px=400, **values)).astype(int)  # type: ignore[arg-type]
        for values in ({}, harm)
    )
    assert np.abs(plain - harmed).mean() > 0.5


def test_pictures_without_an_mrz_differ_and_follow_from_their_generator() -> None:
    pictures = [without_mrz(np.random.default_rng([4, index])) for index in range(12)]
    assert all(picture.dtype == np.uint8 and picture.std() > 5 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 12
    assert np.array_equal(pictures[3], without_mrz(np.random.default_rng([4, 3])))


def test_a_reader_that_sees_nothing_is_never_exact_and_never_fooled() -> None:
    sets = {"rotation_deg": (PageConditions(page_width_px=300), PageConditions(page_width_px=300, rotation_deg=3.0))}
    outcomes = list(outcomes_of(blind, FONT, seed=1, pages=2, sets=sets))
    assert [found.value for found in outcomes] == [0.0, 0.0, 3.0, 3.0]
    assert not any(found.exact or found.read or found.usable for found in outcomes)
    assert all(found.characters_wrong >= 72 for found in outcomes)
    negatives = negatives_of(blind, seed=1, pictures=3)
    assert (negatives.pictures, negatives.read, negatives.usable) == (3, 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "exact", "accepted", "accepted_wrong"),
    [
        (reading(), reading(geometry=elsewhere()), True, True, False),
        (reading(), reading(), True, False, False),
        (reading(), NoReading((Why.GLARE,)), True, False, False),
        (reading(), reading(OTHER), True, False, False),
        (reading(OTHER), reading(OTHER, geometry=elsewhere()), False, True, True),
        (reading(repaired=True), reading(repaired=True), True, False, False),
    ],
)
def test_a_text_is_accepted_when_both_pictures_give_it_and_the_page_moved_between_them(
    first: Reading,
    second: Reading | NoReading,
    *,
    exact: bool,
    accepted: bool,
    accepted_wrong: bool,
) -> None:
    found = judged(("worn", 0.0), PASSPORT, (first, second), 40.0)
    assert (found.exact, found.accepted, found.accepted_wrong) == (exact, accepted, accepted_wrong)
    assert found.usable is not first.repaired
    assert found.characters_wrong == (0 if exact else 1)


def test_an_mrz_of_states_that_do_not_exist_is_drawn_again_but_not_for_ever() -> None:
    nobodys = (PASSPORT[0][:2] + "QQQ" + PASSPORT[0][5:], PASSPORT[1])
    drawn = chain([nobodys, nobodys, PASSPORT], repeat(nobodys))
    assert issued(lambda: next(drawn)) == PASSPORT
    assert issued(lambda: next(drawn)) == nobodys


def test_readings_where_no_mrz_is_are_counted() -> None:
    results = (reading(), reading(repaired=True), NoReading((Why.NO_MRZ,)))
    negatives = counted([(result, 40.0) for result in results])
    assert (negatives.read, negatives.usable, negatives.weakest_most) == (2, 1, 0.97)


def test_rows_count_by_severity() -> None:
    lost = outcome(value=2.0, exact=False, usable=False, accepted=False)
    rows = rows_of([outcome(), outcome(exact=False), outcome(accepted=False), lost])
    assert [(row.value, row.pages, row.exact, row.usable, row.usable_but_wrong) for row in rows] == [
        (1.0, 3, 2, 3, 1),
        (2.0, 1, 0, 0, 0),
    ]
    assert [(row.accepted, row.accepted_but_wrong) for row in rows] == [(2, 1), (0, 0)]


def test_a_bound_counts_what_it_lets_through() -> None:
    bounds = bounds_of([outcome(weakest=0.95), outcome(weakest=0.45, exact=False), outcome(weakest=0.99, usable=False)])
    by_threshold = {bound.threshold: (bound.accepted, bound.wrong) for bound in bounds}
    assert by_threshold[0.0] == by_threshold[0.4] == (2, 1)
    assert by_threshold[0.5] == by_threshold[0.9] == (1, 0)


def test_the_interval_is_wilsons() -> None:
    assert wilson(32, 33) == pytest.approx((0.8468, 0.9946), abs=2e-3)
    assert wilson(0, 10)[0] == pytest.approx(0.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_the_tables_name_every_severity_and_every_bound() -> None:
    outcomes = [outcome(), outcome(value=2.0, exact=False)]
    text = markdown(rows_of(outcomes), bounds_of(outcomes), negatives_of(blind, seed=1, pictures=1))
    assert "| 2 | 0/1 |" in text
    assert "| 0.9 | 2 | 1 |" in text
    assert "1 pictures: 0 gave a reading" in text


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    font = tmp_path / "font.otf"
    font.write_bytes(b"")
    out = tmp_path / "out"
    assert main(["--out", str(out), "--pages", "0", "--negatives", "1", "--font", str(font)]) == 0
    written = json.loads((out / "mrz.json").read_text())
    assert written["schema"] == "portcullis.evaluate-mrz/1"
    assert written["negatives"] == json.loads(capsys.readouterr().out)
    assert written["negatives"]["pictures"] == 1
    assert (out / "mrz.md").read_text().startswith("# Page reading")


def test_a_wrong_text_that_was_accepted_and_an_mrz_where_none_is_are_failures() -> None:
    none, one = counted([(NoReading((Why.NO_MRZ,)), 40.0)]), counted([(reading(), 40.0)])
    assert not was_fooled(rows_of([outcome()]), none)
    assert was_fooled(rows_of([outcome()]), one)
    assert was_fooled(rows_of([outcome(), outcome(exact=False)]), none)


def test_without_the_font_it_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--font", str(tmp_path / "none.otf"), "--out", str(tmp_path)]) == 2
    assert "fonts-ocr-b" in capsys.readouterr().err
