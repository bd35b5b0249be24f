"""Which camera driver a configuration means: picked here and nowhere else.

Importing this loads the image library: for the processes that look through a camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.camera.files import FilesCamera
from drivers.camera.gstreamer import GstreamerCamera
from drivers.camera.network import NetworkCamera
from drivers.camera.v4l2 import Calibration, V4l2Camera
from drivers.errors import SetupError

if TYPE_CHECKING:
    from drivers.camera.newest import NewestFrame
    from gate.channel.messages import CameraSetup

FROZEN_AFTER_S = 1.0
PAGE_FRAMES_PER_SECOND = 15  # asked of a USB document camera


def camera_for(setup: CameraSetup) -> NewestFrame:
    """The camera, not yet opened. Raises SetupError when it can never work."""
    size, rate = (setup.width, setup.height), setup.frames_per_second
    match setup.driver:
        case "network":
            return NetworkCamera(setup.address, frozen_after_s=FROZEN_AFTER_S)
        case "v4l2":
            return V4l2Camera(
                setup.address,
                size=size,
                frames_per_second=rate,
                calibration=None if setup.calibration is None else Calibration(*setup.calibration),
                serial=setup.serial,
                frozen_after_s=FROZEN_AFTER_S,
            )
        case "gstreamer":
            return GstreamerCamera(setup.address, size=size, frames_per_second=rate, frozen_after_s=FROZEN_AFTER_S)
        case "files":
            return FilesCamera(setup.address, frames_per_second=rate, frozen_after_s=FROZEN_AFTER_S)
        case _:
            raise SetupError(f"there is no camera driver {setup.driver}")


def page_camera(address: str) -> NewestFrame:
    """The document camera, not yet opened: a USB one by its name, else a network's. Raises SetupError."""
    if address.startswith("/dev/"):
        return V4l2Camera(address, frames_per_second=PAGE_FRAMES_PER_SECOND)
    return NetworkCamera(address)
