"""Pictures of a document's page: the port of page reading, and the camera that fills it; `drivers.reader.page_folder` does too.

A source gives frames, and its hardware's reports: that a page came or left, and a vendor's verdicts. The page reader verifies by
the pictures themselves. No image library here: the caller passes the function that decodes files.
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
        """Return the next event, None if there was none within `wait_s` seconds. Frames that are not requested in time are dropped.

        Raises LinkLostError once the source is gone; it is not opened again.
        """

    def close(self) -> None:
        """End. A waiting `next_event` ends soon after."""


class FrameCamera(Protocol):
    """The used part of a camera; `drivers.camera.newest.NewestFrame` fills it."""

    def open(self) -> None:
        """Begin."""

    def newest(self, *, after: int, wait_s: float) -> Frame | None:
        """The newest frame with a `seq` above `after`."""

    def close(self) -> None:
        """End."""


class CameraPage:
    """A document camera with a stream. Fills `PageSource`; the user of the frames detects a page."""

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
