"""The secret of the boot on its way to the kiosk's browser, and who may hold a connection to the page's port."""

from __future__ import annotations

import grp
import os
import re
from pathlib import Path
from typing import Any, cast

import pytest

from gate.programs.screens import kiosk_start
from gate.programs.screens.kiosk_start import page_with_secret, prepare, start_page
from gate_core.programs.http import Visitors

ADDRESS = "http://127.0.0.1:8088/"
NOBODY = 65534


def reads(path: Path, *, uid: int, gid: int) -> bool:
    """Whether a user of the machine can read the file."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            path.read_bytes()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_start_page_leads_to_the_page_with_the_secret_behind_the_hash(tmp_path: Path) -> None:
    secret = prepare(tmp_path, ADDRESS)
    assert re.fullmatch(r"[\w-]{43}", secret)
    page = start_page(tmp_path).read_text()
    assert f'location.replace("{ADDRESS}#{secret}")' in page
    assert "no-referrer" in page
    assert page_with_secret(tmp_path, ADDRESS) == f"{ADDRESS}#{secret}"


def test_the_secret_stays_for_the_boot_and_is_another_in_the_next(tmp_path: Path) -> None:
    assert prepare(tmp_path / "a", ADDRESS) == prepare(tmp_path / "a", ADDRESS)
    assert prepare(tmp_path / "a", ADDRESS) != prepare(tmp_path / "b", ADDRESS)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 42 + b"\n", b'"' * 43, b"x" * 1000])
def test_what_is_no_secret_is_made_anew(tmp_path: Path, content: bytes) -> None:
    prepare(tmp_path, ADDRESS)
    start_page(tmp_path).with_name("secret").write_bytes(content)
    assert re.fullmatch(r"[\w-]{43}", prepare(tmp_path, ADDRESS))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_no_other_user_of_the_machine_reads_it_unless_it_is_the_kiosks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(0o711)
    files = [start_page(tmp_path), start_page(tmp_path).with_name("secret")]
    prepare(tmp_path, ADDRESS)
    assert not any(reads(file, uid=NOBODY, gid=NOBODY) for file in files)
    kiosk = grp.getgrgid(NOBODY).gr_name
    monkeypatch.setattr(kiosk_start, "GROUP", kiosk)
    prepare(tmp_path, ADDRESS)
    assert all(reads(file, uid=NOBODY, gid=NOBODY) for file in files)
    assert not any(reads(file, uid=NOBODY, gid=NOBODY - 1) for file in files)
    files[1].parent.chmod(0o755)
    files[1].chmod(0o644)
    assert reads(files[1], uid=NOBODY, gid=NOBODY - 1), "the modes are what keeps others out"


class Transport:
    """A connection from a port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.closed = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", self.port) if name == "peername" else None

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


def test_the_oldest_stranger_makes_room_and_the_kiosk_never_does() -> None:
    visitors = Visitors(connections_max=4)
    transports = [Transport(port) for port in range(12)]
    for transport in transports[:2]:
        visitors.came(cast("Any", transport))
        visitors.is_known({"client": ("127.0.0.1", transport.port)})
    for transport in transports[2:]:
        visitors.came(cast("Any", transport))
    assert [one.port for one in transports if not one.closed] == [0, 1, 10, 11]


def test_connections_that_have_ended_take_no_room() -> None:
    visitors = Visitors(connections_max=2)
    first, second, third = (Transport(port) for port in range(3))
    visitors.came(cast("Any", first))
    visitors.is_known({"client": ("127.0.0.1", 0)})
    visitors.came(cast("Any", second))
    first.closed = True
    visitors.came(cast("Any", third))
    assert not second.closed
