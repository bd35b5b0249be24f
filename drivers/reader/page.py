"""Pictures of a document's page: the port that page reading takes its frames from, and the camera that fills it; `drivers.reader.page_folder` does, too.

A source gives frames, and what its hardware knows besides: that a page came or went, and what a vendor's service says of it. Whoever reads the pages makes
sure by the pictures themselves. No image library here: files are decoded by the function that is handed in.
"""

from __future__ import annotations

from typing import Protocol

from gate_core.ports.values import Frame, PagePresence, PageVerdicts

PageEvent = Frame | PageVerdicts | PagePresence


class PageSource(Protocol):
    """A document camera, a scanner, or the folder of a vendor's service. One thread uses it; `close` may come from another."""

    def open(self) -> None:
        """Begin; returns at once. Raises SetupError."""

    def next_event(self, *, wait_s: float) -> PageEvent | None:
        """The next event, None when none came within `wait_s` seconds. Frames that nobody asked for in time are dropped.

        Raises LinkLostError once the source has gone; it is not opened again.
        """

    def close(self) -> None:
        """End. A waiting `next_event` ends soon after."""


class FrameCamera(Protocol):
    """What is needed of a camera; `drivers.camera.newest.NewestFrame` fills it."""

    def open(self) -> None:
        """Begin."""

    def newest(self, *, after: int, wait_s: float) -> Frame | None:
        """The newest frame with a `seq` above `after`."""

    def close(self) -> None:
        """End."""


class CameraPage:
    """A document camera that streams. Fills `PageSource`; whether a page is there is for who looks at the frames."""

    def __init__(self, camera: FrameCamera) -> None:
        self.camera = camera
        self._seq = 0

    def open(self) -> None:
        """Start the stream."""
        self.camera.open()

    def next_event(self, *, wait_s: float) -> PageEvent | None:
        """The newest frame. Raises LinkLostError once the stream has ended."""
        frame = self.camera.newest(after=self._seq, wait_s=wait_s)
        if frame is not None:
            self._seq = frame.seq
        return frame

    def close(self) -> None:
        """End the stream."""
        self.camera.close()
