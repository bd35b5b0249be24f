"""Reads a command's input files, with a size limit."""

from __future__ import annotations

import os
from pathlib import Path

from gate_core.command_line.output import Exit, fail

_FILE_BYTES_MAX = 1 << 20


def _at_once(path: str, flags: int) -> int:
    """Open without blocking: a pipe without a writer is empty; one with a writer (`<(…)`) is read to its end."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def bytes_of(path: Path, *, bytes_max: int = _FILE_BYTES_MAX) -> bytes:
    """Return a file's bytes. Ends the command if it is unreadable or too long."""
    try:
        with open(path, "rb", opener=_at_once) as opened:
            data = opened.read(bytes_max + 1)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: cannot be read: {error.strerror}")
    if len(data) > bytes_max:
        fail(Exit.BAD_DATA, f"{path}: longer than {bytes_max} bytes")
    return data
