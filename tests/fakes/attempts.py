"""What a captured child would try. Each attempt raises OSError when it is refused; run in a process of its own, forked for it.

    python -m fakes.attempts KIND FOLDER: one JSON object on standard output, an attempt's name and how it ended.

KIND says how far the process is confined: `free`, `hardened`, or hardened and confined as `camera`, `recording`, `service` or `document`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from gate.programs.children.confine import OF_DOCUMENTS, ONCE_REACHED, Needs, confine, harden
from gate.programs.children.seccomp import refuse

CAMERA_PORT = 9  # nobody listens there: refused by the peer, not by us
NEEDS = {
    "camera": Needs(families=frozenset({socket.AF_INET, socket.AF_INET6}), tcp_ports=(CAMERA_PORT,)),
    "recording": Needs(),
    "service": Needs(families=frozenset({socket.AF_UNIX})),
    "document": OF_DOCUMENTS,
}
REFUSED = (errno.EPERM, errno.EACCES, errno.ENOSYS)
_LIBC = ctypes.CDLL(None, use_errno=True)
_SECCOMP = ctypes.CDLL("libseccomp.so.2")
_LONGER = 1 << 32  # beyond what the kernel looks at of an int
_F_SETOWN_EX, _FIOSETOWN, _SIOCSPGRP = 15, 0x8901, 0x8902
_FCHMODAT2 = 452
NEWEST_KERNEL = tuple(int(part) for part in platform.release().split(".")[:2]) >= (6, 6)

Attempt = Callable[[Path], object]


def call(name: str | int, *arguments: object) -> int:
    """A system call by its name or number. Raises OSError."""
    number = name if isinstance(name, int) else _SECCOMP.seccomp_syscall_resolve_name(name.encode())
    result = int(_LIBC.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _connect_unix(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "neighbour.sock"))


def _connect_to(port: int) -> Attempt:
    def attempt(_: Path) -> None:
        with socket.socket() as client:
            try:
                client.connect(("127.0.0.1", port))
            except ConnectionRefusedError:
                return  # the kernel went and asked

    return attempt


def _tell_the_journal(kind: int) -> Attempt:
    def attempt(_: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        ours.close()
        theirs.close()

    return attempt


def _have_the_parent_signalled(ask: Callable[[socket.socket], object]) -> Attempt:
    """The kernel signals whoever owns a descriptor when it can be read, SIGKILL if that is wanted."""

    def attempt(_: Path) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ask(ours)

    return attempt


def _listen(family: int) -> Attempt:
    def attempt(folder: Path) -> None:
        with socket.socket(family) as server:
            if family == socket.AF_UNIX:
                server.bind(str(folder / "mine.sock"))
                (folder / "mine.sock").unlink()
            else:
                server.bind(("127.0.0.1", 0))

    return attempt


def _exec_directly(_: Path) -> None:
    os.execv("/bin/true", ["true"])


def _fork(_: Path) -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _read_a_neighbour(_: Path) -> None:
    buffer = ctypes.create_string_buffer(8)
    iovec = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    call("process_vm_readv", os.getpid(), iovec, ctypes.c_ulong(1), iovec, ctypes.c_ulong(1), ctypes.c_ulong(0))


def _start_a_thread(_: Path) -> None:
    try:
        threading.Thread(target=int).start()
    except RuntimeError as error:
        raise OSError(errno.EPERM, "no thread") from error


ATTEMPTS: dict[str, Attempt] = {
    "execve": _exec_directly,
    "fork": _fork,
    "trace": lambda _: call("ptrace", ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0)),
    "read a neighbour's memory": _read_a_neighbour,
    "take hold of a process": lambda _: os.pidfd_open(os.getppid()),
    "signal the parent": lambda _: os.kill(os.getppid(), 0),
    "signal everybody": lambda _: os.kill(-os.getpgrp(), 0),
    "signal a thread": lambda _: call("tgkill", os.getppid(), os.getppid(), 0),
    "bound the parent": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
    "be dumpable again": lambda _: call(
        "prctl", 4, ctypes.c_long(1), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0)
    ),
    "outlive the parent": lambda _: call(
        "prctl", 1, ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0)
    ),
    "be dumpable again, by a longer number": lambda _: call(
        "prctl", ctypes.c_long(_LONGER + 4), ctypes.c_long(1), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0)
    ),
    "outlive the parent, by a longer number": lambda _: call(
        "prctl", ctypes.c_long(_LONGER + 1), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0)
    ),
    "have the parent signalled": _have_the_parent_signalled(lambda end: fcntl.fcntl(end, fcntl.F_SETOWN, os.getppid())),
    "have the parent signalled, by its kind": _have_the_parent_signalled(
        lambda end: fcntl.fcntl(end, _F_SETOWN_EX, struct.pack("ii", 1, os.getppid()))
    ),
    "have the parent signalled, by the device": _have_the_parent_signalled(
        lambda end: fcntl.ioctl(end, _FIOSETOWN, struct.pack("i", os.getppid()))
    ),
    "have the parent signalled, by the socket": _have_the_parent_signalled(
        lambda end: fcntl.ioctl(end, _SIOCSPGRP, struct.pack("i", os.getppid()))
    ),
    "slow the parent down": lambda _: os.sched_setscheduler(os.getppid(), os.SCHED_BATCH, os.sched_param(0)),
    "slow the parent's files down": lambda _: call("ioprio_set", 1, os.getppid(), 0),
    "bind the parent to a processor": lambda _: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0)),
    "shared memory": lambda _: call("shmget", 0, ctypes.c_size_t(4096), 0o1600),
    "a message queue": lambda _: call("msgget", 0, 0o1600),
    "a semaphore": lambda _: call("semget", 0, 1, 0o1600),
    "a keyring": lambda _: call("keyctl", ctypes.c_ulong(0), ctypes.c_ulong(-3 & (2**64 - 1)), ctypes.c_ulong(1)),
    "io_uring": lambda _: call("io_uring_setup", 1, ctypes.create_string_buffer(256)),
    "another personality": lambda _: call("personality", ctypes.c_ulong(0x0040000)),
    "a datagram": _tell_the_journal(socket.SOCK_DGRAM),
    "a datagram, by a raw socket": _tell_the_journal(socket.SOCK_RAW),
    "openat2": lambda folder: call(
        "openat2", -100, str(folder / "there").encode(), ctypes.create_string_buffer(24), ctypes.c_size_t(24)
    ),
    "a thread": _start_a_thread,
    "a memory file": lambda _: os.close(os.memfd_create("beyond the bounds")),
    "an internet socket": lambda _: socket.socket().close(),
    "another port": _connect_to(10),
    "the camera's port": _connect_to(CAMERA_PORT),
    "a netlink socket": lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "a Unix socket": lambda _: socket.socket(socket.AF_UNIX).close(),
    "a neighbour's socket": _connect_unix,
    "listen": _listen(socket.AF_UNIX),
    "listen on a port": _listen(socket.AF_INET),
    "write": lambda folder: os.close(os.open(folder / "there", os.O_WRONLY)),
    "write and read": lambda folder: os.close(os.open(folder / "there", os.O_RDWR)),
    "create": lambda folder: os.close(os.open(folder / "new", os.O_CREAT | os.O_RDONLY)),
    "truncate": lambda folder: os.truncate(folder / "there", 0),
    "make a folder": lambda folder: (folder / "made").mkdir(),
    "link": lambda folder: os.link(folder / "there", folder / "linked"),
    "symbolic link": lambda folder: (folder / "points").symlink_to("there"),
    "rename": lambda folder: (folder / "renamed").rename(folder / "renamed too"),
    "remove": lambda folder: (folder / "removed").unlink(),
    "change a mode": lambda folder: (folder / "there").chmod(0o600),
    "change a time": lambda folder: os.utime(folder / "there"),
    "read a file": lambda folder: (folder / "there").read_bytes(),
}
if NEWEST_KERNEL:
    ATTEMPTS["change a mode by the newest call"] = lambda folder: call(
        _FCHMODAT2, -100, str(folder / "there").encode(), 0o600, 0
    )


def _ended(attempt: Attempt, folder: Path) -> int:
    """Run it here; 0 when it worked, else the error's number."""
    try:
        attempt(folder)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _in_a_process_of_its_own(attempt: Attempt, kind: str, folder: Path) -> int:
    ours = os.getpid()
    child = os.fork()
    if child == 0:
        if kind != "free":
            harden(ours)
            if kind != "hardened":
                confine(NEEDS[kind])
            if kind == "document":
                refuse(ONCE_REACHED)
        os._exit(_ended(attempt, folder))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prepare(folder: Path) -> socket.socket:
    """The files and the neighbour that attempts need."""
    folder.mkdir()
    for name in ("there", "renamed", "removed"):
        (folder / name).write_bytes(b"x")
    neighbour = socket.socket(socket.AF_UNIX)
    neighbour.bind(str(folder / "neighbour.sock"))
    neighbour.listen(64)
    return neighbour


def main() -> None:
    """Try everything."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    ended = {}
    with prepare(folder):
        for name, attempt in ATTEMPTS.items():
            ended[name] = _in_a_process_of_its_own(attempt, kind, folder)
    sys.stdout.write(json.dumps(ended) + "\n")


if __name__ == "__main__":
    main()
