"""What each kind of child needs: those that look at pictures, the one camera or folder that they look through; a document child, its lists
and its chip reader until it is prepared, and then nothing.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from drivers.camera.settings import CameraSettings, Files, Gstreamer, Network, V4l2
from drivers.reader.settings import PageCamera, PageFolder, PageSettings
from gate.programs.children.confine import Needs
from gate.programs.children.seccomp import Refusal

_DEVICES = Path("/dev")
_PORTS = {"http": 80, "https": 443}

# What a library may still load; the trust store is open by then, and is read through its descriptor.
_LIBRARIES = (Path("/usr"), Path("/lib"), Path("/lib64"), Path("/etc/ld.so.cache"), Path("/proc"), Path("/dev/urandom"))
OF_DOCUMENTS = Needs(
    families=frozenset({socket.AF_UNIX}),
    readable=(*_LIBRARIES, Path(sys.prefix), Path(sys.base_prefix), *(Path(place) for place in sys.path if place)),
)
# Once the card service is reached: whoever breaks a document child reaches no other program's socket, has one thread beside the one that
# speaks with the reader, and so leaves the lane its share of the processor, and no memory but the address space that is bounded.
ONCE_REACHED = tuple(Refusal(call) for call in ("socket", "connect", "clone", "memfd_create"))


def of_camera(settings: CameraSettings) -> Needs:
    """A child that looks through this camera."""
    match settings:
        case Network():
            return _of_network(settings.address)
        case Gstreamer():  # its camera service is spoken with over a Unix socket
            return Needs(families=frozenset({socket.AF_UNIX}), writable=(_DEVICES,))
        case V4l2():
            return Needs(writable=(_DEVICES,))
        case Files():
            return Needs()


def of_page(settings: PageSettings) -> Needs:
    """The page source's child: a document camera's, or that of a folder, which takes what it has read out of it."""
    match settings:
        case PageFolder():
            return Needs(writable=(Path(settings.path),), removes=True)
        case PageCamera() if settings.is_usb:
            return Needs(writable=(_DEVICES,))
        case PageCamera():
            return _of_network(settings.address)


def _of_network(address: str) -> Needs:
    """Its host may be a name, which is asked for over UDP; TCP leads to the camera's port only, where the kernel can say so."""
    parts = urlsplit(address)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0  # no port at all: the driver says what is wrong with the address
    return Needs(families=frozenset({socket.AF_INET, socket.AF_INET6}), tcp_ports=(port,) if port else ())
