"""Sources of a repository's bytes: a folder. `gate.programs.sync` has one for the network with the same guarantees.

A folder may be removable, or filled by a program that faces the network: links are not followed, nothing is waited for, content is not trusted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from gate.updates.errors import RefusedError, SourceAwayError
from gate_core.ordinary import NotOrdinaryError, open_ordinary

CHUNK_BYTES: Final = 256 * 1024
_PART: Final = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9._%-]{0,199}")
_PARTS_MAX: Final = 4
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Source(Protocol):
    """A repository to read from."""

    def read(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        """Yield a file's bytes from `start` on; None if there is no such file. Raises SourceAwayError, RefusedError, also during the iteration."""
        ...


def parts_of(path: str) -> tuple[str, ...]:
    """Split a path in a repository into names. Raises RefusedError for one that leads outside."""
    parts = tuple(path.split("/"))
    if len(parts) > _PARTS_MAX or any(_PART.fullmatch(part) is None for part in parts):
        raise RefusedError(f"no path in a repository: {path[:100]!r}")
    return parts


class FolderSource:
    """A repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        """As in `Source`."""
        *folders, name = parts_of(path)
        try:
            descriptor = self._open(folders, name)
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise SourceAwayError(f"{self._folder} is no folder") from None
            return None
        except NotOrdinaryError as error:
            raise RefusedError(f"{self._folder / path}: {error.strerror}") from error
        except OSError as error:
            raise SourceAwayError(f"{self._folder / path} cannot be read: {error.strerror}") from error
        return _chunks(descriptor, self._folder / path, start)

    def _open(self, folders: list[str], name: str) -> int:
        at = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=at)
                os.close(at)
                at = inner
            return open_ordinary(name, folder_descriptor=at)
        finally:
            os.close(at)


def _chunks(descriptor: int, path: Path, start: int) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            file.seek(start)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        except OSError as error:
            raise SourceAwayError(f"{path} cannot be read: {error.strerror}") from error
