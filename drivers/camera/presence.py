"""Checks that a camera is there, without opening it: between crossings it is closed, and no picture is requested.

A network camera must accept a connection (closed before anything is sent); a USB camera's device or a folder of pictures must exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drivers.camera.settings import CameraSettings, Files, Gstreamer, Network, Outside, V4l2
from gate_core.errors import DriverError
from gate_core.settings.base import Reach

if TYPE_CHECKING:
    from drivers.reader.settings import PageCamera

CONNECT_S: Final = 1.5
_DEVICE: Final = re.compile(r"\bv4l2src\b[^!]*\bdevice=(/dev/[\w./:+-]+)")


async def missing(settings: CameraSettings) -> str | None:
    """Return why the camera is not there; None if it is, or if only a picture could show it."""
    match settings:
        case Network():
            return await silent(settings.address)
        case Gstreamer():  # a sensor behind an accelerator has nothing that could be asked
            found = _DEVICE.search(settings.address)
            return None if found is None else await asyncio.to_thread(_gone, Path(found[1]))
        case Outside() if not settings.address.startswith("/"):
            return None
        case V4l2() | Files() | Outside():
            return await asyncio.to_thread(_gone, Path(settings.address))


async def silent(address: str) -> str | None:
    """Return why there is no network camera at an address; None if one accepts a connection."""
    reach = Reach(address=address)
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(reach.host, reach.port)
        writer.transport.abort()
    except (OSError, TimeoutError, ValueError):
        return "the camera does not answer"
    return None


def server_of(settings: Network | PageCamera) -> str | None:
    """Return the network camera's Server header, empty without one; None if it does not answer. No password is sent."""
    from drivers.camera.link import Link  # noqa: PLC0415 - for provisioning and tests of a camera: no program loads it

    pin, authorities = settings.certificate_sha256, settings.authorities
    try:
        link = Link(settings.address, certificate_sha256=pin, authorities=authorities)
        with contextlib.closing(link.send("GET", link.target)) as answer:
            return next(iter(answer.head.values("server")), "")
    except DriverError:
        return None


def _gone(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return "the camera is unplugged"
    return None if stat.S_ISCHR(mode) or stat.S_ISDIR(mode) else "no camera is there"
