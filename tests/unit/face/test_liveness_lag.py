"""How late pictures follow: measured once, it is where answers are looked for."""

from __future__ import annotations

import random

import numpy as np

from gate.face.injection import Feed
from gate.face.liveness.challenge_response import Command, Hearing, answer, lag

HOLD_MS, EVERY_MS = 300, 66
HEARING = Hearing(lag_max_ms=500, lag_step_ms=10, settle_ms=30)


def followed(lag_ms: int, *, seed: int = 1) -> tuple[list[Command], list[int], list[np.ndarray]]:
    """Commands at random, and frames of a camera that is so late."""
    dice = random.Random(seed)
    commands = [Command(at, (float(dice.choice((0.0, 0.5, 1.0))),)) for at in range(0, 9_000, HOLD_MS)]
    times = list(range(500, 9_000, EVERY_MS))
    seen = [
        np.array(max((one for one in commands if one.at_ms <= at - lag_ms), key=lambda one: one.at_ms).value)
        for at in times
    ]
    return commands, times, seen


def test_the_lag_is_measured_to_less_than_a_frame() -> None:
    for late_ms in (0, 90, 240, 410):
        found = lag(*followed(late_ms), HEARING)
        assert found is not None
        assert abs(found.lag_ms - late_ms) < EVERY_MS
        assert found.best.correlation > 0.97


def test_too_few_frames_measure_nothing() -> None:
    commands, times, seen = followed(100)
    assert lag(commands, times[:3], seen[:3], HEARING) is None


def test_only_lags_about_the_measured_one_come_into_question() -> None:
    late = followed(300)
    anywhere, about, far = (answer(*late, HEARING.about(at)) for at in (None, 290, 60))
    assert anywhere is not None
    assert about is not None
    assert far is not None
    assert anywhere.correlation > 0.97
    assert about.correlation > 0.97
    assert far.correlation < 0.9
    assert min(HEARING.about(40).lags_ms) == 0


def _picture(level: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1.5, (48, 64, 3))
    ramp = np.linspace(60, 160, 64)[None, :, None]
    return np.clip(((ramp / 255) ** 2.2 * level) ** (1 / 2.2) * 255 + noise, 0, 255).astype(np.uint8)


def test_a_feed_measures_the_camera_and_then_refuses_one_that_is_later() -> None:
    def shown(feed: Feed, *, late_ms: int) -> Feed:
        dice, told = random.Random(3), [(0, 1.0)]
        for at in range(0, 6_000, 66):
            if at >= told[-1][0] + 250:
                told.append((at, dice.choice([level for level in (1.0, 0.86, 0.74, 0.62) if level != told[-1][1]])))
                feed.command(told[-1][1], at_ms=at, taken_ms=at)
            level = next(exposure for since, exposure in reversed(told) if since <= max(0, at - late_ms))
            feed.see(_picture(level, seed=at), at_ms=at)
        return feed

    measured = shown(Feed(), late_ms=120).lag
    assert measured is not None
    assert abs(measured.lag_ms - 120) < 66
    assert shown(Feed(lag_ms=measured.lag_ms), late_ms=120).follows
    assert not shown(Feed(lag_ms=measured.lag_ms), late_ms=300).follows
    assert shown(Feed(), late_ms=300).follows
