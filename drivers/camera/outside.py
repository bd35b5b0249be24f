"""A camera that another distribution's driver looks through: its pictures, with what every camera has."""

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from drivers.camera.newest import NewestFrame
from gate_core.ports.drivers import CameraControls, PictureSource


class OutsideCamera(NewestFrame):
    """One camera."""

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
