"""Durable file writes: write a draft, fsync it, rename it, fsync the folder.

After a kill or power cut the file is complete, old or new; a draft (`.tmp-` and the name) may remain, which the next
write removes. When a function returns, the change survives a power cut. After an OSError the new file may be in place,
if only the folder's fsync failed. `new_only` never replaces a file or link; on file systems without hard links (memory
sticks) a kill can leave an empty file. Left to the caller: one writer at a time per file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

DRAFT: Final = ".tmp-"
_WITHOUT_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP})  # errors of file systems without hard links
_WIPED_AT_ONCE: Final = 1024 * 1024
_MODE: Final = 0o666  # minus the umask


def write(path: Path, content: bytes, *, mode: int = _MODE, new_only: bool = False) -> None:
    """Write a file. Raises OSError; FileExistsError if `new_only` and it exists."""
    with writing(path, mode=mode, new_only=new_only) as file:
        file.write(content)


@contextlib.contextmanager
def writing(path: Path, *, mode: int = _MODE, new_only: bool = False) -> Iterator[BinaryIO]:
    """Provide the draft for writing; the block's end puts it in place, a failure removes it. Raises as `write`."""
    if not path.name:  # "", "." and "/" name a folder
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    draft = path.with_name(DRAFT + path.name)
    draft.unlink(missing_ok=True)
    try:
        with open(draft, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if new_only:
            _name_new(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def replace(draft: Path, path: Path, *, mode: int) -> None:
    """Put a closed draft that another function wrote in the file's place. Raises OSError."""
    sync(draft, mode=mode)
    draft.replace(path)
    sync(path.parent)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder and its missing parents. Raises OSError."""
    made = [one for one in (folder, *folder.parents) if not one.is_dir()]
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for one in made:
        sync(one.parent)


def wipe(path: Path) -> None:
    """Overwrite a file with zeros, fsync, and unlink it. Raises OSError; a missing file is no error.

    Copies inside flash memory, by its wear levelling, cannot be overwritten from here.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISREG(path.lstat().st_mode):  # a link, pipe or socket has nothing to overwrite
            _overwrite(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
        path.unlink()
        sync(path.parent)


def _overwrite(descriptor: int) -> None:
    with open(descriptor, "wb", buffering=0) as file:
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= file.write(bytes(min(left, _WIPED_AT_ONCE))) or 0
        os.fsync(descriptor)


def sync(path: Path, *, mode: int | None = None) -> None:
    """Set `mode` if given, and fsync a file or folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_new(draft: Path, path: Path) -> None:
    """Link the draft to its name: unlike a rename, this does not replace a file created meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError as error:
        raise FileExistsError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # O_EXCL reserves the name.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        draft.replace(path)
