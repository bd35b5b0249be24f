"""A network camera: MJPEG over HTTP, decoded by FFmpeg through OpenCV, always the newest picture.

A thread of its own opens the stream and reads every frame, because a reader that pauses falls further behind with each
one; only the newest is kept and older ones are dropped. The camera counts as up after its first decoded frame, not
before: OpenCV calls a stream of garbage open. Silence, a hang-up, garbage and a frame of another size class end the
camera with LinkLostError; the owner opens a new one.

What the stream may be is narrowed before FFmpeg sees it: HTTP(S) only, multipart JPEG only, no redirection into files or
playlists. FFmpeg and OpenCV write nothing to standard error.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import cv2
import numpy as np

from drivers.errors import DriverError, LinkLostError, SetupError
from drivers.values import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM_TIMEOUT_MS = 1500  # to open, and between two frames; OpenCV's own default is half a minute
ADDRESS_CHARACTERS_MAX = 512
FRAME_SIDE_MIN = 64
FRAME_SIDE_MAX = 4096
FRAME_PIXELS_MAX = 4096 * 2304
CLOSE_WAIT_S = 0.2

# Both libraries take these by environment variable only, at the first use and at each opening of a stream.
_ENVIRONMENT = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "input_format;mpjpeg|protocol_whitelist;http,https,tls,tcp",
}


class NetworkCamera:
    """One stream. `open` starts it, `newest` gives its frames, `close` ends it; a closed camera is not opened again.

    `clock` gives monotonic seconds for the frames' time of arrival.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout_ms: int = STREAM_TIMEOUT_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = checked_address(address)
        self._timeout_ms = timeout_ms
        self._clock = clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: DriverError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._drain, name="camera", daemon=True)

    def open(self) -> None:
        """Start to open the stream and return at once."""
        self._thread.start()

    def newest(self, *, after: int, wait_s: float) -> Frame | None:
        """The newest frame with a `seq` above `after` (the first has 1); None when none came within `wait_s` seconds.

        Raises LinkLostError once the stream has ended, whatever frame was last.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or self._has_newer(after), timeout=wait_s)
            if self._error is not None:
                raise self._error
            return self._frame if self._has_newer(after) else None

    def close(self) -> None:
        """End the stream. Waits `CLOSE_WAIT_S` at most: a thread that is stuck in a read ends by itself at its time-out."""
        with self._changed:
            self._closing = True
            self._error = self._error or LinkLostError("the camera was closed")
            self._frame = None
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_WAIT_S)

    def _has_newer(self, after: int) -> bool:
        return self._frame is not None and self._frame.seq > after

    def _drain(self) -> None:
        """The camera's thread."""
        try:
            self._read_all()
        except DriverError as error:
            self._end(error)
        except (cv2.error, MemoryError) as error:
            self._end(LinkLostError(f"the camera's stream cannot be decoded: {type(error).__name__}"))

    def _read_all(self) -> None:
        _quieten()
        options = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            self._timeout_ms,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            self._timeout_ms,
            cv2.CAP_PROP_N_THREADS,
            1,
        ]
        capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, options)
        try:
            if not capture.isOpened():
                raise LinkLostError("the camera does not answer")
            seq = 0
            while not self._closing:
                # Before the first frame is decoded, and in case a later one is larger, the announced size counts.
                check_size(int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
                fine, pixels = capture.read()
                if not fine:
                    raise LinkLostError("the camera sends no picture" if seq == 0 else "the camera's stream ended")
                check_size(pixels.shape[1], pixels.shape[0])
                seq += 1
                self._keep(Frame(pixels=pixels.astype(np.uint8, copy=False), seq=seq, at_s=self._clock()))
        finally:
            capture.release()

    def _keep(self, frame: Frame) -> None:
        with self._changed:
            if not self._closing:
                self._frame = frame
                self._changed.notify_all()

    def _end(self, error: DriverError) -> None:
        with self._changed:
            self._error = self._error or error
            self._frame = None
            self._changed.notify_all()


def checked_address(address: str) -> str:
    """Return the address when it is one of a network camera. Raises SetupError, which never repeats a password."""
    parts = urlsplit(address)
    if len(address) > ADDRESS_CHARACTERS_MAX or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SetupError("camera.address must be an http or https address of an MJPEG stream")
    if any(ord(character) <= 0x20 for character in address):
        raise SetupError("camera.address holds spaces or control characters")
    return address


def check_size(width: int, height: int) -> None:
    """Raise LinkLostError for a frame that no lane camera sends. A stream without a picture yet says 0."""
    if not width and not height:
        raise LinkLostError("the camera sends no picture")
    if not (min(width, height) >= FRAME_SIDE_MIN and max(width, height) <= FRAME_SIDE_MAX):
        raise LinkLostError(f"the camera sends pictures of {width}x{height}")
    if width * height > FRAME_PIXELS_MAX:
        raise LinkLostError(f"the camera sends pictures of {width}x{height}, more than {FRAME_PIXELS_MAX} pixels")


def _quieten() -> None:
    os.environ.update(_ENVIRONMENT)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
