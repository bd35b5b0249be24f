"""Processes that end with whoever started them, however that ends: nothing of a killed `gate run` or `gate demo` stays in the next one's way."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

from gate_core.settings import environment

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
