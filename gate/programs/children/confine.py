"""Sandbox of a child process, before it receives untrusted bytes: `harden` for every child, `confine` for its kind.

Landlock (Linux 5.13, landlock(7)) limits files and TCP ports for this thread and those that it starts later; seccomp
limits the rest. A missing optional limit is False in the status; a missing mandatory one raises OSError.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import socket
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from gate.programs.children.seccomp import Argument, Refusal, Where, refuse
from gate_core.programs.process import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, end_with, make_unreadable
from gate_core.settings.base import Reach

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
_REFER: Final = 1 << 13  # from version 2
_TRUNCATE: Final = 1 << 14  # from version 3
_CONNECT_TCP: Final = 1 << 1  # from version 4, as _BIND_TCP
_BIND_TCP: Final = 1 << 0
_SCOPES: Final = 1 << 0 | 1 << 1  # from version 6: abstract sockets and signals
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | 1 << 2 | _TRUNCATE  # all rights that a file, not a folder, can have


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def landlock_version() -> int:
    """Return the kernel's version of Landlock; 0 without Landlock."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict_files(
    *, writable: Iterable[Path], readable: Iterable[Path] | None = None, tcp_ports: Iterable[int] = ()
) -> bool:
    """Allow only writing beneath `writable`, reading beneath `readable` (None: everywhere) and TCP to `tcp_ports`.

    Forbids execution, signals and abstract sockets; skips missing paths. Returns False if the kernel has no Landlock,
    or if other threads run, to which it would not apply. Raises OSError if it fails.
    """
    known = landlock_version()
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
        return  # a missing path needs no permission
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


ADDRESS_SPACE_BYTES_MAX: Final = 3 * 1024**3  # decoders and models need far less; stops a decompression bomb
OPEN_FILES_MAX: Final = 1024  # data in socket buffers is not address space: this bounds it

_PR_SET_PTRACER = 0x59616D61
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14
_CLONE_THREAD: Final = 0x00010000
_FAMILIES: Final = 64  # more than exist
_TYPE_MASK: Final = 0xF
_INT: Final = 0xFFFFFFFF  # the bits that the kernel reads of an int argument
# Setting who gets SIGIO for a descriptor can replace kill: F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP. Typing:
# injecting keys into an inherited terminal.
_SETTING_OWNERS: Final = (("fcntl", 8), ("fcntl", 15), ("ioctl", 0x8901), ("ioctl", 0x8902))
_TYPING: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
# Newer calls that the library may not know by name, such as fchmodat2; from 424 on, numbers are the same everywhere.
_NEWER: Final = range(452, 512)
_STANDARD: Final = frozenset({0, 1, 2})

