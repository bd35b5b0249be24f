"""Archives that somebody signed and that are hostile all the same: nothing leaves the folder, nothing is without end."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.programs.update.places import unpack
from gate.updates.download import FREE_BYTES_MIN
from gate.updates.errors import RefusedError
from gate.updates.layout import FILES_MAX, Kind


def made(path: Path, *entries: tuple[str, bytes], mode: int = 0, compressed: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compressed) as into:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode << 16, compressed
            into.writestr(entry, content)
    return path


def unpacked(archive: Path, *, kind: Kind = Kind.MODELS, free: int = 1 << 50) -> dict[str, bytes]:
    folder = archive.with_name("unpacked")
    unpack(archive, folder, kind, may_hold=lambda _: True, free_bytes=lambda _: free)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ordinary_files_come_out_with_an_ordinary_mode(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", ("a", b"a"), ("deep/b", b"b" * 100_000), mode=stat.S_IFREG | 0o777)
    assert unpacked(archive) == {"a": b"a", "deep/b": b"b" * 100_000}
    assert stat.S_IMODE((tmp_path / "unpacked/a").stat().st_mode) & ~0o644 == 0


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/x",
        "a/../../x",
        "a//x",
        "./x",
        "a\\..\\x",
        "a\x01b",
        "x" * 500,
        "a/",
        "C:x",
        "-/../x",
        "..",
        "a/..",
        "naïve",
        "a\nb",
    ],
)
def test_names_that_lead_elsewhere_or_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError):
        unpacked(made(tmp_path / "a.zip", ("fine", b""), (name, b"x")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


@pytest.mark.parametrize(
    "mode",
    [
        stat.S_IFLNK | 0o777,
        stat.S_IFCHR | 0o666,
        stat.S_IFBLK,
        stat.S_IFIFO,
        stat.S_IFSOCK,
        stat.S_IFDIR | 0o755,
        stat.S_IFREG | 0o4755,
        stat.S_IFREG | 0o2755,
    ],
    ids=["link", "character device", "block device", "pipe", "socket", "folder", "setuid", "setgid"],
)
def test_nothing_but_ordinary_files(tmp_path: Path, mode: int) -> None:
    with pytest.raises(RefusedError, match="no ordinary file"):
        unpacked(made(tmp_path / "a.zip", ("x", b"/etc/passwd"), mode=mode))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")], ids="-".join)
def test_one_name_has_one_file(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(RefusedError, match="twice"):
        unpacked(made(tmp_path / "a.zip", *((name, b"x") for name in names)))


def test_a_bomb_is_measured_before_it_goes_off(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", *((str(number), bytes(1 << 20)) for number in range(5)))
    with pytest.raises(RefusedError, match="bytes unpacked"):
        unpacked(archive, kind=Kind.CONFIGURATION)
    assert not (tmp_path / "unpacked").exists()


def test_too_many_files(tmp_path: Path) -> None:
    many = FILES_MAX[Kind.CONFIGURATION] + 1
    archive = made(tmp_path / "a.zip", *((str(number), b"") for number in range(many)))
    with pytest.raises(RefusedError, match="are the most"):
        unpacked(archive, kind=Kind.CONFIGURATION)


def edited(path: Path, change: Callable[[bytearray], object]) -> Path:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    return path


def directory(content: bytearray) -> int:
    return content.index(b"PK\x01\x02")


def lies_about_its_size(content: bytearray) -> None:
    content[directory(content) + 24 : directory(content) + 28] = struct.pack("<I", 5)


def is_encrypted(content: bytearray) -> None:
    content[directory(content) + 8] |= 1


def has_a_method_of_its_own(content: bytearray) -> None:
    content[directory(content) + 10] = 99


def has_a_directory_elsewhere(content: bytearray) -> None:
    content[-6:-2] = struct.pack("<I", 3)


def has_a_large_directory(content: bytearray) -> None:
    content[-10:-6] = struct.pack("<I", 1 << 30)


def names_more_than_it_has(content: bytearray) -> None:
    content[-14:-10] = struct.pack("<HH", 2, 2)


def is_cut(content: bytearray) -> None:
    del content[-1:]


def has_wrong_bytes(content: bytearray) -> None:
    content[40] ^= 0xFF


def has_a_zip64_locator(content: bytearray) -> None:
    content[-22:-22] = b"PK\x06\x07" + bytes(16)


def has_a_comment(content: bytearray) -> None:
    content[-2:] = struct.pack("<H", 3) + b"PK\x05"


@pytest.mark.parametrize(
    "change",
    [
        lies_about_its_size,
        is_encrypted,
        has_a_method_of_its_own,
        has_a_directory_elsewhere,
        has_a_large_directory,
        names_more_than_it_has,
        is_cut,
        has_wrong_bytes,
        has_a_zip64_locator,
        has_a_comment,
    ],
)
def test_an_archive_that_lies(tmp_path: Path, change: Callable[[bytearray], None]) -> None:
    archive = edited(made(tmp_path / "a.zip", ("a", b"hello " * 100)), change)
    with pytest.raises(RefusedError):
        unpacked(archive)
    assert not (tmp_path / "unpacked").exists()


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06" + bytes(18), b"\x00" * 100])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(RefusedError):
        unpacked(tmp_path / "a.zip")


def test_a_full_disk_is_said_before_it_is_full(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="would leave less"):
        unpacked(made(tmp_path / "a.zip", ("a", b"a" * 1000)), free=FREE_BYTES_MIN + 999)
    assert not (tmp_path / "unpacked").exists()
