"""The whole log program against its disk: errors at each write and sync, ends in the middle of one, and power cuts on ext4 and xfs.

Errors are injected by strace into the program's own system calls. A power cut is FS_IOC_SHUTDOWN on a file system of its own, the program stopped before, which drops whatever was not
synced; a control whose database is not synced at each commit must lose records by the same cuts, or they prove nothing.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import pytest
from fakes.disks import mounted
from fakes.log_process import config_of, log_process, vkey_of

from gate.audit.store import TRANSACTIONS_TOGETHER, Store
from gate_core.audit_format.errors import BadFormatError, StoreError
from gate_verify.verify import verify

STRACE = shutil.which("strace")
FS_IOC_SHUTDOWN, WITHOUT_FLUSHING_THE_LOG = 0x8004587D, 2
COUNT = 5
# More than there are, of one kind of call in one thread (27, 19, 155, 2, 5 and 2 on 2026-11-28); a test goes through so many at once.
CALLS = {"fdatasync": 60, "fsync": 40, "pwrite64": 240, "ftruncate": 20, "rename": 20, "fallocate": 20}
AT_ONCE = 10
PARTS, CUTS = 5, 20  # a hundred for each file system, in parts that end in time
CONTROL_CUTS_MAX = 25


@pytest.fixture
def beside() -> Iterator[Path]:
    """Sockets have short paths."""
    with tempfile.TemporaryDirectory(prefix="lf-") as folder:
        yield Path(folder)


def in_the_log(state: Path, beside: Path, acknowledged: list[int]) -> None:
    """All of these are there, and nothing is wrong."""
    config = config_of(state, beside)
    report = verify(state / "audit/log.sqlite", vkey_of(config))
    assert report.problems == ()
    assert report.entries >= len(acknowledged)
    assert acknowledged == sorted(set(acknowledged)), "each has an index of its own"
    assert not acknowledged or acknowledged[-1] < report.entries


def read(process: Popen[str]) -> list[int]:
    assert process.stdout is not None
    found = [int(line) for line in process.stdout.read().splitlines()]
    process.wait(60)
    return found


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def injected(folder: Path, beside: Path, call: str, what: str, step: int) -> tuple[int, list[int], int]:
    """Run the program with the n-th such call on its disk, of each thread, failing: how often one did, what was acknowledged, and the exit code."""
    assert STRACE is not None, "strace is missing: apt-get install strace"
    state, trace = folder / f"{call}-{step}", folder / "trace"
    state.mkdir()
    under = (
        STRACE,
        "-f",
        "-qq",
        "-y",
        "-o",
        str(trace),
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:{what}:when={step}",
    )
    with log_process(state, beside, count=COUNT, under=under) as process:
        found = read(process)
    hit = sum("(INJECTED)" in line or "SIGKILL" in line for line in trace.read_text(errors="replace").splitlines())
    code = process.returncode
    if code:  # the next start puts right what it finds, and goes on
        with log_process(state, beside, count=1) as process:
            (following,) = read(process)
        assert not found or following > found[-1]
    in_the_log(state, beside, found)
    shutil.rmtree(state)
    return hit, found, code


@pytest.mark.parametrize(
    ("call", "what", "step"),
    [
        ("fdatasync", "error=EIO", 3),
        ("pwrite64", "error=ENOSPC", 9),
        ("fsync", "error=EIO", 2),
        ("fdatasync", "signal=SIGKILL", 4),
    ],
)
def test_a_disk_that_fails_once_loses_nothing_and_the_log_goes_on(
    tmp_path: Path, beside: Path, call: str, what: str, step: int
) -> None:
    hit, found, code = injected(tmp_path, beside, call, what, step)
    assert hit
    if "SIGKILL" not in what:
        assert (found, code) == (list(range(COUNT)), 0)


@pytest.mark.long
@pytest.mark.parametrize("what", ["error=EIO", "error=ENOSPC", "signal=SIGKILL"])
@pytest.mark.parametrize(
    ("call", "first"), [(call, first) for call, steps in CALLS.items() for first in range(1, steps, AT_ONCE)]
)
def test_whichever_write_or_sync_fails_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, beside: Path, call: str, first: int, what: str
) -> None:
    for step in range(first, first + AT_ONCE):
        hit, found, code = injected(tmp_path, beside, call, what, step)
        if not hit:
            return
        if "SIGKILL" not in what:
            assert (found, code) == (list(range(COUNT)), 0), f"step {step}: it goes on"
    assert first + AT_ONCE < CALLS[call], "there are more steps than were thought"


# ── power cuts ───────────────────────────────────────────────────────────────────────────────────────────────────────


def made(kind: str, folder: Path) -> Path:
    mkfs, size, options = {
        "ext4": ("/sbin/mkfs.ext4", 64, ("-q", "-F")),
        "xfs": ("/sbin/mkfs.xfs", 320, ("-q", "-f")),
    }[kind]
    if not Path(mkfs).exists():
        pytest.skip(f"no {kind} can be made here")
    image = folder / "disk-0.img"
    with image.open("wb") as file:
        file.truncate(size * 1024 * 1024)
    subprocess.run([mkfs, *options, str(image)], check=True, capture_output=True, timeout=60)
    return image


def cut(image: Path, folder: Path, beside: Path, *, mode: str, count: int) -> tuple[Path, int, int]:
    """Write, cut the power, and look: the disk as it is then, how many acknowledged records are not there, and how often the write-ahead log was begun."""
    with (
        mounted("-o", _options(image), str(image), at=folder / "disk") as disk,
        log_process(disk, beside, mode=mode) as process,
    ):
        assert process.stdout is not None
        last = [int(process.stdout.readline()) for _ in range(count)][-1]
        stopped(process)
        begun = int.from_bytes((disk / "audit/log.sqlite-wal").read_bytes()[12:16])  # its header counts that
        descriptor = os.open(disk, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, FS_IOC_SHUTDOWN, WITHOUT_FLUSHING_THE_LOG.to_bytes(4, sys.byteorder))
        finally:
            os.close(descriptor)
    # What is on the disk goes on on another: a mount namespace that was copied meanwhile holds the dead file system, and its image, a while longer.
    other = image.with_name(f"disk-{int(image.stem.partition('-')[2]) + 1}.img")
    subprocess.run(["cp", "--sparse=always", str(image), str(other)], check=True, timeout=120)
    image.unlink()
    with mounted("-o", _options(other), str(other), at=folder / "disk") as disk:
        with closing(Store(disk / "audit/log.sqlite")) as store:
            size = store.head().frontier.size
        config = config_of(disk, beside)
        if mode == "full":
            assert verify(disk / "audit/log.sqlite", vkey_of(config)).problems == ()
    return other, max(0, last + 1 - size), begun


def _options(image: Path) -> str:
    """XFS mounts no copy beside a file system of the same id, however dead that is."""
    with image.open("rb") as file:
        return "loop,nouuid" if file.read(4) == b"XFSB" else "loop"


def stopped(process: Popen[str]) -> None:
    """Stop the process, so that no sync is under way when the power goes."""
    process.send_signal(signal.SIGSTOP)
    deadline_s = time.monotonic() + 10
    while not re.search(r"^State:\s+T", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE):
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_no_power_cut_loses_an_acknowledged_record_and_the_control_does(
    tmp_path: Path, beside: Path, kind: str, part: int
) -> None:
    cuts = int(os.environ.get("PORTCULLIS_TEST_CUTS", CUTS))
    chance = random.Random(f"{kind} {part}")
    (tmp_path / "control").mkdir()
    image = made(kind, tmp_path / "control")
    for _ in range(CONTROL_CUTS_MAX):
        try:
            image, lost, _ = cut(image, tmp_path, beside, mode="normal", count=chance.randint(5, 25))
        except (StoreError, BadFormatError):  # what the control lost may be the database itself
            lost = 1
        if lost:
            break
    else:
        pytest.fail(f"{CONTROL_CUTS_MAX} cuts without a sync at each commit lost nothing: this run proves nothing")
    shutil.rmtree(tmp_path / "control")
    image, lost, written_over = made(kind, tmp_path), 0, 0
    for number in range(cuts):
        count = (
            chance.randint(5, 25)
            if number % 2
            else chance.randint(TRANSACTIONS_TOGETHER, 2 * TRANSACTIONS_TOGETHER + 50)
        )
        image, missing, begun = cut(image, tmp_path, beside, mode="full", count=count)
        lost += missing
        written_over += begun > 1
    assert lost == 0, f"{lost} acknowledged records lost in {cuts} cuts"
    assert written_over >= cuts // 4, "cuts while the write-ahead log is written over are among them"
