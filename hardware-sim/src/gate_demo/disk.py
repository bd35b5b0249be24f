"""The demo's log disk: a small private file system for the log's state, which a scenario fills to the last byte and frees.

Where the kernel permits it, it is a tmpfs in a private user and mount namespace: a keeper process holds the namespace,
the log program runs in it, and no other process sees the mount. Otherwise it is on /dev/shm, also a tmpfs, if that is
small enough to fill. Otherwise the log's files may not grow, which approximates a full disk. The report names the kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import resource
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

READY_DEADLINE_S = 10.0
SHARED = Path("/dev/shm")  # noqa: S108 - a file system, not a name for a file
SHARED_BYTES_MAX = 512 * 1024 * 1024  # a larger one is not filled: it is this machine's memory
BYTES_MIN = 48 * 1024 * 1024  # reserves, the write-ahead log, and initial space
BYTES_A_TRAVELLER = 64 * 1024
BALLAST = "ballast"
_PIECE_BYTES = 1024 * 1024
_KEEPER = 'mount -t tmpfs -o "size=$2,mode=0700" tmpfs "$1" && echo ready && exec cat'
# A killed demo leaves processes that are ending at this moment and may still write.
_BROOM = """PATH=/usr/bin:/bin
trap '' HUP INT TERM
read -r well
for again in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$1"
    [ -z "$well" ] || exit 0
    sleep 0.5
    [ -e "$1" ] || exit 0
done"""


class DiskKind(enum.Enum):
    """The kind of storage of the log's state."""

    MOUNTED = "tmpfs"
    SHARED = "shm"
    LIMITED = "limit"


@dataclass(frozen=True, slots=True)
class LogDisk:
    """The disk. The log sees it at `state`, this process at `seen_at`; the log's command begins with `prefix`."""

    kind: DiskKind
    state: Path
    seen_at: Path
    total_bytes: int
    prefix: tuple[str, ...] = ()

    @property
    def free_bytes(self) -> int:
        """Return the free space in bytes."""
        status = os.statvfs(self.seen_at)
        return status.f_bavail * status.f_frsize

    def fill(self, log: int) -> None:
        """Fill the disk, so that the log program with this process id cannot write."""
        if self.kind is DiskKind.LIMITED:
            _limit(log, 0)
            return
        descriptor = os.open(self.seen_at / BALLAST, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            while piece := min(self.free_bytes, _PIECE_BYTES):
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, piece)
        except OSError:
            pass  # the log wrote first: the disk is full
        finally:
            os.close(descriptor)

    def free(self, log: int) -> None:
        """Free the filled space."""
        if self.kind is DiskKind.LIMITED:
            _limit(log, resource.RLIM_INFINITY)
        else:
            (self.seen_at / BALLAST).unlink(missing_ok=True)


def _limit(log: int, bytes_max: int) -> None:
    """Limit the size of the log program's files, so that the kernel refuses further writes."""
    _, hard = resource.prlimit(log, resource.RLIMIT_FSIZE)
    resource.prlimit(log, resource.RLIMIT_FSIZE, (bytes_max, hard))


@contextlib.asynccontextmanager
async def log_disk(state: Path, travellers: int, *, shared: Path = SHARED) -> AsyncIterator[LogDisk]:
    """Yield a disk for the log of this many travellers, mounted at `state` if possible, otherwise on `shared`."""
    total_bytes = BYTES_MIN + travellers * BYTES_A_TRAVELLER
    keeper = await _keep(_made(state), total_bytes)
    if keeper is not None:
        try:
            prefix = ("nsenter", f"--target={keeper.pid}", "--user", "--mount", "--preserve-credentials")
            seen_at = Path(f"/proc/{keeper.pid}/root{state}")
            yield LogDisk(DiskKind.MOUNTED, state, seen_at, total_bytes, prefix)
        finally:
            await _end(keeper)
    elif (shared_bytes := _shared_bytes(shared)) is not None:
        with swept(shared) as folder:
            yield LogDisk(DiskKind.SHARED, folder, folder, shared_bytes)
    else:
        yield LogDisk(DiskKind.LIMITED, state, state, 0)


def _made(state: Path) -> Path:
    state.mkdir()
    return state.resolve()


async def _keep(state: Path, total_bytes: int) -> asyncio.subprocess.Process | None:
    """Return a process that holds a namespace with the mount until its input ends; None where that is impossible."""
    try:
        keeper = await asyncio.create_subprocess_exec(
            *(
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                _KEEPER,
                "sh",
                str(state),
                str(total_bytes),
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    assert keeper.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_DEADLINE_S):
            if await keeper.stdout.readline() == b"ready\n" and _is_seen(Path(f"/proc/{keeper.pid}/root{state}")):
                return keeper
    await _end(keeper)
    return None


def _is_seen(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK) and shutil.which("nsenter") is not None


async def _end(keeper: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        keeper.kill()
    await keeper.wait()


def _shared_bytes(shared: Path) -> int | None:
    """Return the free bytes, None when there are too many to fill, too few to use, or no file system."""
    try:
        status = os.statvfs(shared)
    except OSError:
        return None
    free_bytes = status.f_bavail * status.f_frsize
    return free_bytes if BYTES_MIN <= free_bytes <= SHARED_BYTES_MAX else None


@contextlib.contextmanager
def swept(parent: Path) -> Iterator[Path]:
    """Yield a new folder in `parent`. It is removed at the end, and also when this process dies: the cleaner starts first.
    Raises OSError.
    """
    folder = parent / f"gate-{secrets.token_hex(4)}"  # short: a Unix socket's path has at most 107 bytes
    with subprocess.Popen(
        ["/bin/sh", "-c", _BROOM, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as broom:
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            broom.communicate(b"well\n")
