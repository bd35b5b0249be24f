"""Distinguishes real devices from simulated ones. A step at a device that is, or could be, simulated is never verified on hardware."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Final

from drivers.barrier.settings import BarrierSettings
from drivers.camera.presence import server_of
from drivers.camera.settings import CameraSettings, Gstreamer, Network, V4l2
from drivers.pad.settings import PadSensor
from drivers.reader.pcsc import reader_names
from drivers.reader.settings import ChipReaderSettings, Direct, MrzReaderSettings, PageCamera, PageFolder, PageSettings
from drivers.sensors.settings import SensorSettings
from gate.provision.steps import Verified
from gate_core.errors import DriverError

SIMULATORS_SERVER: Final = "gate-sim"
_VIRTUAL_DEVICES: Final = Path("/sys/devices/virtual")
_TEST_SOURCES: Final = ("videotestsrc", "filesrc", "multifilesrc")
_VIRTUAL_READERS: Final = ("virtual", "vpcd")


def of_board(settings: BarrierSettings) -> Verified:
    """A barrier's board. Behind a socket nobody can tell one from a simulated one."""
    if settings.simulated():
        return Verified.SIMULATOR
    return Verified.HARDWARE if settings.port.startswith("/dev/") else Verified.NO


def of_line(settings: MrzReaderSettings | SensorSettings | PadSensor) -> Verified:
    """A device at a serial line or a socket, which its settings tell from a simulated one."""
    return Verified.SIMULATOR if settings.simulated() else Verified.HARDWARE


def of_camera(settings: CameraSettings) -> Verified:
    """A face camera."""
    match settings:
        case Gstreamer():
            is_test = any(source in settings.address for source in _TEST_SOURCES)
            return Verified.SIMULATOR if is_test else Verified.HARDWARE
        case V4l2():
            return _of_video_device(settings.address)
        case Network():
            return _of_stream(settings)
        case _:
            return Verified.SIMULATOR if settings.simulated() else Verified.NO


def of_page(settings: PageSettings) -> Verified:
    """A page source. A vendor's service can put anything into a folder."""
    match settings:
        case PageFolder():
            return Verified.NO
        case PageCamera():
            return _of_video_device(settings.address) if settings.is_usb else _of_stream(settings)


def of_chip(settings: ChipReaderSettings) -> Verified:
    """A chip reader."""
    if isinstance(settings, Direct):
        return Verified.SIMULATOR
    try:
        used = next(name for name in reader_names(settings.socket or None) if settings.reader in name)
    except (DriverError, StopIteration):
        return Verified.NO
    return Verified.SIMULATOR if any(word in used.lower() for word in _VIRTUAL_READERS) else Verified.HARDWARE


def _of_stream(settings: Network | PageCamera) -> Verified:
    host = settings.reach.host
    if host == "localhost" or (host is not None and ipaddress.ip_address(host).is_loopback):
        return Verified.SIMULATOR
    server = server_of(settings)
    if server is None:
        return Verified.NO
    return Verified.SIMULATOR if SIMULATORS_SERVER in server else Verified.HARDWARE


def _of_video_device(address: str) -> Verified:
    try:
        device = Path(f"/sys/class/video4linux/{Path(address).resolve(strict=True).name}").resolve(strict=True)
    except OSError:
        return Verified.NO
    is_virtual = device.is_relative_to(_VIRTUAL_DEVICES) or "vivid" in str(device)
    return Verified.SIMULATOR if is_virtual else Verified.HARDWARE
