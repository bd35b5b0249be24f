"""What may stand where a program's socket belongs: nothing is stolen, and each kind is one clear line."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.strangers import needs_root

from gate.channel.errors import NoPlaceError
from gate.channel.place import listening


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(path)) == 0


def test_a_socket_stands_while_the_block_runs_for_owner_and_group_only(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.sock"
    with listening(path, group=os.getegid()):
        assert listens(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


@needs_root
def test_the_group_of_callers_may_connect_and_a_stranger_may_not(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"

    def called_by(group: int) -> bool:
        """Whether a user without any account who is in this group besides can call."""
        become = f"os.setgroups([{group}]); os.setgid(54300); os.setuid(54300)"
        call = f"socket.socket(socket.AF_UNIX).connect({str(path)!r})"
        done = subprocess.run(
            [sys.executable, "-c", f"import os, socket; {become}; {call}"], capture_output=True, check=False, timeout=30
        )
        assert done.returncode == 0 or b"PermissionError" in done.stderr, done.stderr
        return done.returncode == 0

    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(0o711)
    with listening(path, group=54321):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert (called_by(54321), called_by(54322)) == (True, False)
    with listening(path, group=None):
        assert not called_by(54321)


@pytest.mark.parametrize(
    ("put", "word"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "is a FIFO"),
        (lambda path: path.write_text("precious"), "is a file"),
        (lambda path: path.symlink_to("/tmp/elsewhere"), "is a symbolic link"),
    ],
)
def test_what_is_no_socket_stays_and_is_named(tmp_path: Path, put: Callable[[Path], None], word: str) -> None:
    path = tmp_path / "log.sock"
    put(path)
    before = path.lstat()
    with pytest.raises(NoPlaceError, match=word) as raised, listening(path, group=None):
        pass
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert os.path.samestat(before, path.lstat())


def test_the_socket_of_a_program_that_died_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    dies = (
        "import os, sys; from pathlib import Path; from gate.channel.place import listening\n"
        "with listening(Path(sys.argv[1]), group=None): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", dies, str(path)], check=False, timeout=30).returncode == -9
    assert stat.S_ISSOCK(path.stat().st_mode)
    with listening(path, group=None):
        assert listens(path)


def test_a_second_instance_finds_the_first_and_leaves_it_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    with listening(path, group=None):
        before = path.stat()
        with pytest.raises(NoPlaceError, match="another instance listens on"), listening(path, group=None):
            pass
        assert os.path.samestat(before, path.stat())
        assert listens(path)


def test_not_even_one_that_lost_its_lock_loses_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    with listening(path, group=None):
        (tmp_path / "log.lock").unlink()
        with pytest.raises(NoPlaceError, match="another program listens on"), listening(path, group=None):
            pass
        assert listens(path)


def test_one_whose_waiting_room_is_full_is_live_too(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waits:
        busy.bind(str(path))
        busy.listen(0)
        waits.connect(str(path))
        with pytest.raises(NoPlaceError, match="another program listens on"), listening(path, group=None):
            pass
        assert path.exists()


def test_of_two_instances_that_start_together_one_listens(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    starts = (
        "import sys; from pathlib import Path; from gate.channel.place import *; from gate.channel.errors import *\n"
        "try:\n"
        "    with listening(Path(sys.argv[1]), group=None): print('listens', flush=True); sys.stdin.read()\n"
        "except NoPlaceError: print('none', flush=True)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", starts, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    said = [one.stdout.readline().strip() for one in running if one.stdout is not None]
    assert sorted(said) == ["listens", *["none"] * 5]
    assert listens(path)
    for one in running:
        one.communicate(timeout=30)


def test_what_stands_in_the_locks_place_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.lock")
    with pytest.raises(NoPlaceError, match="is a FIFO, where a lock"), listening(tmp_path / "log.sock", group=None):
        pass
    (tmp_path / "lane.lock").mkdir()
    with pytest.raises(NoPlaceError, match="cannot be opened"), listening(tmp_path / "lane.sock", group=None):
        pass


def test_a_folder_that_others_can_write_is_no_place(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o770)
    with pytest.raises(NoPlaceError, match="can be written by others"), listening(folder / "log.sock", group=None):
        pass
    assert list(folder.iterdir()) == []


def test_neither_is_a_link_to_one_nor_a_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(NoPlaceError, match="is a symbolic link"), listening(tmp_path / "link" / "s", group=None):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(NoPlaceError, match="cannot be made"), listening(tmp_path / "file" / "s", group=None):
        pass


@needs_root
def test_neither_is_a_folder_of_another_user(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(NoPlaceError, match="belongs to another user"), listening(folder / "log.sock", group=None):
        pass


def test_a_path_that_is_too_long_for_the_kernel_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(NoPlaceError, match=r"cannot listen on .*too long"),
        listening(tmp_path / ("x" * 108), group=None),
    ):
        pass
