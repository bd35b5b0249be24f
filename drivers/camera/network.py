"""A network camera: MJPEG over HTTP, decoded by FFmpeg through OpenCV, always the newest picture.

OpenCV calls a stream of garbage open, so the camera is up only after its first decoded picture. Silence, a hang-up, garbage
and a picture of another size class end it with LinkLostError.

What the stream may be is narrowed before FFmpeg sees it: HTTP(S) only, multipart JPEG only, no redirection into files or
playlists. FFmpeg and OpenCV write nothing to standard error. Exposure and gain are set by a POST of
`{"exposure": …, "gain": …}` to /control of the same host, relative to the calibrated values; the camera answers 2xx.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import cv2
import numpy as np

from drivers.camera.newest import NewestFrame, check_size, quieten_opencv
from drivers.errors import LinkLostError, RefusedError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy.typing as npt

    from drivers.camera.credentials import Credentials
    from drivers.values import CameraControls

STREAM_TIMEOUT_MS = 1500  # to open, and between two frames; OpenCV's own default is half a minute
ADDRESS_CHARACTERS_MAX = 512
CONTROL_PATH = "/control"
_ANSWER_BYTES_MAX = 4096

# Both libraries take these by environment variable only, at the first use and at each opening of a stream.
_ENVIRONMENT = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "input_format;mpjpeg|protocol_whitelist;http,https,tls,tcp",
}


class NetworkCamera(NewestFrame):
    """One stream."""

    def __init__(
        self,
        address: str,
        *,
        credentials: Credentials | None = None,
        timeout_ms: int = STREAM_TIMEOUT_MS,
        frozen_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(frozen_after_s=frozen_after_s, clock=clock)
        self._address = checked_address(address)
        self._credentials = credentials
        self._timeout_ms = timeout_ms

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        os.environ.update(_ENVIRONMENT)
        quieten_opencv()
        options = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            self._timeout_ms,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            self._timeout_ms,
            cv2.CAP_PROP_N_THREADS,
            1,
        ]
        address = self._address if self._credentials is None else self._credentials.in_address(self._address)
        capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, options)
        try:
            if not capture.isOpened():
                raise LinkLostError("the camera does not answer")
            came = False
            while True:
                # Before the first frame is decoded, and in case a later one is larger, the announced size counts.
                check_size(int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
                fine, pixels = capture.read()
                if not fine:
                    raise LinkLostError("the camera's stream ended" if came else "the camera sends no picture")
                came = True
                yield pixels.astype(np.uint8, copy=False)
        finally:
            capture.release()

    def set_controls(self, wanted: CameraControls) -> None:
        """Ask the camera, and wait for its answer."""
        parts = urlsplit(self._address)
        assert parts.hostname is not None, "the address was checked"
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=self._timeout_ms / 1000)
        headers = {"Content-Type": "application/json"}
        if self._credentials is not None:
            secret = f"{self._credentials.user}:{self._credentials.password}"
            headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        try:
            body = json.dumps({"exposure": wanted.exposure, "gain": wanted.gain})
            connection.request("POST", CONTROL_PATH, body, headers)
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise LinkLostError(f"the camera's controls do not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise RefusedError(f"the camera refused the controls with status {answer.status}")


def checked_address(address: str) -> str:
    """Return the address when it is one of a network camera, without a password. Raises SetupError, which never repeats one."""
    parts = urlsplit(address)
    if len(address) > ADDRESS_CHARACTERS_MAX or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SetupError("camera.address must be an http or https address of an MJPEG stream")
    if parts.username is not None or parts.password is not None:
        raise SetupError(
            "camera.address holds a user or a password: their place is a file that camera.credentials names"
        )
    if any(ord(character) <= 0x20 for character in address):
        raise SetupError("camera.address holds spaces or control characters")
    return address
