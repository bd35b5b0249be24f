"""A process whose memory no other one reads, and that leaves no core."""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Final

PR_SET_DUMPABLE: Final = 4  # prctl(2)


def make_unreadable() -> None:
    """For the rest of this process's life. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot make the process non-dumpable: {os.strerror(number)}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
