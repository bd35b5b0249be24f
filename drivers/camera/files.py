"""Pictures from a folder instead of a camera: recorded sequences, for tests, training and trials. Never in service.

JPEG and PNG files in the order of their names, at the set rate, in a loop. An unreadable one ends the camera as a broken stream does.
"""

import itertools
import time
from collections.abc import Callable, Generator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera.newest import NewestFrame, check_size, quieten_opencv
from gate_core.errors import LinkLostError, SetupError

FILES_MAX = 20_000  # half an hour at ten a second
FILE_BYTES_MAX = 16 * 1024 * 1024
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class FilesCamera(NewestFrame):
    """A folder of pictures. Raises SetupError if it has none or too many.

    `sleep` waits between two pictures; tests pass their own.
    """

    def __init__(
        self,
        folder: str,
        *,
        frames_per_second: float = 15.0,
        frozen_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(frozen_after_s=frozen_after_s, clock=clock)
        self._files = pictures_in(folder)
        self._period_s = 1 / frames_per_second
        self._sleep = sleep

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        quieten_opencv()
        due_s = self._clock()
        for file in itertools.cycle(self._files):
            yield read_picture(file)
            due_s += self._period_s
            self._sleep(max(0.0, due_s - self._clock()))


def pictures_in(folder: str) -> tuple[Path, ...]:
    """Return a folder's pictures, sorted by name. Raises SetupError."""
    try:
        files = sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise SetupError(f"camera.address must be a folder of pictures: {error.strerror}") from error
    if not 0 < len(files) <= FILES_MAX:
        raise SetupError(f"camera.address holds {len(files)} pictures; 1 to {FILES_MAX} can be played")
    return tuple(files)


def read_picture(file: Path) -> npt.NDArray[np.uint8]:
    """Decode one file. Raises LinkLostError, without content in its text."""
    with file.open("rb") as stream:
        content = stream.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise LinkLostError(f"{file.name} has more than {FILE_BYTES_MAX} bytes")
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise LinkLostError(f"{file.name} cannot be decoded")
    check_size(pixels.shape[1], pixels.shape[0])
    return pixels.astype(np.uint8, copy=False)
