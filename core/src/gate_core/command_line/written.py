"""Files that a command writes and never in the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_core import durable
from gate_core.command_line.output import Exit, fail

if TYPE_CHECKING:
    from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Write a new file durably; a path that is taken, or cannot be written, ends the command."""
    try:
        durable.write(path, content, new_only=True)
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{path} is there already; name another")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}")
