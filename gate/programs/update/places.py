"""Storage of what is installed: software, models, configuration, lists. Each is prepared, then switched by one rename.

If interrupted, each place has the whole old or new content; the way back is prepared first. An archive is a zip of
regular files, unpacked by name, within limits, to a new folder; a failed unpacking leaves nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from gate.programs.update.ledger import ConfigurationChange, ModelsChange, SoftwareChange
from gate.updates.download import FREE_BYTES_MIN
from gate.updates.errors import RefusedError
from gate.updates.layout import FILES_MAX, UNPACKED_BYTES_MAX, Kind
from gate_core import durable

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
    """Unpack into a new folder. `may_hold`: True for names that the kind permits. Raises RefusedError, OSError."""
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
    """Check end record (no comment, 32 bits) and directory size; return the number of files. Raises RefusedError."""
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
    """Yield the archive's files, each checked. Raises RefusedError."""
    names: set[str] = set()
    folders: set[str] = set()
    bytes_left = UNPACKED_BYTES_MAX[kind]
    for entry in contents.infolist():
        name = entry.filename
        parts = name.split("/")
        # zipfile may change a name.
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


SHIPPED: Final = "0"  # the version of the Debian package
_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_MODEL_FILE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,100}")
_CONFIGURATION_FILE: Final = re.compile(r"gate\.toml|[a-z0-9][a-z0-9_-]{0,60}\.note")
_LIST_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")


class Software:
    """Versions side by side in `versions/`, and the link `current` that /usr/bin/gate follows."""

    def __init__(self, folder: Path, python: str) -> None:
        self._folder = folder
        self._versions = folder / "versions"
        self._link = folder / "current"
        self._back = folder / ".back"
        self._next = folder / ".next"
        self._python = python  # such as 3.13

    def current(self) -> str:
        """Return the version that the link names. Raises OSError."""
        return self._link.readlink().name

    def interpreter(self, version: str) -> Path:
        """Return a version's Python interpreter."""
        return self._versions / version / "bin" / "python3"

    def prepare(self, archive: Path, number: int) -> SoftwareChange:
        """Unpack a version beside the others, and prepare the way back. Raises RefusedError, OSError."""
        before, after = self.current(), str(number)
        if after == before:
            raise RefusedError(f"version {after} is what runs")
        self.discard(after)
        packages = f"lib/python{self._python}/site-packages/"
        draft = self._versions / f".{after}"
        unpack(archive, draft, Kind.SOFTWARE, may_hold=lambda name: name.startswith(packages))
        (draft / "bin").mkdir()
        (draft / "bin" / "python3").symlink_to(f"/usr/bin/python{self._python}")
        (draft / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
        _sync_all(draft)  # one call for thousands of files
        draft.rename(self._versions / after)
        durable.sync(self._versions)
        return self.between(before, after)

    def between(self, before: str, after: str) -> SoftwareChange:
        """Prepare a change between two existing versions, and the way back. Raises RefusedError, OSError."""
        if not self.interpreter(after).is_symlink():
            raise RefusedError(f"version {after} is no longer there")
        self._back.unlink(missing_ok=True)
        self._back.symlink_to(f"versions/{before}")
        durable.sync(self._folder)
        return SoftwareChange(before=before, after=after)

    def switch(self, change: SoftwareChange) -> None:
        """Set the link to the new version."""
        self._next.unlink(missing_ok=True)
        self._next.symlink_to(f"versions/{change.after}")
        self._next.replace(self._link)
        durable.sync(self._folder)

    def switch_back(self, change: SoftwareChange) -> None:
        """Set the link to the old version."""
        if self.current() != change.before:
            self._back.replace(self._link)
            durable.sync(self._folder)

    def discard(self, version: str) -> None:
        """Delete a version, complete or not."""
        for folder in (self._versions / f".{version}", self._versions / version):
            if folder.exists() and version not in {SHIPPED, self.current()}:
                shutil.rmtree(folder)

    def forget(self) -> None:
        """Delete the prepared links for the way back and an unfinished switch."""
        for link in (self._back, self._next):
            link.unlink(missing_ok=True)

    def keep(self, versions: Iterable[str]) -> None:
        """Delete all versions but these, the package's and the current one."""
        self.forget()
        for folder in self._versions.iterdir():
            if folder.name.lstrip(".") not in {*versions, SHIPPED, self.current()}:
                shutil.rmtree(folder)


class Models:
    """The folder of models, and a spare folder that is exchanged with it."""

    NEW: Final = "new"
    UNPACKED: Final = "unpacked"
    PREVIOUS: Final = "previous"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, archive: Path) -> ModelsChange:
        """Build the new folder from the archive's files and the other present ones. Raises RefusedError, OSError."""
        self.discard()
        spare, came = self._spare(self.NEW), self._spare(self.UNPACKED)
        unpack(archive, came, Kind.MODELS, may_hold=lambda name: _MODEL_FILE.fullmatch(name) is not None)
        # Model files are only replaced, never modified, so both folders may share them by hard links.
        shutil.copytree(self._folder, spare, copy_function=os.link, symlinks=True)
        for path in came.iterdir():
            path.replace(spare / path.name)
        came.rmdir()
        spare.chmod(0o755)
        _sync_all(spare)
        return self.between(self.NEW)

    def between(self, spare: str) -> ModelsChange:
        """Prepare a change to an existing spare. Raises RefusedError."""
        try:
            return ModelsChange(spare=spare, inode=self._spare(spare).stat().st_ino)
        except FileNotFoundError as error:
            raise RefusedError("the models that were before are no longer there") from error

    def switch(self, change: ModelsChange) -> None:
        """Exchange the folder with the spare, unless done."""
        if not self._is_switched(change):
            _exchange(self._spare(change.spare), self._folder)

    def switch_back(self, change: ModelsChange) -> None:
        """Restore the old folder, unless done."""
        if self._is_switched(change):
            _exchange(self._spare(change.spare), self._folder)

    def discard(self) -> None:
        """Delete what was prepared."""
        for name in (self.NEW, self.UNPACKED):
            if self._spare(name).exists():
                shutil.rmtree(self._spare(name))

    def keep(self) -> None:
        """Keep the old folder for `back`."""
        new, previous = self._spare(self.NEW), self._spare(self.PREVIOUS)
        if new.exists():
            if previous.exists():
                shutil.rmtree(previous)
            new.rename(previous)

    def _spare(self, name: str) -> Path:
        return self._folder.with_name(f"{self._folder.name}.{name}")

    def _is_switched(self, change: ModelsChange) -> bool:
        return self._folder.stat().st_ino == change.inode


