"""A crossing's video is challenged at moments nobody can know, and doubted when it does not answer."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from fakes.tiers import quick_or_long

from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.picture import Picture
from gate.programs.vision.liveness_checks import (
    CHANGES_MAX,
    LEVELS,
    REFUSALS_MAX,
    Exposure,
    Video,
    VideoLiveness,
    exposures,
)
from gate_core.errors import LinkLostError, RefusedError
from gate_core.evidence.crossing import CameraTrouble
from gate_core.ports.values import CameraControls, Frame

pytestmark = pytest.mark.no_cover

FRAME_S = 0.075


class Camera:
    """Notes what it is told; `obeys` tells whether its pictures do too."""

    def __init__(self, *, refuses: int = 0, takes: int | None = None) -> None:
        self.exposure = 1.0
        self.now_ms = 0
        self.told: list[float] = []
        self._refuses = refuses
        self._takes = takes

    def set_controls(self, wanted: CameraControls) -> None:
        if self._refuses:
            self._refuses -= 1
            raise RefusedError("not yet")
        if self._takes == len(self.told):
            raise LinkLostError("the controls do not answer")
        self.told.append(wanted.exposure)
        self.exposure = wanted.exposure


def picture(number: int, light: float) -> Picture:
    wall = np.linspace(60, 140, 320, dtype=np.float32)[None].repeat(240, axis=0)
    centre = (round(16 * (160 + 30 * np.sin(0.31 * number))), round(16 * (120 + 12 * np.sin(0.23 * number))))
    cv2.circle(wall, centre, 60 * 16, 200.0, -1, cv2.LINE_AA, 4)
    grey = wall * light ** (1 / 2.2) + np.random.default_rng(number).standard_normal(wall.shape)
    drawn: Picture = np.clip(np.repeat(grey[..., None], 3, axis=2), 0, 255).astype(np.uint8)
    return drawn


class Recording:
    """Frames that were taken while another crossing challenged the same camera."""

    def __init__(self, seed: int) -> None:
        self.levels: list[float] = []
        camera = Camera()
        watched(camera, challenged(camera, seed), light=lambda: self._kept(camera.exposure))
        self._next = iter(self.levels)

    def _kept(self, level: float) -> float:
        self.levels.append(level)
        return level

    def __call__(self) -> float:
        return next(self._next)


def watched(
    camera: Camera, video: Video, *, obeys: bool = False, light: Callable[[], float] | None = None, frames: int = 40
) -> list[CameraTrouble]:
    seen = light or (lambda: camera.exposure if obeys else 1.0)

    async def run() -> list[CameraTrouble]:
        found: list[CameraTrouble] = []
        for number in range(frames):
            frame = Frame(pixels=picture(number, seen()), seq=number + 1, at_s=number * FRAME_S)
            camera.now_ms = int(number * FRAME_S * 1000)
            found += await video.see(frame)
        return found

    return asyncio.run(run())


def challenged(camera: Camera, seed: int = 3) -> Video:
    return Video(camera, clock_ms=lambda: camera.now_ms, exposures=exposures(random.Random(seed)))


def test_a_camera_that_obeys_is_believed_and_left_as_it_was() -> None:
    camera = Camera()
    assert watched(camera, challenged(camera), obeys=True) == []
    assert camera.told[0] == camera.told[-1] == 1.0
    assert len(set(camera.told)) >= 3
    assert len(camera.told) <= CHANGES_MAX


def test_video_that_is_fed_in_does_not_answer() -> None:
    camera = Camera()
    video = challenged(camera)
    assert watched(camera, video, obeys=False) == [CameraTrouble.DEAF]
    assert camera.told[-1] == 1.0
    assert not video.settled


def test_a_recording_of_another_crossing_answers_by_chance_only() -> None:
    believed = 0
    for seed in range(20):
        camera = Camera()
        believed += watched(camera, challenged(camera, seed), light=Recording(seed + 100)) == []
    assert believed <= 2


@pytest.mark.parametrize("half_ms", quick_or_long([150, 165, 200, 250, 400], quick=[165, 400]))
def test_video_that_blinks_by_itself_answers_by_chance_only(half_ms: int) -> None:
    believed = 0
    for seed in range(20):
        camera, numbers = Camera(), itertools.count()
        phase_ms = random.Random(seed).uniform(0, 2 * half_ms)

        def blinking(numbers: Iterator[int] = numbers, phase_ms: float = phase_ms) -> float:
            return LEVELS[3 * (int((next(numbers) * 1000 * FRAME_S + phase_ms) / half_ms) % 2)]

        believed += watched(camera, challenged(camera, seed), light=blinking) == []
    assert believed <= 2


@pytest.mark.parametrize("late", [1, 2, 4])
def test_a_camera_that_obeys_late_is_believed_whatever_is_drawn(late: int) -> None:
    for seed in range(10):
        camera = Camera()
        video = challenged(camera, seed)
        levels = [1.0] * late

        def delayed(camera: Camera = camera, levels: list[float] = levels) -> float:
            levels.append(camera.exposure)
            return levels.pop(0)

        assert watched(camera, video, light=delayed) == []
        assert video.settled


class Hurried:
    """A camera of 15 frames a second whose frames are looked at late, each by another while, and whose answers take a while, too."""

    def __init__(self, seed: int, *, on_time: bool) -> None:
        self.now_ms = self.frame_ms = 0.0
        self._dice = random.Random(seed)
        self._told = [(-1e9, 1.0)]
        self._answers_ms = (1, 5) if on_time else (2, 60)
        self._late_ms = (0, 5) if on_time else (0, 130)

    def set_controls(self, wanted: CameraControls) -> None:
        self._pass(self._answers_ms)
        self._told.append((self.now_ms, wanted.exposure))
        self._pass(self._answers_ms)

    def _pass(self, between_ms: tuple[int, int]) -> None:
        self.now_ms += self._dice.uniform(*between_ms)

    def light(self, at_ms: float) -> float:
        return next(exposure for since_ms, exposure in reversed(self._told) if since_ms <= at_ms)

    def watched_by(self, video: Video, *, until_ms: float = 4000) -> list[CameraTrouble]:
        async def run() -> list[CameraTrouble]:
            found: list[CameraTrouble] = []
            while self.now_ms < until_ms and not video.settled:
                number = int(self.now_ms * 15 / 1000)
                at_ms = number * 1000 / 15  # the newest frame, however long ago it came
                frame = Frame(pixels=picture(number, self.light(at_ms)), seq=number + 1, at_s=at_ms / 1000)
                self.frame_ms = at_ms
                self._pass(self._late_ms)
                found += await video.see(frame)
                self.now_ms = max(self.now_ms, (number + 1) * 1000 / 15)
            return found

        return asyncio.run(run())


def hurried(seed: int, *, on_time: bool, stamped_by_frame: bool = False) -> bool:
    """Whether a camera that obeys was believed; `stamped_by_frame` counts an exposure from the frame that had it asked for."""
    camera = Hurried(seed, on_time=on_time)
    clock = (lambda: int(camera.frame_ms)) if stamped_by_frame else (lambda: int(camera.now_ms))
    video = Video(camera, clock_ms=clock, exposures=exposures(random.Random(seed)))
    return camera.watched_by(video) == [] and video.settled


@pytest.mark.parametrize("on_time", [True, False])
def test_a_camera_that_obeys_is_believed_however_late_its_frames_are_looked_at(*, on_time: bool) -> None:
    assert all(hurried(seed, on_time=on_time) for seed in range(8))


def test_exposures_that_count_from_their_frames_would_call_such_a_camera_deaf() -> None:
    assert not all(hurried(seed, on_time=False, stamped_by_frame=True) for seed in range(8))


def test_a_camera_without_controls_has_not_answered_and_is_not_called_deaf() -> None:
    camera = Camera(refuses=REFUSALS_MAX)
    video = challenged(camera)
    assert watched(camera, video, obeys=True, frames=80) == []
    assert not video.settled
    assert camera.told == []


def test_a_camera_that_settles_first_is_challenged_then() -> None:
    camera = Camera(refuses=20)
    video = challenged(camera)
    assert watched(camera, video, obeys=True, frames=60) == []
    assert video.settled


@pytest.mark.parametrize("taken", [1, 6])
def test_a_camera_that_takes_no_more_controls_has_not_answered(taken: int) -> None:
    camera = Camera(takes=taken)
    video = challenged(camera)
    watched(camera, video, obeys=False, frames=80)
    assert not video.settled


def test_no_two_crossings_are_challenged_alike() -> None:
    drawn = {exposures(random.Random(seed)) for seed in range(20)}
    assert len(drawn) > 15
    assert all(one[0] == Exposure(0, 1.0) and one[-1].factor == 1.0 for one in drawn)


@pytest.mark.parametrize("frames", [3, 12])
def test_a_video_that_was_asked_and_has_not_answered_leaves_liveness_unknown(frames: int) -> None:
    camera = Camera()
    video = challenged(camera)
    assert watched(camera, video, obeys=False, frames=frames) == []
    live = VideoLiveness(Sure(), video).see(picture(0, 1.0), Observation(at_ms=0, faces=1))
    assert (live.score, live.ready, live.reasons) == (None, False, ("video_unanswered",))


class Sure:
    """Liveness that is ready at once."""

    def __init__(self) -> None:
        self.wiped = False

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        del frame, seen
        return LiveEvidence(0.9)

    def wipe(self) -> None:
        self.wiped = True


@pytest.mark.parametrize("frames", [5, 40])
def test_liveness_waits_until_the_video_has_answered(frames: int) -> None:
    camera, sure = Camera(), Sure()
    video = challenged(camera)
    liveness = VideoLiveness(sure, video)
    watched(camera, video, obeys=True, frames=frames)
    live = liveness.see(picture(0, 1.0), Observation(at_ms=0, faces=1))
    assert (live.score, live.ready) == ((0.9, True) if frames == 40 else (None, False))
    liveness.wipe()
    assert sure.wiped


def test_a_video_that_nobody_challenges_is_settled_from_the_start() -> None:
    assert Video(Camera(), clock_ms=lambda: 0).settled
