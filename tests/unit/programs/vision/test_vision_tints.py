"""The display's challenge: colours nobody can foresee, counted from when they are painted, and never held against anybody."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from gate.channel.preview_messages import ShowTint
from gate.face.liveness.cues import TINTS, Rgb, linear
from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.picture import Picture
from gate.programs.vision.liveness_checks import AHEAD, COLOURS_MAX, HOLD_MS, PAINTED_WITHIN_MS, DisplayChallenge
from gate.screens.kiosk.board import LUMINANCE_MIN, luminance

FRAME_MS = 66
NOBODY = np.zeros((4, 4, 3), np.uint8)


class Eyes:
    """Liveness that notes what it is told of the display."""

    def __init__(self) -> None:
        self.shown: list[tuple[Rgb, int]] = []
        self.wiped = False

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        del frame, seen
        return LiveEvidence(0.9)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        self.shown.append((colour, at_ms))

    def show_nothing(self) -> None:
        self.shown.clear()

    def wipe(self) -> None:
        self.wiped = True


class Crossing:
    """A crossing whose page paints each colour `paints_after_ms` later; None: never."""

    def __init__(self, *, paints_after_ms: int | None = 40, seed: int = 1) -> None:
        self.eyes = Eyes()
        self.tints = DisplayChallenge(self.eyes, random.Random(seed))
        self.tints.page_is(there=True)
        self.asked: list[ShowTint] = []
        self.now_ms = 1000
        self._paints_after_ms = paints_after_ms

    def run(self, frames: int, *, face: bool = True) -> None:
        for _ in range(frames):
            self.now_ms += FRAME_MS
            if face:
                self.tints.see(NOBODY, Observation(at_ms=self.now_ms, faces=1))
            tint = self.tints.due(now_ms=self.now_ms)
            if tint is not None:
                self.asked.append(tint)
                if self._paints_after_ms is not None:
                    at_ms = self.now_ms + self._paints_after_ms
                    self.tints.painted(tint.number, at_ms=at_ms, now_ms=at_ms + 5)


def test_a_colour_counts_from_when_it_was_painted() -> None:
    crossing = Crossing()
    crossing.run(1)
    (asked,) = crossing.asked
    assert crossing.eyes.shown == [(linear(asked.colour), crossing.now_ms + 40)]


def test_colours_follow_one_another_no_faster_than_is_pleasant_and_none_twice_running() -> None:
    crossing = Crossing()
    crossing.run(100)
    times = [at_ms for _, at_ms in crossing.eyes.shown]
    assert len(times) > 10
    assert min(late - early for early, late in itertools.pairwise(times)) >= HOLD_MS
    assert all(one.colour != other.colour for one, other in itertools.pairwise(crossing.asked))
    assert [tint.number for tint in crossing.asked] == list(range(1, len(times) + 1))
    assert {tint.colour for tint in crossing.asked} <= set(TINTS)


def test_no_two_crossings_are_shown_the_same_order() -> None:
    orders = set()
    for seed in range(20):
        crossing = Crossing(seed=seed)
        crossing.run(40)
        orders.add(tuple(tint.colour for tint in crossing.asked))
    assert len(orders) > 15


def test_without_a_face_a_few_colours_come_and_the_others_wait_for_one() -> None:
    crossing = Crossing()
    crossing.run(100, face=False)
    assert len(crossing.asked) == AHEAD
    crossing.run(2)
    assert len(crossing.asked) == AHEAD + 1


def test_the_colours_of_one_crossing_are_limited() -> None:
    crossing = Crossing()
    crossing.run(1000)
    assert len(crossing.asked) == COLOURS_MAX


def test_a_page_that_never_paints_was_no_challenge() -> None:
    crossing = Crossing(paints_after_ms=None)
    crossing.run(100)
    assert len(crossing.asked) == 1
    assert crossing.eyes.shown == []


def test_a_page_that_stops_answering_takes_everything_back() -> None:
    crossing = Crossing()
    crossing.run(20)
    assert len(crossing.eyes.shown) == 3
    crossing._paints_after_ms = None
    crossing.run(2 * PAINTED_WITHIN_MS // FRAME_MS)
    assert crossing.eyes.shown == []


def test_a_page_that_goes_takes_everything_back_and_its_return_begins_nothing() -> None:
    crossing = Crossing()
    crossing.run(20)
    crossing.tints.page_is(there=False)
    assert crossing.eyes.shown == []
    crossing.tints.page_is(there=True)
    asked = len(crossing.asked)
    crossing.run(50)
    assert (len(crossing.asked), crossing.eyes.shown) == (asked, [])


def test_nothing_is_asked_while_no_page_is_open_and_a_late_page_is_challenged() -> None:
    crossing = Crossing()
    crossing.tints.page_is(there=False)
    crossing.run(20)
    assert crossing.asked == []
    crossing.tints.page_is(there=True)
    crossing.run(1)
    assert len(crossing.asked) == 1


@pytest.mark.parametrize(
    ("number", "at_ms"), [(2, 1080), (0, 1080), (1, 1000), (1, 2000)], ids=["to come", "none", "before", "in future"]
)
def test_a_word_of_the_page_that_cannot_be_true_is_not_believed(number: int, at_ms: int) -> None:
    crossing = Crossing(paints_after_ms=None)
    crossing.run(1)
    crossing.tints.painted(number, at_ms=at_ms, now_ms=1090)
    assert crossing.eyes.shown == []


def test_what_is_said_twice_counts_once() -> None:
    crossing = Crossing()
    crossing.run(1)
    crossing.tints.painted(1, at_ms=crossing.now_ms + 300, now_ms=crossing.now_ms + 300)
    assert len(crossing.eyes.shown) == 1


def test_liveness_is_passed_on_as_it_is() -> None:
    crossing = Crossing()
    assert crossing.tints.see(NOBODY, Observation(at_ms=0, faces=1)) == LiveEvidence(0.9)
    crossing.tints.wipe()
    assert crossing.eyes.wiped


def test_the_colours_are_pale_and_alike_in_luminance_so_that_nothing_flashes() -> None:
    """WCAG 2.3.1: a flash is a change of a tenth or more whose darker side is below 0.80."""
    levels = [luminance(colour) for colour in TINTS]
    assert min(levels) >= LUMINANCE_MIN == 0.80
    assert max(levels) - min(levels) < 0.1 * max(levels)
