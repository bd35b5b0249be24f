"""The cache of the simulated people: whole files or none, and only of this version."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.faces import BadAlbumError, album
from hardware_sim.faces.album import Album

ONE = Album(b"portrait", (b"first frame", b"", b"third"))

albums = st.builds(Album, st.binary(max_size=50), st.lists(st.binary(max_size=50), min_size=1, max_size=5).map(tuple))


@given(one=albums)
def test_decode_undoes_encode(one: Album) -> None:
    assert album.decode(album.encode(one)) == one


@given(noise=st.binary(max_size=200))
def test_noise_is_no_album(noise: bytes) -> None:
    with pytest.raises(BadAlbumError):
        album.decode(noise)


@given(one=albums, data=st.data())
def test_a_changed_or_missing_byte_is_noticed(one: Album, data: st.DataObject) -> None:
    content = bytearray(album.encode(one))
    at = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(BadAlbumError):
        album.decode(bytes(content[:at]))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadAlbumError):
        album.decode(bytes(content))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\0\0\0\1" + b"\0\0\0\0", "1 pictures"),
        (b"\0\0\x10\0", "4096 pictures"),
        (b"\0\0\0\2" + b"\0\0\0\1" * 2 + b"x", "add up"),
    ],
)
def test_a_file_with_a_true_digest_and_false_lengths_is_no_album(body: bytes, says: str) -> None:
    import hashlib

    with pytest.raises(BadAlbumError, match=says):
        album.decode(hashlib.sha256(body).digest() + body)


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    album.write(tmp_path / "new" / "ada.album", ONE)
    assert album.read(tmp_path / "new" / "ada.album") == ONE
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["ada.album"]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "ada.album").mkdir()
    with pytest.raises(OSError, match=r"ada\.album"):
        album.write(tmp_path / "ada.album", ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["ada.album"]


def test_no_file_is_no_album(tmp_path: Path) -> None:
    with pytest.raises(BadAlbumError, match="unreadable"):
        album.read(tmp_path / "nobody.album")


def test_the_folder_is_in_the_users_cache_and_named_by_the_version(tmp_path: Path) -> None:
    assert album.folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "portcullis" / "sim-faces" / album.version()
    assert album.folder({}) == Path.home() / ".cache" / "portcullis" / "sim-faces" / album.version()


def test_only_the_newest_versions_are_kept(tmp_path: Path) -> None:
    for age, name in enumerate(["current", "yesterday", "last week", "last month"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ada.album").write_bytes(b"")
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    album.forget_old_versions(tmp_path / "current")
    assert {path.name for path in tmp_path.iterdir()} == {"current", "yesterday", "last week"}
