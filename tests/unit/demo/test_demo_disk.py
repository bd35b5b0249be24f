"""The demo's log disk: a small file system that is filled to the last byte, and what stands in where nobody may mount one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import sys
from pathlib import Path

import pytest
from fakes.disks import mounted

from gate_demo.disk import BYTES_A_TRAVELLER, BYTES_MIN, SHARED_BYTES_MAX, DiskKind, LogDisk, log_disk


def write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


async def test_the_disk_is_a_file_system_of_the_stated_size_that_is_really_filled(tmp_path: Path) -> None:
    async with log_disk(tmp_path / "state", 3) as disk:
        if disk.kind is not DiskKind.MOUNTED:
            pytest.skip("nobody may mount a file system here")
        assert disk.total_bytes == BYTES_MIN + 3 * BYTES_A_TRAVELLER
        assert 0 < disk.free_bytes <= disk.total_bytes
        disk.fill(os.getpid())
        assert disk.free_bytes == 0
        with pytest.raises(OSError, match="No space left") as full:
            write(disk.seen_at / "more", b"x")
        assert full.value.errno == errno.ENOSPC
        assert list((tmp_path / "state").iterdir()) == [], "nobody else sees it"
        disk.free(os.getpid())
        write(disk.seen_at / "more", b"x")


async def test_a_program_that_is_started_in_it_sees_it_where_its_state_is(tmp_path: Path) -> None:
    async with log_disk(tmp_path / "state", 1) as disk:
        if disk.kind is not DiskKind.MOUNTED:
            pytest.skip("nobody may mount a file system here")
        code = f"import os; open('{disk.state}/mine', 'x'); print(os.statvfs('{disk.state}').f_blocks * 4096)"
        process = await asyncio.create_subprocess_exec(
            *disk.prefix, sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert int(out) == disk.total_bytes
        assert (disk.seen_at / "mine").exists()


@pytest.mark.parametrize(
    ("shared_bytes", "kind"),
    [
        (BYTES_MIN, DiskKind.SHARED),
        (BYTES_MIN - 2**20, DiskKind.LIMITED),
        (SHARED_BYTES_MAX + 2**20, DiskKind.LIMITED),
        (None, DiskKind.LIMITED),
    ],
)
async def test_where_nobody_may_mount_one_a_small_shared_file_system_stands_in_or_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_bytes: int | None, kind: DiskKind
) -> None:
    shared = tmp_path / "shared"
    with contextlib.ExitStack() as stack:
        if shared_bytes is not None:
            stack.enter_context(mounted("-t", "tmpfs", "-o", f"size={shared_bytes}", "tmpfs", at=shared))
        with monkeypatch.context() as environment:
            environment.setenv("PATH", str(tmp_path))
            async with log_disk(tmp_path / "state", 1, shared=shared) as disk:
                is_shared = disk.kind is DiskKind.SHARED
                assert (disk.kind, disk.prefix, disk.total_bytes) == (kind, (), shared_bytes if is_shared else 0)
                assert (disk.state.parent == shared) is is_shared
                assert disk.state.is_dir()
        assert disk.state.exists() is not is_shared


async def test_without_any_a_limit_lets_no_file_of_the_log_grow(tmp_path: Path) -> None:
    disk = LogDisk(DiskKind.LIMITED, tmp_path, tmp_path, 0)
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        disk.fill(process.pid)
        assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[0] == 0
        disk.free(process.pid)
        assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    finally:
        process.kill()
        await process.wait()
