"""Files and TCP ports that a process gives up for good, where the kernel has Landlock (Linux 5.13, landlock(7)).

It holds for the thread that asks and for those that it starts later, so it is asked for before there is another one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_NET_PORT: Final = 2
_NO_NEW_PRIVS: Final = 38

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ: Final = 1 << 2 | 1 << 3  # files and folders
_REMOVE: Final = 1 << 4 | 1 << 5
_MAKE: Final = sum(1 << bit for bit in range(6, 13))
_REFER: Final = 1 << 13  # from the second version
_TRUNCATE: Final = 1 << 14  # from the third
_CONNECT_TCP: Final = 1 << 1  # from the fourth; the bit before it is for binding
_BIND_TCP: Final = 1 << 0
_SCOPES: Final = 1 << 0 | 1 << 1  # from the sixth: abstract sockets and signals
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | 1 << 2 | _TRUNCATE  # what can be allowed of a path that is no folder


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def version() -> int:
    """The kernel's version of Landlock; 0 when it has none."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict(
    *, writable: Iterable[Path], readable: Iterable[Path] | None = None, tcp_ports: Iterable[int] = ()
) -> bool:
    """Write beneath these folders only, read beneath `readable` only (None: everywhere), connect to these TCP ports only.

    Nothing is executed, no signal leaves, and no abstract socket is reached. A path that is not there is passed over. False when the
    kernel has no Landlock, or when other threads run, for which it would not hold. Raises OSError when it fails.
    """
    known = version()
    if known == 0 or len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - names are enough
        return False
    changing = _WRITE_FILE | _REMOVE | _MAKE | (_REFER if known >= 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    reading = 0 if readable is None else _READ
    ruleset = _Ruleset(
        files=_EXECUTE | changing | reading,
        net=_CONNECT_TCP | _BIND_TCP if known >= 4 else 0,
        scopes=_SCOPES if known >= 6 else 0,
    )
    size = 8 if known < 4 else 16 if known < 6 else 24
    descriptor = _call(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    try:
        for path in writable:
            _allow(descriptor, path, changing | reading)
        for path in readable or ():
            _allow(descriptor, path, reading)
        if known >= 4:
            for port in tcp_ports:
                rule = _Port(_CONNECT_TCP, port)
                _call(_ADD_RULE, descriptor, _NET_PORT, ctypes.byref(rule), 0)
        if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "new privileges cannot be given up")
        _call(_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)
    return True


def _allow(descriptor: int, path: Path, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        allowed = access if path.is_dir() else access & _OF_FILES
        rule = _Beneath(allowed, parent)
        _call(_ADD_RULE, descriptor, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock refuses ({os.strerror(error)})")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
