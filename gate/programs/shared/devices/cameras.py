"""Creates the configured camera; only this module chooses the driver.

Importing it loads the image library: only processes that use a camera import it.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from drivers.camera.files import FilesCamera
from drivers.camera.gstreamer import GstreamerCamera
from drivers.camera.link import Credentials, Link
from drivers.camera.network import NetworkCamera
from drivers.camera.newest import FRAME_PIXELS_MAX, NewestFrame, OutsideCamera
from drivers.camera.settings import CameraSettings, Files, Gstreamer, Network, Outside, V4l2
from drivers.camera.v4l2 import V4l2Camera
from drivers.reader.settings import PageCamera
from gate.picture import decoded
from gate.programs.shared.config import Config
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import SetupError
from gate_core.ports.drivers import PictureSource
from gate_core.settings.environment import credentials_folder
from gate_core.settings.toml_file import Problem

FROZEN_AFTER_S = 1.0
PAGE_FRAMES_PER_SECOND = 15  # requested from a USB document camera
decode_frame = partial(decoded, pixels_max=FRAME_PIXELS_MAX)


def camera_for(settings: CameraSettings) -> NewestFrame:
    """Return the camera, not open. Raises SetupError if it can never work."""
    size, rate = (settings.width, settings.height), settings.frames_per_second
    match settings:
        case Network():
            return NetworkCamera(link_to(settings), decode=decode_frame, frozen_after_s=FROZEN_AFTER_S)
        case V4l2():
            return V4l2Camera(
                settings.address,
                size=size,
                frames_per_second=rate,
                calibration=settings.calibration,
                serial=settings.serial,
                frozen_after_s=FROZEN_AFTER_S,
            )
        case Gstreamer():
            return GstreamerCamera(settings.address, size=size, frames_per_second=rate, frozen_after_s=FROZEN_AFTER_S)
        case Files():
            return FilesCamera(settings.address, frames_per_second=rate, frozen_after_s=FROZEN_AFTER_S)
        case Outside():
            from gate_core.outside import opened  # noqa: PLC0415 - where there is such a driver

            source: PictureSource = opened(settings.code, PictureSource, settings.address, size, rate)
            return OutsideCamera(source, frozen_after_s=FROZEN_AFTER_S)


def problems(config: Config) -> Iterator[Problem]:
    """What is wrong with the code of another distribution that looks through the camera."""
    if isinstance(config.camera, Outside):
        yield from problems_of("camera", config.camera, camera_for)


def page_camera(settings: PageCamera) -> NewestFrame:
    """Return the document camera, not open: USB if its name is a device, else network. Raises SetupError."""
    if settings.is_usb:
        return V4l2Camera(settings.address, frames_per_second=PAGE_FRAMES_PER_SECOND)
    return NetworkCamera(link_to(settings), decode=decode_frame)


def link_to(settings: Network | PageCamera) -> Link:
    """Return the link to a network camera, not open. Raises SetupError."""
    return Link(
        settings.address,
        certificate_sha256=settings.certificate_sha256,
        authorities=settings.authorities,
        credentials=_credentials(settings.credentials),
    )


def _credentials(name: str) -> Credentials | None:
    """Return a camera's user and password, from a file (path) or a systemd credential (name). Raises SetupError."""
    if not name:
        return None
    if "/" in name:
        return Credentials.read(Path(name))
    folder = credentials_folder()
    if folder is None:
        raise SetupError(
            f"credentials: systemd hands over no {name} here; give the path of a file, or the unit LoadCredential={name}:FILE"
        )
    return Credentials.read(folder / name, sealed=True)
