"""A camera behind GStreamer, as on a Jetson: gst-launch-1.0 as a child, raw pictures through its standard output.

A vendor's plug-in that crashes ends no crossing. `camera.address` is the pipeline up to where pictures leave the accelerator's memory.

    <address> ! queue leaky=downstream max-size-buffers=1 ! videoconvert
              ! video/x-raw,format=BGR,width=W,height=H,framerate=F/1 ! fdsink fd=1 sync=false

A Jetson's CSI camera:

    nvarguscamerasrc sensor-id=0 exposuretimerange="4000000 4000000" gainrange="2 2" aelock=true
        ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! nvvidconv ! video/x-raw,format=BGRx

Only elements in ELEMENTS are permitted: a pipeline can write files and send to hosts. The source's properties set exposure and gain.
"""

import contextlib
import fcntl
import os
import re
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.camera.newest import NewestFrame, check_size
from gate_core.errors import LinkLostError, SetupError

LAUNCHER: Final = "gst-launch-1.0"
ELEMENTS: Final = frozenset({
    "nvarguscamerasrc", "libcamerasrc", "v4l2src",
    "nvvidconv", "nvjpegdec", "nvv4l2decoder", "jpegdec", "videoconvert", "videorate", "videoscale", "videoflip", "queue",
})  # fmt: skip
FIRST_PICTURE_S = 5.0  # a sensor's start takes seconds
PICTURE_S = 1.5
END_WAIT_S = 1.0
PIPE_BYTES = 1024 * 1024
ADDRESS_CHARACTERS_MAX = 512
_PROPERTY = re.compile(r"[a-z][a-z0-9-]*=[\w./:+-]+(?: [\w./:+-]+)?")
_CAPS = re.compile(r"(?:video/x-raw|image/jpeg|video/x-bayer)(?:\(memory:NVMM\))?(?:,[a-z-]+=[\w/:.()-]+)*")


class GstreamerCamera(NewestFrame):
    """One pipeline. Raises SetupError for an invalid address, and if GStreamer is missing."""

    def __init__(
        self,
        address: str,
        *,
        size: tuple[int, int] = (1280, 720),
        frames_per_second: int = 15,
        frozen_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        launcher: str = LAUNCHER,
    ) -> None:
        super().__init__(frozen_after_s=frozen_after_s, clock=clock)
        check_size(*size)
        path = shutil.which(launcher)
        if path is None:
            raise SetupError(f"camera.driver = gstreamer needs {launcher}: install gstreamer1.0-tools")
        self._command = (path, "--quiet", *pipeline(address, size, frames_per_second))
        self._size = size
        self._child: subprocess.Popen[bytes] | None = None

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        with subprocess.Popen(  # noqa: S603 - our launcher, every word checked, no shell
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            self._child = child
            try:
                assert child.stdout is not None
                pipe = child.stdout.fileno()
                with contextlib.suppress(OSError):  # a small limit makes it slower, no more
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
                wait_s = FIRST_PICTURE_S
                while True:
                    yield self._read_picture(pipe, wait_s)
                    wait_s = PICTURE_S
            finally:
                _end(child)

    def _read_picture(self, pipe: int, wait_s: float) -> npt.NDArray[np.uint8]:
        """Return the next picture. Its size is known, so the stream needs no framing."""
        width, height = self._size
        pixels = np.empty((height, width, 3), np.uint8)
        room = pixels.data.cast("B")
        deadline_s = self._clock() + wait_s
        while room:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline_s - self._clock()))
            if not ready:
                raise LinkLostError("the pipeline sends no picture")
            count = os.readv(pipe, [room])
            if count == 0:
                raise LinkLostError("the pipeline ended")
            room = room[count:]
        return pixels

    def _interrupt(self) -> None:
        if (child := self._child) is not None:
            child.terminate()


def pipeline(address: str, size: tuple[int, int], frames_per_second: int) -> tuple[str, ...]:
    """Return the launcher's arguments. Raises SetupError for anything but known sources, converters and formats."""
    if len(address) > ADDRESS_CHARACTERS_MAX:
        raise SetupError(f"camera.address is longer than {ADDRESS_CHARACTERS_MAX} characters")
    try:
        stages = [shlex.split(stage) for stage in address.split("!")]
    except ValueError as error:
        raise SetupError("camera.address has a quotation mark without its other half") from error
    for stage in stages:
        _check_stage(stage)
    width, height = size
    end = (
        "queue leaky=downstream max-size-buffers=1 ! videoconvert "
        f"! video/x-raw,format=BGR,width={width},height={height},framerate={frames_per_second}/1 ! fdsink fd=1 sync=false"
    )
    words = [word for stage in stages for word in (*stage, "!")]
    return (*words, *end.split())


def _check_stage(words: list[str]) -> None:
    """Check one element with its properties, or one format."""
    if not words:
        raise SetupError("camera.address has an empty stage")
    head, *properties = words
    if _CAPS.fullmatch(head) and not properties:
        return
    if head not in ELEMENTS:
        raise SetupError(f"camera.address may not use the element {head[:32]!r}")
    for word in properties:
        if not _PROPERTY.fullmatch(word):
            raise SetupError(f"camera.address has no property in {word[:32]!r}")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(END_WAIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
