"""What a captured program would try, run inside a unit's own sandbox. Nothing that succeeds leaves a trace.

    python -m fakes.boot.attempts PROGRAM NAME…

prints one JSON line: an attempt's name and how it ended, each in a process of its own. An attempt succeeds when the kernel obeys, also
when it then finds no device behind a node (ENXIO). It is refused by the errors of `REFUSED`, and by silence where packets are dropped.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from gate.channel.row import PROGRAMS
from gate.channel.table import CHANNELS

FAR, FAR_PORT = "192.0.2.1", 4321  # no camera's address; the machine itself listens there
STATE, KEYS = Path("/var/lib/portcullis"), Path("/etc/portcullis/keys")
REFUSED = {
    errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EROFS, errno.ETIMEDOUT, errno.ENOSYS, errno.ESRCH,
}  # fmt: skip
_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = {"x86_64": {"keyctl": 250, "ptrace": 101}, "aarch64": {"keyctl": 219, "ptrace": 117}}[os.uname().machine]
_IO_URING_SETUP, _CLONE_NEWUSER = 425, 0x10000000
_PTRACE_TRACEME, _KEYCTL_GET_KEYRING_ID, _KEY_SPEC_SESSION_KEYRING = 0, 0, -3


def _libc(function: str, *arguments: object) -> int:
    result = int(getattr(_LIBC, function)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _open(path: Path | str, flags: int = os.O_RDONLY) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))


def _device(path: str) -> Callable[[], None]:
    def attempt() -> None:
        try:
            _open(path, os.O_RDWR)()
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise

    return attempt


def _connect(host: str, port: int) -> Callable[[], None]:
    def attempt() -> None:
        with socket.create_connection((host, port), timeout=2):
            pass

    return attempt


def _make_in(folder: Path) -> Callable[[], None]:
    def attempt() -> None:
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=".tmp-attempt-")
        os.close(descriptor)
        Path(path).unlink()

    return attempt


def _others(program: str) -> list[str]:
    return [name for name in PROGRAMS if name != program]


def _call(path: Path) -> Callable[[], None]:
    def attempt() -> None:
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(str(path))

    return attempt


def _replace(path: Path) -> Callable[[], None]:
    """Move another program's socket away, as the impostor of issue 9 did, and put it back."""

    def attempt() -> None:
        path.rename(path.with_suffix(".moved")).rename(path)

    return attempt


def _listen_in(folder: Path) -> Callable[[], None]:
    def attempt() -> None:
        path = folder / "impostor.sock"
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
        path.unlink()

    return attempt


def _at_neighbours(program: str) -> dict[str, Callable[[], None]]:
    """Every socket of every other program: called where this one has no business with it, and in any case replaced."""
    found = {}
    for channel in CHANNELS.every():
        if channel.listener in _others(program):
            path = Path(f"/run/portcullis-{channel.listener}/{channel.file}")
            found[f"replace {channel.name}"] = _replace(path)
            if program not in channel.callers:
                found[f"call {channel.name}"] = _call(path)
    return found | {f"listen as {name}": _listen_in(Path(f"/run/portcullis-{name}")) for name in _others(program)}


def _read_neighbours_memory(program: str) -> Callable[[], None]:
    """Find another program's process and open its memory."""

    def attempt() -> None:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                words = (folder / "cmdline").read_bytes().split(b"\0") if (folder / "cmdline").exists() else []
                if b"run" in words and any(other.encode() in words for other in _others(program)):
                    os.close(os.open(folder / "mem", os.O_RDONLY))
                    return
        raise ProcessLookupError(errno.ESRCH, "no other program is to be seen")

    return attempt


def _in_a_child(act: Callable[[], object]) -> Callable[[], None]:
    """What changes the process that does it."""

    def attempt() -> None:
        child = os.fork()
        if child == 0:
            try:
                act()
            except OSError as error:
                os._exit(error.errno or 1)
            os._exit(0)
        if number := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise OSError(number, os.strerror(number))

    return attempt


def _mount() -> None:
    with tempfile.TemporaryDirectory() as place:
        _libc("mount", b"none", place.encode(), b"tmpfs", 0, None)
        _libc("umount", place.encode())


def _make_setuid() -> None:
    with tempfile.NamedTemporaryFile() as file:
        os.fchmod(file.fileno(), stat.S_ISUID | 0o700)


def attempts_of(program: str) -> dict[str, Callable[[], object]]:
    """Everything that this program might try."""
    syscall = _LIBC.syscall
    syscall.restype = ctypes.c_long
    return {
        "open an internet socket": lambda: socket.socket(socket.AF_INET).close(),
        "reach another address": _connect(FAR, FAR_PORT),
        "open a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "open a serial line": _device("/dev/ttyUSB0"),
        "open another serial line": _device("/dev/ttyS0"),
        "open a camera": _device("/dev/video0"),
        "open a keyboard": _device("/dev/input/event0"),
        "open a foreign keyboard": _device("/dev/input/event1"),
        "read the log's key": _open(KEYS / "log.key"),
        "read the device's key": _open(STATE / "identity/1/device.pem"),
        "open the database": _open(STATE / "audit/log.sqlite"),
        "write the spool": _make_in(STATE / "spool"),
        "write the inbox": _make_in(STATE / "inbox"),
        "write the trust store": _make_in(STATE / "trust"),
        "write the models": _make_in(STATE / "models"),
        "write the configuration": _make_in(Path("/etc/portcullis")),
        "write a program": _make_in(Path("/usr/bin")),
        **_at_neighbours(program),
        "read another's memory": _read_neighbours_memory(program),
        "trace": _in_a_child(lambda: _libc("ptrace", _PTRACE_TRACEME, 0, None, None)),
        "use io_uring": lambda: os.close(_libc("syscall", _IO_URING_SETUP, 1, ctypes.create_string_buffer(256))),
        "use keys of the kernel": lambda: _libc(
            "syscall", _NUMBERS["keyctl"], _KEYCTL_GET_KEYRING_ID, ctypes.c_long(_KEY_SPEC_SESSION_KEYRING), 1
        ),
        "mount": _mount,
        "make a user namespace": _in_a_child(lambda: _libc("unshare", _CLONE_NEWUSER)),
        "touch the clock": lambda: _libc("adjtimex", ctypes.create_string_buffer(512)),
        "make a set-user-ID file": _make_setuid,
        "write and execute memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    }


def main() -> None:
    program, *wanted = sys.argv[1:]
    known = attempts_of(program)
    ended = {}
    for name in wanted:
        child = os.fork()
        if child == 0:
            try:
                known[name]()
            except TimeoutError:
                os._exit(errno.ETIMEDOUT)
            except OSError as error:
                os._exit(error.errno or errno.EIO)
            os._exit(0)
        ended[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(json.dumps(ended) + "\n")


if __name__ == "__main__":
    main()
