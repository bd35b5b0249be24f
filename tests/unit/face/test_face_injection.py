"""Video that is covered, recorded or deaf is found; a quiet lane and a lively one are not."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from gate.face.injection import COVERED_MS, LOOP_RUN_MIN, Feed
from gate.picture import Picture
from gate_core.evidence.crossing import CameraTrouble

FRAME_MS = 75


def scene(at: float, *, seed: int, light: float = 1.0, sigma: float = 1.0, moving: bool = True) -> Picture:
    """A bright shape that wanders before a wall, as a sensor sees it."""
    wall = np.linspace(60, 140, 320, dtype=np.float32)[None].repeat(240, axis=0)
    x, y = (160 + 30 * np.sin(0.31 * at), 120 + 12 * np.sin(0.23 * at + 1)) if moving else (160.0, 120.0)
    cv2.circle(wall, (round(x * 16), round(y * 16)), 60 * 16, 200.0, -1, cv2.LINE_AA, 4)
    noise = np.random.default_rng(seed).standard_normal(wall.shape).astype(np.float32) * sigma
    grey = 255 * (wall / 255) * light ** (1 / 2.2) + noise
    picture: Picture = np.clip(np.repeat(grey[..., None], 3, axis=2), 0, 255).astype(np.uint8)
    return picture


def found(frames: Iterator[Picture], feed: Feed | None = None) -> list[CameraTrouble]:
    watched = feed or Feed()
    return [tamper for number, frame in enumerate(frames) for tamper in watched.see(frame, at_ms=number * FRAME_MS)]


def test_a_lively_lane_and_a_quiet_one_are_believed() -> None:
    assert found(scene(number, seed=number) for number in range(200)) == []
    assert found(scene(0, seed=number, moving=False) for number in range(60)) == []


@pytest.mark.parametrize("quality", [95, 60])
def test_a_recording_that_runs_round_is_found_once_even_when_it_is_encoded_anew(quality: int) -> None:
    loop = [scene(number, seed=number) for number in range(20)]

    def played() -> Iterator[Picture]:
        for number in range(80):
            _, encoded = cv2.imencode(".jpg", loop[number % 20], [cv2.IMWRITE_JPEG_QUALITY, quality + number // 20])
            decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
            assert decoded is not None
            yield decoded.astype(np.uint8)

    assert found(played()) == [CameraTrouble.LOOPED]


def test_a_recording_shows_itself_soon_after_it_begins_anew() -> None:
    loop, feed = [scene(number, seed=number) for number in range(20)], Feed()
    first = next(n for n in range(80) if feed.see(loop[n % 20], at_ms=n * FRAME_MS))
    assert first == 20 + LOOP_RUN_MIN - 1


def test_a_recording_is_found_though_the_gate_leaves_frames_out() -> None:
    loop, random = [scene(number, seed=number) for number in range(24)], np.random.default_rng(0)
    looked_at = [number for number in range(120) if random.random() < 0.85]
    assert found(loop[number % 24] for number in looked_at) == [CameraTrouble.LOOPED]


def test_a_person_who_sways_evenly_is_no_recording() -> None:
    assert found(scene(round(20 * np.sin(number / 4), 3), seed=number) for number in range(150)) == []


@pytest.mark.parametrize("level", [2, 60, 230])
def test_a_covered_lens_is_found_after_a_moment_and_told_once(level: int) -> None:
    feed = Feed()
    blind = [np.full((240, 320, 3), level, np.uint8) for _ in range(40)]
    times = [n for n, frame in enumerate(blind) if feed.see(frame, at_ms=n * FRAME_MS)]
    assert times == [-(-COVERED_MS // FRAME_MS)]


def test_a_hand_that_passes_is_no_cover() -> None:
    frames = [scene(n, seed=n) for n in range(10)] + [np.full((240, 320, 3), 60, np.uint8)] * 5
    assert found(iter(frames + [scene(n, seed=n) for n in range(10, 20)])) == []


EXPOSURES = ((0, 1.0), (300, 0.7), (650, 0.85), (900, 0.7), (1250, 1.0))


def challenged(*, answers: bool) -> Feed:
    """The feed after exposures changed, by a camera that obeys or by one that is not ours."""
    feed = Feed()
    for at_ms, exposure in EXPOSURES:
        feed.command(exposure, at_ms=at_ms)
    for number in range(24):
        at_ms = number * FRAME_MS
        light = [exposure for since_ms, exposure in EXPOSURES if since_ms + 120 <= at_ms]
        feed.see(scene(number, seed=number, light=(light or [1.0])[-1] if answers else 1.0), at_ms=at_ms)
    return feed


def test_a_camera_that_obeys_is_believed() -> None:
    feed = challenged(answers=True)
    assert feed.conclude() == ()
    assert feed.exposure_answer is not None
    assert feed.exposure_answer.correlation > 0.9
    assert feed.exposure_answer.gain == pytest.approx(1.0, abs=0.3)


def test_video_that_does_not_know_the_exposure_is_found() -> None:
    feed = challenged(answers=False)
    assert feed.conclude() == (CameraTrouble.DEAF,)
    assert feed.conclude() == ()


def test_a_camera_that_was_not_asked_is_not_found_deaf() -> None:
    feed = Feed()
    found((scene(number, seed=number) for number in range(20)), feed)
    assert feed.exposure_answer is None
    assert feed.conclude() == ()


def test_a_challenge_with_few_frames_concludes_nothing() -> None:
    feed = Feed()
    feed.command(0.7, at_ms=0)
    found((scene(number, seed=number) for number in range(5)), feed)
    assert feed.conclude() == ()
