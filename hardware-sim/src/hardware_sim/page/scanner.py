"""The lane's document camera: streams pictures of its bed as MJPEG on loopback.

A page that is put down first moves for a short time, then lies still. `insert` and `remove` are safe from any thread.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from hardware_sim.camera import MjpegCamera
from hardware_sim.clock import WorldClock
from hardware_sim.page.placement import SIZE_PX, Bed, PlacedPage

if TYPE_CHECKING:
    from hardware_sim.clock import Timer

FPS: Final = 10.0
ARRIVING_S: Final = 0.35


class PageScanner:
    """One document camera over one bed."""

    def __init__(self, clock: WorldClock | None = None, *, port: int = 0) -> None:
        self._clock = WorldClock() if clock is None else clock
        self._camera = MjpegCamera(fps=FPS, size=SIZE_PX, port=port)
        self._camera.show(Bed())
        self._lock = threading.Lock()
        self._settling: Timer | None = None
        self._layings = 0

    @property
    def address(self) -> str:
        """Return the stream's URL. Only after `start`."""
        return self._camera.address

    @property
    def port(self) -> int:
        """Return the stream's TCP port. Only after `start`."""
        return self._camera.port

    def start(self) -> None:
        """Start the stream."""
        self._camera.start()

    def stop(self) -> None:
        """Stop the stream, like a camera without power."""
        self._forget()
        self._camera.stop()

    def insert(self, laid: PlacedPage) -> None:
        """Put a page on the bed, in place of any other."""
        with self._lock:
            self._forget()
            self._layings += 1
            laid = replace(laid, laying=self._layings)
            self._camera.show(replace(laid, arriving=True))
            self._settling = self._clock.later(ARRIVING_S, partial(self._settle, laid))

    def remove(self) -> None:
        """Take the page off the bed."""
        with self._lock:
            self._forget()
            self._camera.show(Bed())

    def _settle(self, scene: PlacedPage) -> None:
        with self._lock:
            if self._settling is threading.current_thread():
                self._settling = None
                self._camera.show(scene)

    def _forget(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
