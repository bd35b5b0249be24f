"""The album: every picture of one identity in one file, and where the files are kept.

A file is the SHA-256 of what follows, a count, the length of each JPEG, and the JPEGs: the portrait first, then the
frames of the loop. It is written aside and renamed, so a reader sees all of it or nothing; a file whose digest does
not hold is as good as none. The folder's name is a digest of the code that renders, so changed code never meets old
pictures. The newest `VERSIONS_KEPT` folders stay, older ones go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_BYTES_MAX = 64 * 1024 * 1024
PICTURES_MAX = 256
VERSIONS_KEPT = 3

_DATA_PACKAGES = ("anny", "scikit-image")


class BadAlbumError(ValueError):
    """A file that is not an album, or not all of one."""


@dataclass(frozen=True)
class Album:
    """The JPEGs of one identity."""

    portrait: bytes
    frames: tuple[bytes, ...]


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of this version's albums; it may not exist yet."""
    return cache(environment) / "sim-faces" / version()


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of everything that is made once and kept."""
    given = environment.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "portcullis"


def version() -> str:
    """Return a digest of everything that the pictures depend on: this package's code and the data packages."""
    digest = hashlib.sha256()
    for source in sorted([*Path(__file__).parent.glob("*.py"), *Path(__file__).parent.glob("*.toml")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    for package in _DATA_PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            digest.update(f"{package} {importlib.metadata.version(package)}\0".encode())
    return digest.hexdigest()[:16]


def encode(album: Album) -> bytes:
    """Return the file's bytes."""
    pictures = (album.portrait, *album.frames)
    body = struct.pack(f">I{len(pictures)}I", len(pictures), *map(len, pictures)) + b"".join(pictures)
    return hashlib.sha256(body).digest() + body


def decode(content: bytes) -> Album:
    """Return the album. Raises BadAlbumError."""
    digest, body = content[:32], content[32:]
    if len(content) > FILE_BYTES_MAX or hashlib.sha256(body).digest() != digest or len(body) < 4:
        raise BadAlbumError("the digest does not hold")
    (count,) = struct.unpack_from(">I", body)
    if not 2 <= count <= PICTURES_MAX or len(body) < 4 + 4 * count:
        raise BadAlbumError(f"{count} pictures")
    lengths = struct.unpack_from(f">{count}I", body, 4)
    if 4 + 4 * count + sum(lengths) != len(body):
        raise BadAlbumError("the lengths do not add up")
    pictures, at = [], 4 + 4 * count
    for length in lengths:
        pictures.append(body[at : at + length])
        at += length
    return Album(pictures[0], tuple(pictures[1:]))


def write(path: Path, album: Album) -> None:
    """Put the album on the disk, whole or not at all."""
    put(path, encode(album))


def put(path: Path, content: bytes) -> None:
    """Put a file on the disk, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read(path: Path) -> Album:
    """Return the album in a file. Raises BadAlbumError, also when there is none."""
    try:
        with path.open("rb") as file:
            return decode(file.read(FILE_BYTES_MAX + 1))
    except OSError as error:
        raise BadAlbumError(f"unreadable: {error.strerror}") from error


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold the folder for one renderer at a time; a second waits and then finds the work done."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_old_versions(place: Path) -> None:
    """Delete all but the newest version folders beside `place`."""
    others = [other for other in place.parent.iterdir() if other.is_dir() and other != place]
    others.sort(key=lambda other: other.stat().st_mtime, reverse=True)
    for old in others[VERSIONS_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
