"""The archive of a target: a zip of ordinary files, unpacked by name within limits. A hostile one, though somebody signed it.

Nothing but folders and files of mode 0644 comes out of it, in a new folder; no name leaves that folder, is there twice, or is a link, a device or
more than its kind allows. Its directory of contents is measured before it is read. What fails half way leaves nothing.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from gate.updates.download import FREE_BYTES_MIN
from gate.updates.errors import RefusedError
from gate.updates.layout import FILES_MAX, UNPACKED_BYTES_MAX, Kind

NAME_BYTES_MAX: Final = 400
_ENTRY_BYTES_MAX: Final = 46 + NAME_BYTES_MAX + 64
_END: Final = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES: Final = 20
_PART: Final = re.compile(r"[A-Za-z0-9_+@-][A-Za-z0-9._+@ -]{0,199}|\.[a-z][a-z0-9_-]{0,50}")
_CHUNK_BYTES: Final = 1 << 20


def unpack(
    archive: Path,
    folder: Path,
    kind: Kind,
    *,
    may_hold: Callable[[str], bool],
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> None:
    """Unpack into a new folder. `may_hold` says which names the kind has. Raises RefusedError, OSError."""
    folder.mkdir(mode=0o755)
    try:
        with archive.open("rb") as file:
            files = _expect_small_directory(file, kind)
            with zipfile.ZipFile(file) as contents:
                entries = list(_entries(contents, kind, may_hold))
                _expect_room_and_count(entries, files, free_bytes(folder), folder)
                for entry in entries:
                    _write(contents, entry, folder / entry.filename)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RefusedError(f"{archive.name} is no archive that can be unpacked: {error}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _expect_room_and_count(entries: list[zipfile.ZipInfo], files: int, free: int, folder: Path) -> None:
    if len(entries) != files:
        raise RefusedError(f"it says {files} files, and has {len(entries)}")
    needed = sum(entry.file_size for entry in entries)
    if free < needed + FREE_BYTES_MIN:
        words = f"{needed >> 20} MiB more would leave less than {FREE_BYTES_MIN >> 20} MiB"
        raise OSError(errno.ENOSPC, words, str(folder))


def _expect_small_directory(file: IO[bytes], kind: Kind) -> int:
    """Its end without a comment, in 32 bits: then the directory is as small as it says; how many files. Raises RefusedError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read()
    try:
        signature, disk, first_disk, here, files, directory_bytes, start, comment = _END.unpack(tail[-_END.size :])
    except struct.error as error:
        raise RefusedError("it is shorter than any archive") from error
    if (signature, disk, first_disk, comment) != (b"PK\x05\x06", 0, 0, 0) or tail[:4] == _ZIP64_LOCATOR:
        raise RefusedError("it does not end as an archive of ours does: one disk, no comment, no ZIP64 directory")
    if here != files or not 0 < files <= FILES_MAX[kind]:
        raise RefusedError(f"{files} files, and {FILES_MAX[kind]} are the most")
    if directory_bytes > files * _ENTRY_BYTES_MAX or start + directory_bytes + _END.size != size:
        raise RefusedError("its directory is not where it says, or longer than its files are many")
    return int(files)


def _entries(contents: zipfile.ZipFile, kind: Kind, may_hold: Callable[[str], bool]) -> Iterator[zipfile.ZipInfo]:
    """Its files, each judged. Raises RefusedError."""
    names: set[str] = set()
    folders: set[str] = set()
    bytes_left = UNPACKED_BYTES_MAX[kind]
    for entry in contents.infolist():
        name = entry.filename
        parts = name.split("/")
        # What zipfile makes of a name is not always what stands there.
        if (
            name != entry.orig_filename
            or len(name.encode()) > NAME_BYTES_MAX
            or any(_PART.fullmatch(part) is None for part in parts)
        ):
            raise RefusedError(f"a name that cannot be unpacked: {entry.orig_filename[:100]!r}")
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG} or entry.external_attr >> 16 & 0o7000:
            raise RefusedError(f"{name} is no ordinary file")
        if entry.flag_bits & 0x1 or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise RefusedError(f"{name} is encrypted, or compressed in a way of its own")
        if not may_hold(name):
            raise RefusedError(f"{name} has no place in {kind.value}")
        bytes_left -= entry.file_size
        if bytes_left < 0:
            raise RefusedError(f"more than {UNPACKED_BYTES_MAX[kind]} bytes unpacked")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if name in names or name in folders or above & names:
            raise RefusedError(f"{name} is there twice")
        names.add(name)
        folders |= above
        yield entry


def _write(contents: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path) -> None:
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    left = entry.file_size
    with os.fdopen(descriptor, "wb") as file, contents.open(entry) as member:
        while chunk := member.read(min(_CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise RefusedError(f"{entry.filename} is longer than it says")
            file.write(chunk)
    if left:
        raise RefusedError(f"{entry.filename} is shorter than it says")
