"""The log program as a process, against what happens to machines: kill -9, a full disk, a power cut.

The power cut is FS_IOC_SHUTDOWN on a file system of its own: it drops whatever was not synced, which kill -9 cannot show.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, crossing, wanted
from fakes.disks import fill, mounted
from fakes.roots import search_path

from gate.audit.reserve import Reserve
from gate.audit.store import Store
from gate.audit.writer import DISK_FULL, Refused
from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.merkle import root_of
from gate_core.audit_format.note import Signer
from gate_verify.verify import verify

MKFS = Path("/sbin/mkfs.ext4")
FS_IOC_SHUTDOWN, WITHOUT_FLUSHING_THE_LOG = 0x8004587D, 2

# Appends without end and prints each index once it is acknowledged; publishes after each.
WRITER = """
import sys, pathlib
from fakes.audit_logs import SmallLog, wanted
from gate_core.audit_format.note import Signer
log = SmallLog(pathlib.Path(sys.argv[1]), signer=Signer.parse(pathlib.Path(sys.argv[2]).read_text()))
with log.writer() as writer:
    while True:
        for one in writer.append([wanted("incident", None, {"n": 1})], 0):
            print(one, flush=True)
        log.publish(writer)
"""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "signer"
    path.write_text(SmallLog(tmp_path).signer.secret_text())
    return path


def log_at(folder: Path, key: Path) -> SmallLog:
    return SmallLog(folder, signer=Signer.parse(key.read_text()))


@contextlib.contextmanager
def writing(folder: Path, key: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": search_path()}
    command = [sys.executable, "-c", WRITER, str(folder), str(key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str], count: int) -> int:
    """Read `count` receipts; return the last index."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    return int(lines[-1])


def stopped(process: subprocess.Popen[str]) -> None:
    """Stop the process, so that no sync is under way when the power goes."""
    process.send_signal(signal.SIGSTOP)
    deadline_s = time.monotonic() + 10
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_kill_9_in_the_middle_of_appending_loses_nothing_that_was_acknowledged(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    log = log_at(folder, key)
    last = -1
    for round_ in range(4):
        with writing(folder, key) as process:
            last = acknowledged(process, 5 + 7 * round_)
            process.kill()
            assert process.stdout is not None
            last = max([last, *(int(line) for line in process.stdout.read().splitlines() if line)])
        with log.writer() as writer:
            assert writer.standing.problem is None
            assert writer.standing.checkpoint is not None
            assert writer.standing.checkpoint.size > last
            log.publish(writer)
        assert verify(log.spool, log.vkey).problems == ()
        assert verify(log.database, log.vkey).problems == ()


def test_a_full_disk_stops_admissions_and_still_takes_a_release(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", at=tmp_path / "small") as folder:
        log = SmallLog(folder)
        with log.writer(reserve=Reserve(folder / "reserve", 256 * 1024)) as writer:
            assert writer.append(crossing("c1"), 0) == [0, 1, 2, 3, 4]
            fill(folder / "filler")
            size = 5
            while (outcome := writer.append([wanted("opened", "c2")], 0)) == [size]:
                size += 1
                assert size < 1000
            assert isinstance(outcome[0], Refused)
            assert writer.standing.problem == DISK_FULL
            assert writer.append([wanted("release"), wanted("opened", "c3")], 0) == [size, Refused(DISK_FULL)]
            (folder / "filler").unlink()
            assert writer.append([wanted("opened", "c4")], 0) == [size + 1]
            assert writer.standing.problem is None
        assert verify(log.database, log.vkey).problems == ()


def test_a_power_cut_loses_nothing_that_was_acknowledged_and_forks_nothing(tmp_path: Path, key: Path) -> None:
    if not MKFS.exists():
        pytest.skip("no ext4 can be made here")
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(48 * 1024 * 1024)
    made = subprocess.run([str(MKFS), "-q", "-F", str(image)], capture_output=True, check=False, timeout=60)
    if made.returncode != 0:
        pytest.skip("no ext4 can be made here")
    last, published = -1, b""
    for round_ in range(3):
        with mounted("-o", "loop", str(image), at=tmp_path / "disk") as folder:
            log = log_at(folder, key)
            if last >= 0:
                with log.writer() as writer:
                    assert writer.standing.problem is None
                    assert writer.standing.checkpoint is not None
                    assert writer.standing.checkpoint.size > last, "an acknowledged record is gone"
                    log.publish(writer)
                assert verify(log.spool, log.vkey).problems == ()
                assert _begins_with(log, published), "what others saw before the cut is not the beginning of the log"
            with writing(folder, key) as process:
                last = acknowledged(process, 12 + 9 * round_)
                stopped(process)
                published = (log.spool / "checkpoint").read_bytes()
                _cut_the_power(folder)
                process.kill()
        # What is on the disk goes on on another: a mount namespace that was copied meanwhile holds the dead file system a while longer.
        image = Path(shutil.copy(image, tmp_path / f"disk-{round_}.img"))
    assert last > 0


def _begins_with(log: SmallLog, note: bytes) -> bool:
    seen = read_checkpoint(note, log.signer.verifier)
    with contextlib.closing(Store(log.database)) as store:
        return root_of(store.hashes(0, 0, seen.size)) == seen.root


def _cut_the_power(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, FS_IOC_SHUTDOWN, WITHOUT_FLUSHING_THE_LOG.to_bytes(4, sys.byteorder))
    finally:
        os.close(descriptor)