_OTHER_PROGRAMS: Final = ("execve", "execveat", "fork", "vfork")
_OTHER_PROCESSES: Final = [
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
    "process_madvise", "process_mrelease", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpriority", "ioprio_set",
    "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity", "migrate_pages", "move_pages",
]  # fmt: skip
# These outlive the child.
_SHARED_MEMORY: Final = [
    "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl",
    "mq_open", "mq_unlink",
]  # fmt: skip
_KERNEL: Final = [
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
    "acct", "quotactl", "syslog", "personality", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "open_by_handle_at", "name_to_handle_at", "fanotify_init", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
]  # fmt: skip
_LISTENING: Final = ("bind", "listen", "accept", "accept4")
_CHANGING_FILES: Final = [
    "creat", "truncate", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat",
    "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown",
    "fchownat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utime", "utimes",
    "futimesat", "utimensat",
]  # fmt: skip
_OPENING: Final = (("open", 1), ("openat", 2))  # call, and position of its flags argument


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kind of child needs beyond its parent, its memory and the processor.

    `families`: socket families that it may open and connect. `writable`: paths that it may write, enforced by Landlock;
    if empty, seccomp refuses opening files for writing. Seccomp also refuses changing names and modes, unless it
    `removes` files. `readable` None: everywhere.
    """

    families: frozenset[int] = frozenset()
    writable: tuple[Path, ...] = ()
    removes: bool = False
    readable: tuple[Path, ...] | None = None
    tcp_ports: tuple[int, ...] = ()


_DEVICES = Path("/dev")

# Libraries may still load from these; the trust store is already open.
_LIBRARIES = (Path("/usr"), Path("/lib"), Path("/lib64"), Path("/etc/ld.so.cache"), Path("/proc"), Path("/dev/urandom"))
OF_DOCUMENTS = Needs(
    families=frozenset({socket.AF_UNIX}),
    readable=(*_LIBRARIES, Path(sys.prefix), Path(sys.base_prefix), *(Path(place) for place in sys.path if place)),
)
# After the connection to the card service. A compromised document child cannot reach other programs' sockets, start a
# third thread and take the lane's processor time, or get memory outside the bounded address space.
ONCE_REACHED = tuple(Refusal(call) for call in ("socket", "connect", "clone", "memfd_create"))


def of_device(reach: Reach) -> Needs:
    """Return the needs of a child that reads one camera, or takes pictures from one folder.

    A camera has an IP address: no name is resolved. TCP is limited to its port, if the kernel can; UDP is not limited.
    """
    families, ports = set[int](), list[int]()
    if reach.unix_sockets:
        families.add(socket.AF_UNIX)
    if reach.address is not None:
        families |= {socket.AF_INET, socket.AF_INET6}
        with contextlib.suppress(ValueError):  # the driver reports a wrong address
            ports += [] if reach.port is None else [reach.port]
    folder = [] if reach.folder is None else [Path(reach.folder)]
    writable = (*([_DEVICES] if reach.devices else []), *folder)
    return Needs(frozenset(families), writable=writable, tcp_ports=tuple(ports), removes=bool(folder))


def harden(parent_pid: int, *, keep: Iterable[int] = ()) -> dict[str, bool]:
    """Make this process unreadable, limit its resources, and end it with its parent. Returns what failed as False.

    `keep`: inherited descriptors, beside the standard ones, that stay open. Refuses `never_needed` calls. Raises
    OSError if a mandatory step fails: the process must then not receive a face or document.
    """
    close_all_but(_STANDARD | frozenset(keep))
    sys.excepthook = _say_no_values
    Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, the kernel kills children first
    make_unreadable()
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
    files_max = min(OPEN_FILES_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    end_with(parent_pid)
    limit_bytes, status = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0], Path("/proc/self/status").read_text()
    locked = may_lock_everything(limit_bytes, status) and libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0
    refuse(never_needed(os.getpid()))
    return {"memory_locked": locked}


def confine(needs: Needs) -> dict[str, bool]:
    """Restrict this process to `needs`; return False for what failed. Raises OSError if the filter cannot be loaded."""
    closed = restrict_files(writable=needs.writable, readable=needs.readable, tcp_ports=needs.tcp_ports)
    refuse(beyond(needs))
    return {"files_closed": closed}


def never_needed(own_pid: int) -> tuple[Refusal, ...]:
    """Return the system calls that no child needs."""
    always = (*_OTHER_PROGRAMS, *_OTHER_PROCESSES, *_SHARED_MEMORY, *_KERNEL, *_LISTENING)
    return (
        *(Refusal(call) for call in always),
        Refusal("clone", Argument(0, Where.MASKED_IS, 0, _CLONE_THREAD)),  # threads are allowed, processes are not
        Refusal("clone3", error=errno.ENOSYS),  # its flags cannot be seen: the C library falls back to clone
        Refusal("openat2", error=errno.ENOSYS),  # likewise, to openat
        Refusal("kill", Argument(0, Where.IS_NOT, own_pid)),
        Refusal("tgkill", Argument(0, Where.IS_NOT, own_pid)),
        Refusal("prlimit64", Argument(0, Where.IS_NOT, 0)),
        *(
            Refusal("prctl", Argument(0, Where.MASKED_IS, what, _INT))
            for what in (PR_SET_DUMPABLE, PR_SET_PDEATHSIG, _PR_SET_PTRACER)
        ),
        *(Refusal(call, Argument(1, Where.MASKED_IS, what, _INT)) for call, what in _SETTING_OWNERS),
        *(Refusal("ioctl", Argument(1, Where.MASKED_IS, what, _INT)) for what in _TYPING),
        # A datagram can go to any listener, such as the journal. A raw AF_UNIX socket is a datagram socket.
        Refusal("socketpair", Argument(0, Where.IS_NOT, socket.AF_UNIX)),
        *(
            Refusal("socketpair", Argument(1, Where.MASKED_IS, kind, _TYPE_MASK))
            for kind in range(_TYPE_MASK + 1)
            if kind not in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
        ),
        *(Refusal(number, error=errno.ENOSYS) for number in _NEWER),
    )


def beyond(needs: Needs) -> tuple[Refusal, ...]:
    """Return the system calls that a child with these needs does not need."""
    refused = [
        Refusal("socket", Argument(0, Where.IS, family)) for family in range(_FAMILIES) if family not in needs.families
    ]
    refused.append(Refusal("socket", Argument(0, Where.IS_AT_LEAST, _FAMILIES)))
    if not needs.families:
        refused.append(Refusal("connect"))
    if not needs.removes:
        refused += [Refusal(call) for call in _CHANGING_FILES]
    if not needs.writable:
        for call, flags in _OPENING:
            refused += [
                Refusal(call, Argument(flags, Where.MASKED_IS, mode, os.O_ACCMODE))
                for mode in (os.O_WRONLY, os.O_RDWR, os.O_ACCMODE)
            ]
            refused += [
                Refusal(call, Argument(flags, Where.MASKED_IS, flag, flag)) for flag in (os.O_CREAT, os.O_TRUNC)
            ]
    return tuple(refused)


def _say_no_values(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Write where a child failed, without the exception's message, which may quote a stranger's document."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
    sys.stderr.write(f"a child broke: {kind.__name__} at {' > '.join(places)}\n")


def close_all_but(kept: frozenset[int]) -> None:
    """Close all other descriptors, in case some were inherited by mistake."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are enough
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # already closed: listdir used it
                os.close(int(name))


def may_lock_everything(limit_bytes: int, status: str) -> bool:
    """True if RLIMIT_MEMLOCK cannot make an allocation fail after mlockall. `status`: text of /proc/PID/status."""
    if limit_bytes == resource.RLIM_INFINITY or limit_bytes >= ADDRESS_SPACE_BYTES_MAX:
        return True
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> _CAP_IPC_LOCK & 1)
