"""The simulated document camera: a page is seen coming, then lying, then the empty bed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hardware_sim.camera.server import MjpegCamera
from hardware_sim.clock import WorldClock
from hardware_sim.page.placement import Bed, Manner, PlacedPage
from hardware_sim.page.printing import Page, Size
from hardware_sim.page.scanner import PageScanner

PAGE = Page(Size.TD3, ("A" * 44, "B" * 44))


class Clock(WorldClock):
    """Has its timers fire when the test says so."""

    def later(self, after_s: float, act: Callable[[], None]) -> Any:  # noqa: ARG002 - the test decides
        return Timer(act)


class Timer:
    """Fires when the test says so, in a thread of its own as the real one."""

    made: list[Timer]

    def __init__(self, act: Any) -> None:
        self.cancelled = False
        self.fire = act
        self.made.append(self)

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    scenes: list[Any] = []
    Timer.made = []
    monkeypatch.setattr(MjpegCamera, "show", lambda _, scene: scenes.append(scene))
    monkeypatch.setattr(threading, "current_thread", lambda: Timer.made[-1])
    return scenes


def test_a_page_is_seen_coming_then_lying_then_gone(shown: list[Any]) -> None:
    scanner = PageScanner(Clock())
    scanner.insert(PlacedPage(PAGE, Manner.GLARE))
    Timer.made[-1].fire()
    scanner.remove()
    lying = PlacedPage(PAGE, Manner.GLARE, laying=1)
    assert shown == [Bed(), replace(lying, arriving=True), lying, Bed()]


def test_no_laying_is_like_the_one_before(shown: list[Any]) -> None:
    scanner = PageScanner(Clock())
    for _ in range(2):
        scanner.insert(PlacedPage(PAGE))
    assert shown[-1].laying == shown[-2].laying + 1


def test_a_page_that_is_taken_while_it_comes_never_lies_there(shown: list[Any]) -> None:
    scanner = PageScanner(Clock())
    scanner.insert(PlacedPage(PAGE))
    scanner.remove()
    assert Timer.made[-1].cancelled
    Timer.made[-1].fire()  # it had begun already
    assert shown[-1] == Bed()


def test_a_scanner_streams_on_loopback_until_it_is_stopped() -> None:
    scanner = PageScanner()
    scanner.start()
    try:
        assert scanner.address.startswith("http://127.0.0.1:")
    finally:
        scanner.stop()
