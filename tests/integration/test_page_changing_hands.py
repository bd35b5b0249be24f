"""Simulated pages before the recogniser that ships: laid again they are presented again, a hand that passes leaves them alone.

With `PAGES` at 21 that was so for 126 layings and 126 hands of 126.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes.pages import mrz_lines
from fakes.tiers import quick_or_long

from gate.page.picture.reader import open_recogniser
from gate.page.stream.camera import CameraStream
from gate.page.values import Advised, Event, Gone, MrzFormat, Read
from hardware_sim.page.placement import SIZE_PX, Bed, PlacedPage
from hardware_sim.page.printing import Page, Size

pytestmark = pytest.mark.no_cover

FRAME_MS = 100
PAGES = 2  # of each size
SIZES = {Size.TD3: MrzFormat.TD3, Size.TD1: MrzFormat.TD1}
LAYINGS = 3  # of each page, after the first
SKIN = (134, 158, 206)

Picture = npt.NDArray[np.uint8]


class Scanner:
    """A bed that shows what a test lays on it, ten frames a second."""

    def __init__(self) -> None:
        self._watch = CameraStream(open_recogniser(Path("the model is committed")))
        self._frames = 0
        self.shows(Bed(), 3)

    def shows(self, scene: Bed | PlacedPage, count: int, *, hand: bool = False) -> list[Event]:
        told: list[Event] = []
        for index in range(count):
            picture = scene.picture(index % scene.loop_length)
            if hand:
                across = int(SIZE_PX[0] * (1.1 - 0.35 * index))
                cv2.ellipse(picture, (across, 650), (150, 420), 15, 0, 360, SKIN, -1)
            told += self._watch.see(picture, at_ms=self._frames * FRAME_MS)
            self._frames += 1
        return [event for event in told if not isinstance(event, Advised)]

    def laid(self, page: Page, laying: int) -> list[Event]:
        return self.shows(PlacedPage(page, arriving=True, laying=laying), 4) + self.shows(
            PlacedPage(page, laying=laying), 5
        )


@pytest.mark.parametrize("size", quick_or_long(SIZES, quick=[Size.TD3]))
@pytest.mark.parametrize("seed", quick_or_long(range(PAGES), quick=[0]))
def test_every_laying_is_presented_and_no_hand_is(size: Size, seed: int) -> None:
    scanner, page = Scanner(), Page(size, mrz_lines(np.random.default_rng(seed), SIZES[size]))
    (read,) = scanner.laid(page, 1)
    assert isinstance(read, Read)
    for laying in range(2, 2 + LAYINGS):
        lying = PlacedPage(page, laying=laying - 1)
        assert scanner.shows(lying, 4) + scanner.shows(lying, 4, hand=True) + scanner.shows(lying, 4) == []
        gone, again = scanner.laid(page, laying)
        assert gone == Gone(laying - 1)
        assert isinstance(again, Read)
        assert (again.page, again.reading.lines) == (laying, page.lines)
