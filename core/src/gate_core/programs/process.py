"""Process control: start, stop signals, no core dumps, and processes that end when their parent dies (PR_SET_PDEATHSIG)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Final

from gate_core.settings import environment


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Switch garbage collection off while the block loads modules. They stay, and to search them repeatedly takes a tenth of a start.

    No later collection searches objects that exist at the block's end. The block must therefore hold no data of a traveller.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run_module() -> None:
    """Import the module that the first argument names, within `loading`, and call its `main`."""
    with loading():
        module = importlib.import_module(sys.argv.pop(1))
    module.main()


def told_to_stop() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, in the running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


PR_SET_DUMPABLE: Final = 4  # prctl(2)


def make_unreadable() -> None:
    """Make this process non-dumpable (no core dump, no ptrace by its user). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot make the process non-dumpable: {os.strerror(number)}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def end_with(parent_pid: int) -> None:
    """End this process when its parent dies (PR_SET_PDEATHSIG). Raises OSError if the parent is already dead."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above
        raise OSError("the parent has ended")


def end_with_supervisor() -> None:
    """Call `end_with` for the supervisor in the environment; without one (systemd) do nothing. Raises OSError."""
    if (supervisor := environment.supervisor_pid()) is not None:
        end_with(supervisor)
