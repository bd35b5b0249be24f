"""One score of many cues: what counts, what must have run, and what never adds anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gate.face.liveness.liveness_aggregate import Alone, Cue, Fused, Reading, Weighing, Weights, judge_for, parse

WEIGHTS = Weights(0.5, Cue.MOTION, {Cue.MOTION: Weighing(-1.0, 0.5, 1.0), Cue.PATTERN: Weighing(4.0, 1.0, -2.0)})
TABLE: dict[str, Any] = {
    "bias": 0.5,
    "needs": "motion",
    "cues": {"motion": {"middle": -1.0, "scale": 0.5, "weight": 1.0}},
}


def readings(**values: float | None) -> tuple[Reading, ...]:
    return tuple(Reading(cue, values.get(cue.value)) for cue in Cue)


def score(judge: Any, **values: float | None) -> float | None:
    found: float | None = judge.judge(readings(**values))
    return found


def test_what_speaks_for_a_person_raises_the_score_and_what_speaks_against_lowers_it() -> None:
    plain = score(WEIGHTS, motion=-1.0)
    assert plain == pytest.approx(0.622, abs=1e-3)
    assert score(WEIGHTS, motion=-0.5) > plain > score(WEIGHTS, motion=-1.0, pattern=5.0)  # type: ignore[operator]


def test_one_cue_cannot_drown_the_others() -> None:
    assert score(WEIGHTS, motion=-1.0, pattern=9.0) == score(WEIGHTS, motion=-1.0, pattern=90.0)


def test_a_cue_without_weight_or_value_adds_nothing() -> None:
    assert score(WEIGHTS, motion=-1.0, flicker=7.0) == score(WEIGHTS, motion=-1.0)


def test_without_the_cue_that_it_needs_there_is_no_score() -> None:
    assert WEIGHTS.judge(readings(pattern=3.0)) is None


def test_a_cap_holds_the_score_down_whatever_else_speaks_for_a_person() -> None:
    capped = replace(WEIGHTS, cap=Weighing(-1.0, 0.1, 1.0))
    assert score(capped, motion=-1.3, pattern=1.0) == pytest.approx(0.0474, abs=1e-4)
    assert score(capped, motion=-0.5, pattern=5.0) == score(WEIGHTS, motion=-0.5, pattern=5.0)


def test_the_displays_challenge_has_weights_of_its_own() -> None:
    lit = Weights(2.0, Cue.LIGHT, {Cue.LIGHT: Weighing(0.1, 0.1, 1.0)})
    fused = Fused(lit, WEIGHTS)
    assert score(fused, light=0.1) == pytest.approx(0.881, abs=1e-3)
    assert score(fused, motion=-1.0) == score(WEIGHTS, motion=-1.0)


def test_a_model_stands_alone_and_its_silence_is_not_run() -> None:
    judge = judge_for(with_model=True)
    assert isinstance(judge, Alone)
    assert score(judge, passive=0.42, motion=3.0) == 0.42
    assert score(judge, motion=3.0, light=0.2) is None


def test_the_shipped_weights_tell_a_head_before_the_display_from_paper_and_from_a_screen() -> None:
    judge = judge_for(with_model=False)
    head = score(judge, motion=-1.4, pattern=3.8, flicker=0.4, light=0.18, shading=0.21)
    paper = score(judge, motion=-2.1, pattern=4.7, flicker=1.2, light=0.13, shading=0.10)
    screen = score(judge, motion=-2.1, pattern=4.3, flicker=2.4, light=0.02)
    assert head is not None
    assert paper is not None
    assert screen is not None
    assert head > 0.5 > paper
    assert screen < 0.1


def test_the_shipped_weights_hold_whatever_moves_like_a_sheet_for_one() -> None:
    sheet = score(judge_for(with_model=False), motion=-1.4, pattern=3.0, flicker=0.0)
    assert sheet is not None
    assert sheet < 0.2


def test_the_shipped_weights_say_nothing_of_a_still_face_that_nothing_shone_at() -> None:
    assert score(judge_for(with_model=False), pattern=3.0, flicker=0.0) is None


@pytest.mark.parametrize(
    "change",
    [
        {"cues": {}},
        {"cues": {"motion": {"middle": 0.0, "scale": 0.0, "weight": 1.0}}},
        {"cues": {"aura": {"middle": 0.0, "scale": 1.0, "weight": 1.0}}},
        {"cues": {"motion": {"middle": 0.0, "scale": 1.0}}},
        {"cues": {"motion": 1.0}},
        {"cues": None},
        {"needs": "aura"},
        {"bias": None},
    ],
)
def test_a_table_that_says_less_or_other_things_is_refused(change: dict[str, Any]) -> None:
    assert parse(TABLE) == Weights(0.5, Cue.MOTION, {Cue.MOTION: Weighing(-1.0, 0.5, 1.0)})
    with pytest.raises(ValueError):  # noqa: PT011 - each says its own
        parse(TABLE | change)
