"""What each kind of child needs: those that look at pictures, the one camera or folder that they look through; a document child, its lists
and its chip reader until it is prepared, and then nothing.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path

from gate.programs.children.confine import Needs
from gate.programs.children.seccomp import Refusal
from gate_core.settings.base import Reach

_DEVICES = Path("/dev")

# What a library may still load; the trust store is open by then, and is read through its descriptor.
_LIBRARIES = (Path("/usr"), Path("/lib"), Path("/lib64"), Path("/etc/ld.so.cache"), Path("/proc"), Path("/dev/urandom"))
OF_DOCUMENTS = Needs(
    families=frozenset({socket.AF_UNIX}),
    readable=(*_LIBRARIES, Path(sys.prefix), Path(sys.base_prefix), *(Path(place) for place in sys.path if place)),
)
# Once the card service is reached: whoever breaks a document child reaches no other program's socket, has one thread beside the one that
# speaks with the reader, and so leaves the lane its share of the processor, and no memory but the address space that is bounded.
ONCE_REACHED = tuple(Refusal(call) for call in ("socket", "connect", "clone", "memfd_create"))


def of_device(reach: Reach) -> Needs:
    """A child that looks through one camera, or takes pictures out of one folder.

    A camera is named by its IP address, so no name is asked for. TCP leads to its port only, where the kernel can say so; UDP is not held back here.
    """
    families, ports = set[int](), list[int]()
    if reach.unix_sockets:
        families.add(socket.AF_UNIX)
    if reach.address is not None:
        families |= {socket.AF_INET, socket.AF_INET6}
        with contextlib.suppress(ValueError):  # the driver says what is wrong with the address
            ports += [] if reach.port is None else [reach.port]
    folder = [] if reach.folder is None else [Path(reach.folder)]
    return Needs(
        families=frozenset(families),
        writable=(*([_DEVICES] if reach.devices else []), *folder),
        tcp_ports=tuple(ports),
        removes=bool(folder),
    )
