"""Opens and reads regular files in folders that other users can write.

It follows no link, does not block on a pipe, opens no device, and limits the size. Callers must validate the content.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotOrdinaryError(OSError):
    """A link, pipe, folder, device or socket, or a file beyond the limit; `strerror` says which."""


def open_ordinary(path: Path | str, *, folder_descriptor: int | None = None) -> int:
    """Open an ordinary file for reading, even if somebody puts something else into its place now. Raises OSError."""
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=folder_descriptor)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotOrdinaryError(errno.ELOOP, "no ordinary file but a link", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotOrdinaryError(errno.EINVAL, "no ordinary file", str(path))
    return descriptor


def read_ordinary(path: Path | str, bytes_max: int, *, folder_descriptor: int | None = None) -> bytes:
    """Read a whole file of at most `bytes_max`. Raises OSError."""
    with os.fdopen(open_ordinary(path, folder_descriptor=folder_descriptor), "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= bytes_max:
            content = file.read(bytes_max + 1) or b""  # it may have grown since
            if len(content) <= bytes_max:
                return content
    raise NotOrdinaryError(errno.EFBIG, f"longer than {bytes_max} bytes", str(path))
