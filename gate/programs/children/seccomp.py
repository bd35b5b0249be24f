"""Refuses system calls for good, through Debian's libseccomp2; PyPI's binding runs `ldconfig` at import."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_LIBRARY: Final = "libseccomp.so.2"
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_TSYNC: Final = 4  # apply the filter to running threads, too


class Where(IntEnum):
    """Comparison of an argument, with libseccomp's numbers."""

    IS_NOT = 1
    IS = 4
    IS_AT_LEAST = 5
    MASKED_IS = 7


@dataclass(frozen=True, slots=True)
class Argument:
    """A condition on one argument of a call; `mask` is used by MASKED_IS only."""

    index: int
    test: Where
    value: int
    mask: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call, always or for some values of an argument. `error` is the errno that the caller gets.

    `call`: its name, or its number if that is the same on every machine.
    """

    call: str | int
    argument: Argument | None = None
    error: int = errno.EPERM


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint),
        ("test", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def refuse(refusals: Iterable[Refusal]) -> None:
    """Refuse these calls from now on, in every thread of this process. Raises OSError, with no call refused."""
    library = _library()
    made: int | None = library.seccomp_init(_ALLOW)
    if made is None:
        raise OSError(errno.ENOMEM, "no system call filter can be made")
    context = ctypes.c_void_p(made)
    try:
        _check(library.seccomp_attr_set(context, _TSYNC, ctypes.c_uint32(1)), "all threads")
        for refusal in refusals:
            _add(library, context, refusal)
        _check(library.seccomp_load(context), "load")
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, refusal: Refusal) -> None:
    call = refusal.call
    number = call if isinstance(call, int) else library.seccomp_syscall_resolve_name(call.encode())
    comparisons = (_Comparison * 1)()
    count = 0
    if (argument := refusal.argument) is not None:
        first, second = argument.value, 0
        if argument.test is Where.MASKED_IS:
            first, second = argument.mask, argument.value
        comparisons[0] = _Comparison(argument.index, argument.test, first, second)
        count = 1
    action = ctypes.c_uint32(_ERRNO | refusal.error)
    # The library skips a call that this machine lacks (libseccomp gives it a negative number), and fails here for a
    # name that it does not know.
    _check(library.seccomp_rule_add_array(context, action, number, count, comparisons), str(call))


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise OSError(errno.ENOENT, f"{_LIBRARY} is missing: install libseccomp2") from error
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f"the system call filter cannot be had ({what}: {os.strerror(-result)})")
