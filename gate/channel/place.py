"""The files of a program's socket: a folder that only its owner can write, a lock, and the socket.

Only the stale socket of an ended instance is replaced; anything else there is a NoPlaceError. The lock ends with its program; its file is
never deleted, so that no two programs lock different files of one name. A live socket is never unlinked: a connection is tried first.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from gate.channel.errors import NoPlaceError
from gate_core.access_list import let_in

BACKLOG = 256  # connections waiting to be accepted; further ones must try again
_OTHERS_MAY_WRITE = 0o022
_SOCKET_MODE = 0o660
_FOLDER_MODE = 0o700
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISREG, "a file"),
)


@contextlib.contextmanager
def listening(path: Path, *, group: int | None) -> Iterator[socket.socket]:
    """Yield a socket that listens at `path`, and is removed after the block. `group` may connect, if it exists. Raises NoPlaceError."""
    _have_folder(path.parent)
    taken = f"another instance listens on {path} already"
    with _locked(path.with_suffix(".lock"), taken), contextlib.closing(_bound(path, group)) as listener:
        ours = path.lstat()
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError):
                if os.path.samestat(ours, path.lstat()):
                    path.unlink()


@contextlib.contextmanager
def only_instance(folder: Path) -> Iterator[None]:
    """Lock a program's runtime folder for the block: a second instance changes nothing of the first. Raises NoPlaceError."""
    _have_folder(folder)
    with _locked(folder / "instance.lock", f"another instance runs already, with its sockets in {folder}"):
        yield


def _have_folder(folder: Path) -> None:
    """Make sure of a folder that only its owner can write; in service systemd has made it (RuntimeDirectory=)."""
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise NoPlaceError(f"{folder}, the folder for a socket, cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise NoPlaceError(f"{folder} is {_kind(found.st_mode)}, where the folder for a socket belongs: remove it")
    if found.st_uid != os.geteuid():
        raise NoPlaceError(f"{folder}, the folder for a socket, belongs to another user: does the gate run already?")
    if found.st_mode & _OTHERS_MAY_WRITE:
        raise NoPlaceError(f"{folder}, the folder for a socket, can be written by others: chmod go-w it")


@contextlib.contextmanager
def _locked(lock: Path, taken: str) -> Iterator[None]:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise NoPlaceError(f"{lock}, a lock, cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            raise NoPlaceError(f"{lock} is {_kind(mode)}, where a lock belongs: remove it")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NoPlaceError(taken) from error
        yield
    finally:
        os.close(descriptor)


def _bound(path: Path, group: int | None) -> socket.socket:
    """Return the new socket, after removing an ended instance's."""
    _clear(path)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.setblocking(False)
        end.bind(str(path))
        path.chmod(_SOCKET_MODE)
        if group is not None:
            let_in(path, group, owner=6, may=6)
        end.listen(BACKLOG)
    except OSError as error:
        end.close()
        # What Python itself finds (a path of over 107 bytes) has no errno.
        raise NoPlaceError(f"cannot listen on {path}: {error.strerror or error}") from error
    return end


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise NoPlaceError(f"cannot look at {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise NoPlaceError(f"{path} is {_kind(mode)}, where a socket belongs: remove it")
    if _is_live(path):
        raise NoPlaceError(f"another program listens on {path} already")
    path.unlink(missing_ok=True)


def _is_live(path: Path) -> bool:
    """True unless the kernel reports that nothing listens there: one too busy to accept is live."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            return caller.connect_ex(str(path)) != errno.ECONNREFUSED
        except OSError:
            return True


def _kind(mode: int) -> str:
    return next((name for is_one, name in _KINDS if is_one(mode)), "something else")
