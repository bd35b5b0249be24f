"""The base of every camera: a thread that takes each picture at once and keeps only the newest; older ones are dropped.

A camera counts as up after its first decoded picture. It ends permanently, with one DriverError; the owner then opens a new one.
"""

import abc
import contextlib
import threading
import time
import zlib
from collections.abc import Callable, Generator

import cv2
import numpy as np
import numpy.typing as npt

from gate_core.errors import DriverError, FrozenError, LinkLostError, NotWellError, RefusedError
from gate_core.ports.drivers import PictureSource
from gate_core.ports.values import CameraControls, Frame

FRAME_SIDE_MIN = 64
FRAME_SIDE_MAX = 4096
FRAME_PIXELS_MAX = 4096 * 2304
CLOSE_WAIT_S = 0.2
FROZEN_FRAMES_MIN = 8  # with the time; a slow camera's few equal pictures prove nothing
_ROWS_APART = 8  # noise is everywhere: an eighth of the rows distinguishes pictures


class NewestFrame(abc.ABC):
    """One camera. `open` starts it, `newest` gives its frames, `close` ends it; a closed camera is not opened again.

    `clock` gives monotonic seconds for the frames' arrival. With `frozen_after_s`, bit-equal pictures for that time end
    the camera with FrozenError: a sensor's noise always differs.
    """

    def __init__(self, *, frozen_after_s: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stillness = None if frozen_after_s is None else Stillness(frozen_after_s)
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: DriverError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._drain, name="camera", daemon=True)

    def open(self) -> None:
        """Start the camera and return at once."""
        self._thread.start()

    def newest(self, *, after: int, wait_s: float) -> Frame | None:
        """Return the newest frame with a `seq` above `after` (the first has 1); None if none arrives within `wait_s` seconds.

        Raises the DriverError that ended the camera, whatever the last frame.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or self._has_newer(after), timeout=wait_s)
            if self._error is not None:
                raise self._error
            return self._frame if self._has_newer(after) else None

    def check(self, *, wait_s: float) -> str:
        """Open it, wait for a picture, return its size as text, and close it. Raises DriverError."""
        width, height = self.size(wait_s=wait_s)
        return f"{width} x {height} pixels"

    def size(self, *, wait_s: float) -> tuple[int, int]:
        """Open it, wait for a picture, and close it; return the picture's width and height. Raises DriverError."""
        self.open()
        try:
            frame = self.newest(after=0, wait_s=wait_s)
        finally:
            self.close()
        if frame is None:
            raise NotWellError(f"no frame within {wait_s:g} s")
        height, width = frame.pixels.shape[:2]
        return width, height

    def set_controls(self, wanted: CameraControls) -> None:  # noqa: ARG002 - for cameras that have them
        """Change exposure and gain. Raises RefusedError if the camera does not obey, and LinkLostError."""
        raise RefusedError("this camera has no controls")

    def close(self) -> None:
        """End the camera. Waits at most `CLOSE_WAIT_S`: a thread stuck in a read ends at its time-out."""
        with self._changed:
            self._closing = True
            self._error = self._error or LinkLostError("the camera was closed")
            self._frame = None
            self._changed.notify_all()
        self._interrupt()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_WAIT_S)

    @abc.abstractmethod
    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        """Yield pictures, (height, width, 3) BGR, each a separate array. Raises DriverError; ends only with the camera."""

    def _interrupt(self) -> None:  # noqa: B027 - most have no way
        """Wake `_pictures` from a read, if possible; called from the closing thread."""

    def _has_newer(self, after: int) -> bool:
        return self._frame is not None and self._frame.seq > after

    def _drain(self) -> None:
        try:
            with contextlib.closing(self._pictures()) as pictures:
                for seq, pixels in enumerate(pictures, start=1):
                    check_size(pixels.shape[1], pixels.shape[0])
                    if self._closing:
                        break
                    self._keep(Frame(pixels=pixels, seq=seq, at_s=self._clock()))
        except DriverError as error:
            self._end(error)
        except (cv2.error, MemoryError) as error:
            self._end(LinkLostError(f"the camera's pictures cannot be decoded: {type(error).__name__}"))
        except OSError as error:
            self._end(LinkLostError(f"the camera has gone: {error.strerror}"))
        finally:  # an unexpected failure of a driver must not leave a caller waiting
            self._end(LinkLostError("the camera ended"))

    def _keep(self, frame: Frame) -> None:
        if self._stillness is not None:
            self._stillness.see(frame)
        with self._changed:
            if not self._closing:
                self._frame = frame
                self._changed.notify_all()

    def _end(self, error: DriverError) -> None:
        with self._changed:
            self._error = self._error or error
            self._frame = None
            self._changed.notify_all()


class Stillness:
    """Detects a camera that repeats one picture."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._print: int | None = None
        self._since_s = 0.0
        self._equal = 0

    def see(self, frame: Frame) -> None:
        """Take the next frame. Raises FrozenError after equal ones for long enough."""
        seen = fingerprint(frame.pixels)
        if seen != self._print:
            self._print, self._since_s, self._equal = seen, frame.at_s, 0
            return
        self._equal += 1
        if self._equal >= FROZEN_FRAMES_MIN and frame.at_s - self._since_s >= self._after_s:
            raise FrozenError("the camera's picture stands still")


class OutsideCamera(NewestFrame):
    """A camera that another distribution's driver looks through: its pictures, with what every camera has."""

    def __init__(self, source: PictureSource, *, frozen_after_s: float) -> None:
        super().__init__(frozen_after_s=frozen_after_s)
        self._source = source

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain. Raises RefusedError and LinkLostError."""
        self._source.set_controls(wanted)

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        yield from self._source.pictures()

    def _interrupt(self) -> None:
        self._source.close()


def fingerprint(pixels: npt.NDArray[np.uint8]) -> int:
    """Return a number that differs for different pictures of a sensor, except by coincidence."""
    return zlib.crc32(np.ascontiguousarray(pixels[::_ROWS_APART]).data)


def check_size(width: int, height: int) -> None:
    """Raise LinkLostError for a frame size that no lane camera has. A stream without a picture yet has size 0."""
    if not width and not height:
        raise LinkLostError("the camera sends no picture")
    if not (min(width, height) >= FRAME_SIDE_MIN and max(width, height) <= FRAME_SIDE_MAX):
        raise LinkLostError(f"the camera sends pictures of {width}x{height}")
    if width * height > FRAME_PIXELS_MAX:
        raise LinkLostError(f"the camera sends pictures of {width}x{height}, more than {FRAME_PIXELS_MAX} pixels")


def quieten_opencv() -> None:
    """Stop OpenCV from writing to standard error."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
