"""Files that last: written as a draft (`.tmp-NAME`), synced, renamed, and the folder synced.

A kill or power cut leaves the old file or the new one, and at most a draft. With `new_only` an existing file is never replaced; on a file
system without hard links a kill may leave it empty. One writer a file at a time is the caller's promise.
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
_WITHOUT_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP})  # what a file system says that has no hard links
_WIPED_AT_ONCE: Final = 1024 * 1024
_MODE: Final = 0o666  # less what the umask takes


def write(path: Path, content: bytes, *, mode: int = _MODE, new_only: bool = False) -> None:
    """Write a file of this content. Raises OSError; FileExistsError where there is one and it is to be new."""
    with writing(path, mode=mode, new_only=new_only) as file:
        file.write(content)


@contextlib.contextmanager
def writing(path: Path, *, mode: int = _MODE, new_only: bool = False) -> Iterator[BinaryIO]:
    """The draft, to be written into; the file stands when the block ends, and no draft is left when it fails. Raises as `write`."""
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
    """Put a draft that somebody else wrote, and has closed, into the file's place. Raises OSError."""
    sync(draft, mode=mode)
    draft.replace(path)
    sync(path.parent)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, if it is not there. Raises OSError."""
    made = [one for one in (folder, *folder.parents) if not one.is_dir()]
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for one in made:
        sync(one.parent)


def wipe(path: Path) -> None:
    """Overwrite a file with zeros, bring that to the disk, and take its name away. Raises OSError; a file that is not there is wiped.

    What a flash memory keeps below its own bookkeeping is out of anybody's reach from here.
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
    """Bring a file, or a folder's list of names, to the disk; a mode that is given, with it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_new(draft: Path, path: Path) -> None:
    """A second name and not a renaming, which would put it into the place of what came there meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError as error:
        raise FileExistsError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # The first to make the name has it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        draft.replace(path)
