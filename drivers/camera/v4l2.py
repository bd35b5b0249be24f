"""A USB camera through Video4Linux: MJPG pictures, exposure, gain and white balance fixed, controls read back.

Identified by its stable name, /dev/v4l/by-id/… or by-path/…, because /dev/video0 may be another camera after a restart;
and by its serial number, if one is set. MJPG is required: uncompressed pictures exceed USB 2. Without calibrated values
exposure is automatic for the first pictures, then fixed: one that follows a bright jacket would distort every quality
measure. Only the reading thread uses OpenCV's controls: a change waits for the next picture.
"""

import errno
import os
import queue
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera.newest import NewestFrame, quieten_opencv
from drivers.camera.settings import STABLE_NAME, Calibration
from gate_core.errors import DriverError, LinkLostError, RefusedError, SetupError, not_opened
from gate_core.ports.values import CameraControls

SETTLING_FRAMES = 20  # a camera's own exposure comes to rest within these
CONTROL_WAIT_S = 2.0
READ_TIMEOUT_S = 2  # OpenCV's own default is ten seconds
_SYSFS = Path("/sys/class/video4linux")
_SERIAL_BYTES_MAX = 256
_MJPG: Final = cv2.VideoWriter.fourcc(*"MJPG")
# Values of V4L2_CID_EXPOSURE_AUTO, linux/v4l2-controls.h.
_EXPOSURE_MANUAL, _EXPOSURE_APERTURE_PRIORITY = 1.0, 3.0


class _Device(Protocol):
    """The used part of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name
    def read(self) -> tuple[bool, npt.NDArray[np.uint8]]: ...
    def get(self, prop: int, /) -> float: ...
    def set(self, prop: int, value: float, /) -> bool: ...
    def release(self) -> None: ...


class V4l2Camera(NewestFrame):
    """One camera. `calibration` None: it settles by itself first; the attribute then has the values. Raises SetupError for a name that is not permanent."""

    def __init__(
        self,
        device: str,
        *,
        size: tuple[int, int] = (1280, 720),
        frames_per_second: int = 30,
        calibration: Calibration | None = None,
        serial: str = "",
        frozen_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        open_device: Callable[[str], _Device] | None = None,
        serial_number: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(frozen_after_s=frozen_after_s, clock=clock)
        if not STABLE_NAME.fullmatch(device):
            raise SetupError("camera.address must be a camera's name in /dev/v4l/by-id/ or /dev/v4l/by-path/")
        self._path = device
        self._serial = serial
        self._serial_number = serial_number or serial_number_of
        self._size = size
        self._frames_per_second = frames_per_second
        self.calibration = calibration
        self._open_device = open_device or _opencv_device
        self._wanted: queue.Queue[tuple[CameraControls, Future[None]]] = queue.Queue(1)

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        if self._serial and self._serial_number(self._path) != self._serial:
            raise LinkLostError("another camera is plugged in than the one that was installed, or none")
        device = self._open_device(self._path)
        try:
            if not device.isOpened():
                if Path(self._path).exists() and not os.access(self._path, os.R_OK | os.W_OK):
                    raise not_opened(self._path, errno.EACCES, "Permission denied")
                raise LinkLostError("the camera cannot be opened")
            self._set_up(device)
            count = 0
            while True:
                self._obey(device)
                fine, pixels = device.read()
                if not fine:
                    raise LinkLostError("the camera sends no picture" if count == 0 else "the camera was unplugged")
                count += 1
                yield pixels.astype(np.uint8, copy=False)
                if self.calibration is None and count == SETTLING_FRAMES:
                    self.calibration = settled(device)
                    fix(device, self.calibration)
        finally:
            device.release()

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain before the next picture, and wait until the camera confirms it."""
        done: Future[None] = Future()
        try:
            self._wanted.put((wanted, done), timeout=CONTROL_WAIT_S)
            done.result(CONTROL_WAIT_S)
        except (queue.Full, TimeoutError) as error:
            raise LinkLostError("the camera takes no controls") from error

    def _set_up(self, device: _Device) -> None:
        """Request the picture format and verify it. Raises SetupError."""
        width, height = self._size
        device.set(cv2.CAP_PROP_FOURCC, _MJPG)
        device.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        device.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        device.set(cv2.CAP_PROP_FPS, self._frames_per_second)
        if int(device.get(cv2.CAP_PROP_FOURCC)) != _MJPG:
            raise SetupError("the camera has no MJPG")
        given = (int(device.get(cv2.CAP_PROP_FRAME_WIDTH)), int(device.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        if given != self._size:
            raise SetupError(f"the camera gives pictures of {given[0]}x{given[1]}, not {width}x{height}")
        if self.calibration is None:
            device.set(cv2.CAP_PROP_AUTO_EXPOSURE, _EXPOSURE_APERTURE_PRIORITY)
            device.set(cv2.CAP_PROP_AUTO_WB, 1)
        else:
            fix(device, self.calibration)

    def _obey(self, device: _Device) -> None:
        """Carry out requests since the last picture."""
        try:
            wanted, done = self._wanted.get_nowait()
        except queue.Empty:
            return
        if self.calibration is None:
            done.set_exception(RefusedError("the camera has not settled yet"))
            return
        try:
            _set(device, cv2.CAP_PROP_EXPOSURE, max(1, round(self.calibration.exposure * wanted.exposure)), "exposure")
            _set(device, cv2.CAP_PROP_GAIN, round(self.calibration.gain * wanted.gain), "gain")
        except DriverError as error:
            done.set_exception(error)
        else:
            done.set_result(None)


def settled(device: _Device) -> Calibration:
    """Return the values that the camera's automatic controls have reached."""
    exposure, gain, white_balance = (
        round(device.get(name)) for name in (cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_GAIN, cv2.CAP_PROP_WB_TEMPERATURE)
    )
    return Calibration(exposure, gain, white_balance)


def fix(device: _Device, calibration: Calibration) -> None:
    """Switch the automatic controls off and set the values. Raises RefusedError if one reads back differently."""
    _set(device, cv2.CAP_PROP_AUTO_EXPOSURE, _EXPOSURE_MANUAL, "manual exposure")
    _set(device, cv2.CAP_PROP_EXPOSURE, calibration.exposure, "exposure")
    _set(device, cv2.CAP_PROP_GAIN, calibration.gain, "gain")
    _set(device, cv2.CAP_PROP_AUTO_WB, 0, "manual white balance")
    _set(device, cv2.CAP_PROP_WB_TEMPERATURE, calibration.white_balance, "white balance")


def serial_number_of(path: str, sysfs: Path = _SYSFS) -> str:
    """Return the serial number that the camera at this path gives the kernel; empty if none, or if the camera is gone."""
    try:
        node = (sysfs / Path(path).resolve(strict=True).name / "device").resolve(strict=True)
        for place in (node, *node.parents):
            if (place / "idVendor").exists():  # the USB device, above its interface
                with (place / "serial").open("rb") as file:
                    return file.read(_SERIAL_BYTES_MAX).decode(errors="replace").strip()
    except OSError:
        return ""
    return ""


def _set(device: _Device, prop: int, value: float, name: str) -> None:
    """Set one control and read it back: drivers round silently, and some ignore it."""
    device.set(prop, value)
    given = device.get(prop)
    if given != value:
        raise RefusedError(f"the camera's {name} is {given:g}, not {value:g}")


def _opencv_device(path: str) -> _Device:
    os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(READ_TIMEOUT_S)
    quieten_opencv()
    return cv2.VideoCapture(path, cv2.CAP_V4L2)  # type: ignore[return-value] # its stubs allow any array
