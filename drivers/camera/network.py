"""A network camera: MJPEG over https, or over http if the configuration names the reason. Always the newest picture.

FFmpeg gets no address, because it accepts any certificate and many kinds of stream. An undecodable picture is skipped; silence, a
closed connection, bytes that are no stream, and pictures of another size class end the camera. Exposure and gain are set by a POST
of `{"exposure": …, "gain": …}` to /control of the same host, relative to the calibrated values; the camera answers 2xx.
"""

import contextlib
import json
import time
from collections.abc import Callable, Generator

import numpy as np
import numpy.typing as npt

from drivers.camera.link import Link
from drivers.camera.mjpeg import Parts
from drivers.camera.newest import NewestFrame
from gate_core.errors import BadFrameError, LinkLostError
from gate_core.ports.values import CameraControls

CONTROL_PATH = "/control"


class NetworkCamera(NewestFrame):
    """One stream. `decode` measures and decodes a JPEG; None for a broken one."""

    def __init__(
        self,
        link: Link,
        *,
        decode: Callable[[bytes], npt.NDArray[np.uint8] | None],
        frozen_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(frozen_after_s=frozen_after_s, clock=clock)
        self._link = link
        self._decode = decode

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        with contextlib.closing(self._link.ask("GET", self._link.target)) as answer:
            try:
                parts = Parts(next(iter(answer.head.values("content-type")), ""))
                received, until_s = answer.rest, self._clock() + self._link.timeout_s
                while True:
                    for jpeg in parts.feed(received)[-1:]:  # of those that came together, the newest
                        if (pixels := self._decode(jpeg)) is not None:
                            until_s = self._clock() + self._link.timeout_s
                            yield pixels
                    received = answer.read(until_s)
            except BadFrameError as error:
                raise LinkLostError(str(error)) from error

    def set_controls(self, wanted: CameraControls) -> None:
        """Send the values to the camera, and wait for its answer."""
        body = json.dumps({"exposure": wanted.exposure, "gain": wanted.gain})
        self._link.ask("POST", CONTROL_PATH, body.encode()).close()
