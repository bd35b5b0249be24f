"""Synthetic lines: what is printed is a right MRZ, where it is printed is known, and everything follows from the seed.

Drawn with the sans that OpenCV brings, so that no font needs to be installed.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents.mrz.parser import parse
from gate_lab.train.mrz.camera import STRIP_HEIGHT, STRIP_WIDTH, photograph
from gate_lab.train.mrz.conditions import Conditions, Content, draw
from gate_lab.train.mrz.glyphs import Atlas, Cut, atlas
from gate_lab.train.mrz.heldout import SEVERITIES, false_characters, measure, tally
from gate_lab.train.mrz.samples import BLANK, CLASSES, FRAME_PX, FRAMES, NEAR, Sample, atlases, label, render, sample
from gate_lab.train.mrz.scene import scene
from gate_lab.train.mrz.texts import ALPHABET, LAYOUTS, LINE_CHARACTERS, LayoutName, invented, random_line

CLEAN = Conditions(neighbours=(False, False), paper=1.0, ink=0.0)
VIEWS = (
    CLEAN,
    replace(CLEAN, perspective=0.12, margins=(0.4, 2.4)),
    replace(CLEAN, drift=0.25, bow=0.1, height=1.2),
    replace(CLEAN, slant=0.1, pitch_px=9.0, offset=0.1),
    replace(CLEAN, margins=(5.5, 0.3), pitch_px=36.0),
)


@pytest.fixture(scope="module")
def sans() -> Atlas:
    return atlas("sans")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_invented_mrz_is_one_of_its_layout_with_right_check_digits(layout: LayoutName) -> None:
    rng = np.random.default_rng(4)
    for _ in range(100):
        mrz = parse(invented(rng, layout))
        assert mrz.valid
        assert mrz.format.name.replace("_", "-") == layout


def test_random_lines_have_an_mrzs_length_and_alphabet() -> None:
    rng = np.random.default_rng(5)
    lines = [random_line(rng) for _ in range(300)]
    assert {len(line) for line in lines} == set(LINE_CHARACTERS)
    assert set("".join(lines)) == set(ALPHABET)


def test_the_same_seed_and_number_give_the_same_example_and_others_do_not(sans: Atlas) -> None:
    once, again = (sample(7, 12, 0.8, [sans]) for _ in range(2))
    assert once.text == again.text
    assert np.array_equal(once.strip, again.strip)
    assert np.array_equal(once.frames, again.frames)
    for other in (sample(7, 13, 0.8, [sans]), sample(8, 12, 0.8, [sans])):
        assert not np.array_equal(once.strip, other.strip)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", ["HOHOXIHHOOXX" * 3, "8H0" * 10])
def test_ink_lies_evenly_about_each_stated_centre(sans: Atlas, view: Conditions, text: str) -> None:
    """Of letters that are symmetric, so that the ink's middle is the letter's."""
    rng = np.random.default_rng(1)
    strip, centres = photograph(rng, scene(rng, (None, text, None), sans, view), len(text), view)
    ink = 255 - strip.astype(np.float64).mean(axis=0)
    ink -= np.median(ink[:1]) if view.margins[0] > 1 else 0
    columns = np.arange(STRIP_WIDTH)
    for centre, pitch in zip(centres, np.gradient(centres), strict=True):
        here = np.abs(columns - centre) <= pitch / 2
        assert ink[here].sum() > 0
        assert np.average(columns[here], weights=ink[here]) == pytest.approx(centre, abs=0.06 * pitch)


def test_each_character_has_the_frames_near_it_and_the_rest_is_blank() -> None:
    text = "AB<9"
    centres = np.array([20.0, 40.0, 61.0, 83.0])
    frames = label(text, centres)
    middles = np.arange(FRAMES) * FRAME_PX + 1.5
    for index, character in enumerate(text):
        pitch = np.gradient(centres)[index]
        near = np.abs(middles - centres[index]) <= NEAR * pitch
        assert near.sum() >= 2
        assert set(frames[near]) == {ALPHABET.index(character) + 1}
        frames[near] = BLANK
    assert not frames.any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.floats(0, 1))
def test_any_draw_gives_a_strip_and_labels_that_agree_with_the_text(seed: int, level: float) -> None:
    made = render(np.random.default_rng(seed), draw(np.random.default_rng(seed), level), SANS)
    assert made.strip.shape == (STRIP_HEIGHT, STRIP_WIDTH)
    assert made.strip.dtype == np.uint8
    assert made.frames.shape == (FRAMES,)
    assert made.frames.max() < CLASSES
    assert len(made.centres) == len(made.text)
    inside = (made.centres > 0) & (made.centres < STRIP_WIDTH)
    seen = made.frames[np.clip(np.round((made.centres - 1.5) / FRAME_PX), 0, FRAMES - 1).astype(int)]
    assert [ALPHABET[index - 1] for index in seen[inside]] == [c for c, ok in zip(made.text, inside, strict=True) if ok]


SANS = atlas("sans", Cut(0.95, 1.05, 0.02))


@pytest.mark.parametrize("content", [kind for kind in Content if not kind.is_line])
def test_what_is_no_line_is_blank_from_end_to_end(sans: Atlas, content: Content) -> None:
    made = render(np.random.default_rng(3), replace(Conditions(), content=content), sans)
    assert made.text == ""
    assert not made.frames.any()


def test_damage_shows(sans: Atlas) -> None:
    """Each kind of damage changes the picture, and worn or faint print holds less ink."""
    plain = render(np.random.default_rng(9), Conditions(), sans).strip.astype(int)
    harder: dict[str, Any] = {
        "blur": 0.25, "motion": 0.6, "noise": 0.1, "jpeg_quality": 15, "glare": 0.9, "shadow": 0.6, "gradient": 0.7, "moire": 0.4,
        "guilloche": 0.6, "hologram": 0.6, "texture": 0.1, "worn": 0.5, "rough": 1.0, "faded_characters": 0.8, "sharpen": 1.0,
        "jitter_px": 1.5, "junk": 2.5,
    }  # fmt: skip
    for name, value in harder.items():
        seen = render(np.random.default_rng(9), replace(Conditions(), **{name: value}), sans).strip
        assert np.abs(seen - plain).mean() > 0.3, name
    worn = render(np.random.default_rng(9), replace(Conditions(), worn=0.5), sans).strip
    assert worn.mean() > plain.mean() + 2


def test_a_cut_of_the_font_is_wider_taller_or_slanted(sans: Atlas) -> None:
    def extent(made: Atlas, character: str, axis: int) -> int:
        return int((made.tiles[character] > 0).any(axis=axis).sum())

    assert extent(atlas("sans", Cut(width=1.3)), "H", 0) > extent(sans, "H", 0)
    assert extent(atlas("sans", Cut(height=1.3)), "H", 1) > extent(sans, "H", 1)
    assert extent(atlas("sans", Cut(slant=0.3)), "I", 0) > extent(sans, "I", 0)


def test_training_prints_with_the_fonts_as_they_are_and_with_other_cuts() -> None:
    made, again, other = (atlases("sans", "italic", seed) for seed in (1, 1, 2))
    assert np.array_equal(made[0].tiles["A"], atlas("sans").tiles["A"])
    assert np.array_equal(made[1].tiles["A"], atlas("italic").tiles["A"])
    assert len({one.tiles["A"].tobytes() for one in made}) == len(made) == 26
    assert all(np.array_equal(one.tiles["B"], two.tiles["B"]) for one, two in zip(made, again, strict=True))
    assert not np.array_equal(made[5].tiles["B"], other[5].tiles["B"])


# ── held-out sets ────────────────────────────────────────────────────────────────────────────────────────────────────


class Knowing:
    """Answers with the labels of the examples it is given in advance, wrong at every `wrong`-th character frame."""

    def __init__(self, made: list[Sample]) -> None:
        self._by_strip = {example.strip.tobytes(): example.frames for example in made}

    def __call__(self, strips: np.ndarray) -> np.ndarray:
        answer = np.full((len(strips), FRAMES, CLASSES), -9.0, np.float32)
        for row, strip in enumerate(strips[:, 0]):
            frames = self._by_strip[np.round(strip * 255).astype(np.uint8).tobytes()]
            answer[row, np.arange(FRAMES), frames] = -0.1
        return answer


def test_a_recogniser_that_knows_everything_is_counted_as_right(sans: Atlas) -> None:
    made = [render(np.random.default_rng(seed), Conditions(), sans) for seed in range(30)]
    row = tally("clean", 0.0, made, Knowing(made))
    assert (row.lines, row.lines_exact) == (30, 30)
    assert row.characters == row.characters_right == sum(len(example.text) for example in made)
    assert row.frames == row.frames_right == 30 * FRAMES
    assert row.weakest_mean == pytest.approx(np.exp(-0.1))
    assert false_characters(made, Knowing(made)) > 0.3


def test_one_wrong_character_spoils_its_line_alone(sans: Atlas) -> None:
    made = [render(np.random.default_rng(seed), Conditions(), sans) for seed in range(4)]
    lying = [replace(made[0], frames=np.where(made[0].frames == made[0].frames.max(), 1, made[0].frames)), *made[1:]]
    row = tally("clean", 0.0, made, Knowing(lying))
    assert row.lines_exact == 3
    assert 0 < row.characters - row.characters_right < 30


def test_every_severity_is_measured_on_the_same_lines(sans: Atlas) -> None:
    def blind(strips: np.ndarray) -> np.ndarray:
        return np.zeros((len(strips), FRAMES, CLASSES), np.float32)

    rows = list(measure(blind, [sans, sans], seed=1, lines=2))
    assert [row.name for row in rows[1:]] == [name for name, steps in SEVERITIES.items() for _ in steps]
    for name in SEVERITIES:
        assert len({row.characters for row in rows if row.name == name}) == 1
    assert all(row.lines_exact == 0 for row in rows)
