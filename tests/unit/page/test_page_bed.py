"""A bed knows when something lies on it, and learns what was forgotten there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gate.page.stream.camera import LEARNED_AFTER_MS, Bed

EMPTY = np.full((480, 640), 30, np.uint8)
FRAME_MS = 100


def with_card(grey: int = 200) -> npt.NDArray[np.uint8]:
    frame = EMPTY.copy()
    frame[150:330, 200:440] = grey  # a seventh of the picture
    return frame


class Camera:
    """Shows frames to a bed at ten a second."""

    def __init__(self) -> None:
        self.bed = Bed()
        self.now_ms = 0

    def shows(self, frame: npt.NDArray[np.uint8], count: int = 1, *, has_mrz: bool = False) -> list[bool]:
        said = []
        for _ in range(count):
            said.append(self.bed.occupied(frame, at_ms=self.now_ms, has_mrz=has_mrz))
            self.now_ms += FRAME_MS
        return said


def test_a_card_on_the_bed_is_seen_and_the_empty_bed_is_known_again() -> None:
    camera = Camera()
    assert camera.shows(EMPTY, 3) == [False] * 3
    assert camera.shows(with_card(), 3) == [True] * 3
    assert camera.shows(EMPTY) == [False]


def test_what_has_an_mrz_is_a_document_whatever_the_bed_looks_like() -> None:
    camera = Camera()
    assert camera.shows(EMPTY, has_mrz=True) == [True]
    assert camera.shows(EMPTY) == [False]


def test_noise_and_slow_daylight_are_nothing() -> None:
    camera, random = Camera(), np.random.default_rng(1)
    for step in range(150):
        light = np.clip(EMPTY + step * 0.1 + random.normal(0, 4, EMPTY.shape), 0, 255).astype(np.uint8)
        assert camera.shows(light) == [False]


def test_what_was_forgotten_becomes_the_bed_and_the_bed_without_it_stays_known() -> None:
    camera = Camera()
    camera.shows(EMPTY, 600)
    leaflet = with_card(170)
    said = camera.shows(leaflet, LEARNED_AFTER_MS // FRAME_MS + 2)
    assert said[: LEARNED_AFTER_MS // FRAME_MS - 1] == [True] * (LEARNED_AFTER_MS // FRAME_MS - 1)
    assert said[-1] is False
    assert camera.shows(EMPTY, 3) == [False] * 3
    assert camera.shows(with_card(255), 3) == [True] * 3


def test_what_moves_is_never_learned() -> None:
    camera = Camera()
    camera.shows(EMPTY)
    for step in range(LEARNED_AFTER_MS // FRAME_MS + 10):
        assert camera.shows(np.roll(with_card(), 120 * (step % 2), axis=1)) == [True]
