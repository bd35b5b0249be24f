"""What a process asks of the kernel for itself: to end with its parent, to be unreadable to others, to hear when it is to stop."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
from typing import Final

from gate_core.settings import environment


def told_to_stop() -> asyncio.Event:
    """An event of the running loop that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


PR_SET_DUMPABLE: Final = 4  # prctl(2)


def make_unreadable() -> None:
    """For the rest of this process's life. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot make the process non-dumpable: {os.strerror(number)}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def end_with(parent_pid: int) -> None:
    """Have this process end when its parent does. Raises OSError when that has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above
        raise OSError("the parent has ended")


def end_with_supervisor() -> None:
    """The same, for a process that a supervisor started; systemd's are its own affair. Raises OSError."""
    if (supervisor := environment.supervisor_pid()) is not None:
        end_with(supervisor)