class Configuration:
    """gate.toml and its approvals; hidden files in the same folder hold the next and last version of each."""

    def __init__(self, file: Path) -> None:
        self._folder = file.parent
        self._name = file.name

    def prepare(self, archive: Path, staging: Path) -> ConfigurationChange:
        """Write the new files beside the present ones. Raises RefusedError, OSError."""
        unpack(
            archive, staging, Kind.CONFIGURATION, may_hold=lambda name: _CONFIGURATION_FILE.fullmatch(name) is not None
        )
        came = {path.name: path.read_bytes() for path in staging.iterdir()}
        if "gate.toml" not in came:
            raise RefusedError("a configuration has a file gate.toml")
        came[self._name] = came.pop("gate.toml")
        return self.between(came)

    def between(self, files: dict[str, bytes], gone: tuple[str, ...] = ()) -> ConfigurationChange:
        """Prepare a change to `files`, without those of `gone`, and the way back. Raises OSError."""
        self.discard()
        for name, content in files.items():
            durable.write(self._next(name), content, mode=self._mode(name))
        for name in (*files, *gone):
            with contextlib.suppress(FileNotFoundError):
                self._back(name).hardlink_to(self._folder / name)
        durable.sync(self._folder)
        fresh = tuple(name for name in files if not self._back(name).exists())
        return ConfigurationChange(names=tuple(files), fresh=fresh, gone=gone)

    def switch(self, change: ConfigurationChange) -> None:
        """Rename the new files into place; the configuration last."""
        for name in sorted(change.names, key=lambda one: one == self._name):
            with contextlib.suppress(FileNotFoundError):
                self._next(name).replace(self._folder / name)
        for name in change.gone:
            (self._folder / name).unlink(missing_ok=True)
        durable.sync(self._folder)

    def switch_back(self, change: ConfigurationChange) -> None:
        """Restore the old files."""
        for name in (*change.names, *change.gone):
            if name in change.fresh:
                (self._folder / name).unlink(missing_ok=True)
            elif self._back(name).exists():
                self._back(name).replace(self._folder / name)
        durable.sync(self._folder)

    def kept(self, change: ConfigurationChange) -> dict[str, bytes]:
        """Return the old files of a change, if their hidden copies exist."""
        return {
            name: self._back(name).read_bytes() for name in (*change.names, *change.gone) if self._back(name).exists()
        }

    def discard(self) -> None:
        """Delete what was prepared, and the way back."""
        for pattern in (".next-*", ".back-*", f"{durable.DRAFT}.next-*"):
            for path in self._folder.glob(pattern):
                path.unlink()

    def _mode(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_mode & 0o777
        except FileNotFoundError:
            return 0o644

    def _next(self, name: str) -> Path:
        return self._folder / f".next-{name}"

    def _back(self, name: str) -> Path:
        return self._folder / f".back-{name}"


def put_lists(archive: Path, staging: Path, folder: Path, former: Iterable[str]) -> tuple[str, ...]:
    """Put lists into the folder that sync imports, one by one; delete those of `former` that are not in the archive.

    Returns their names. The import decides whether a list is used. Raises RefusedError, OSError.
    """
    unpack(archive, staging, Kind.LISTS, may_hold=lambda name: _LIST_FILE.fullmatch(name) is not None)
    came = sorted(staging.iterdir())
    for path in came:
        durable.write(folder / path.name, path.read_bytes(), mode=0o644)
    names = tuple(path.name for path in came)
    for name in set(former) - set(names):
        (folder / name).unlink(missing_ok=True)
    durable.sync(folder)
    return names


@contextlib.contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """Yield an empty folder, and delete it afterwards."""
    if folder.exists():
        shutil.rmtree(folder)
    durable.make_folder(folder, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_all(folder: Path) -> None:
    """Write the folder's file system to the disk (syncfs(2)). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two files or folders atomically (renameat2(2)). Raises OSError."""
    rename: Callable[..., int] = ctypes.CDLL(None, use_errno=True).renameat2
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))
    durable.sync(other.parent)
