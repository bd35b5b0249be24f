"""Work on files in a process of its own: which steps it takes, and what is left when it is killed or refused at one of them.

A step is a file that is opened, renamed, linked, removed or brought to the disk, or a database that is opened.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = ("chmod", "fsync", "link", "rename")
STEPS = {"open", "os.chmod", "os.link", "os.remove", "os.rename", "sqlite3.connect"}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Kill it at the n-th step, before it or, of one to the disk, after it; False when it came to its end before."""
    left = step

    def count(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    status = _watched(work, count)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def refused(work: Callable[[], object], *, at: str | int, reason: int = errno.ENOSPC) -> str:
    """Do it on a disk that refuses every step of this name, or the n-th of any and those that follow; what it then raises, in words.

    Such steps give a file a mode or a name, or bring it to the disk. Empty when it came to its end.
    """
    steps = 0
    told, tell = os.pipe()

    def refuse(step: str) -> None:
        nonlocal steps
        name = step.partition(" ")[0]
        steps += name in WRITING
        if name in WRITING and (name == at if isinstance(at, str) else steps >= at):
            raise OSError(reason, os.strerror(reason))

    def tried() -> None:
        try:
            work()
        except OSError as error:
            os.write(tell, str(error).encode())

    status = _watched(tried, refuse)
    os.close(tell)
    with os.fdopen(told, encoding="utf-8") as words:
        said = words.read()
    assert os.WEXITSTATUS(status) == 0
    return said


def steps_of(work: Callable[[], object]) -> list[str]:
    """The steps in their order, without the openings, each with the last parts of its paths."""
    told, tell = os.pipe()
    status = _watched(work, lambda step: os.write(tell, f"{step}\n".encode()))
    os.close(tell)
    with os.fdopen(told, encoding="utf-8") as lines:
        steps = lines.read().splitlines()
    assert os.WEXITSTATUS(status) == 0
    return [one for one in steps if not one.startswith(("after ", "open "))]


def _watched(work: Callable[[], object], look: Callable[[str], object]) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]

    def audited(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS:
            paths = [Path(os.fsdecode(one)).name for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
            look(" ".join([event.removeprefix("os."), *paths]))

    to_disk = os.fsync

    def fsync(fd: Any) -> None:
        name = Path(f"/proc/self/fd/{fd}").readlink().name
        look(f"fsync {name}")
        to_disk(fd)
        look(f"after fsync {name}")

    os.fsync = fsync
    sys.addaudithook(audited)
    failed = 1
    try:
        work()
        failed = 0
    finally:
        os._exit(failed)
