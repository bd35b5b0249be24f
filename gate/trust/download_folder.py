"""Lists the files of interest in a folder of downloads, without opening any.

The folder is untrusted: nothing outside it is reached, whatever links it has, and only ordinary files count. Cheap, and
standard library only, so that a program can check it every few seconds.
"""

import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate.trust.errors import SourceError

FILES_MAX: Final = 10_000  # of interest; a folder with more is refused as a whole
NAMES_MAX: Final = 100_000  # of any kind
DEPTH_MAX: Final = 8  # folders in folders; what lies deeper is not seen
COLLECTION: Final = ".ldif"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
SUFFIXES: Final = frozenset({".ml", ".crl", ".cer", ".crt", ".der", ".pem", ".dvl", ".dl", ".bin", COLLECTION})


@dataclass(frozen=True, slots=True)
class Entry:
    """One ordinary file, with the attributes that show a change."""

    name: str
    inode: int
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """A file of interest: its entry, its ending in lower case, and a path to open it now."""

    entry: Entry
    suffix: str
    base: str
    folder_descriptor: int


def look(folder: Path) -> tuple[Entry, ...]:
    """Return the folder's files of interest. Raises SourceError if it cannot be read, or has too many files."""
    return tuple(found.entry for found in walk(folder))


def walk(folder: Path) -> Iterator[Found]:
    """Yield the folder's files of interest in order; each can be opened until the next one is requested. Raises SourceError."""
    try:
        descriptor = os.open(folder, _FOLDER)
        try:
            for files, found in enumerate(_walk(descriptor, Path(), itertools.count(), folder)):
                if files == FILES_MAX:
                    raise SourceError(f"{folder}: more than {FILES_MAX} files")
                yield found
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}") from error


def _walk(descriptor: int, below: Path, names: Iterator[int], top: Path) -> Iterator[Found]:
    """Yield the files of one folder, then those of its subfolders; `names` counts what was read. Raises OSError and SourceError."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if next(names) == NAMES_MAX:  # a folder without end is left early
                raise SourceError(f"{top}: more than {NAMES_MAX} names")
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                files.append(entry.name)
    for name in sorted(files):
        try:
            about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            continue  # gone since the folder was read
        if stat.S_ISREG(about.st_mode):
            entry_of = Entry(shown(str(below / name)), about.st_ino, about.st_size, about.st_mtime_ns)
            yield Found(entry_of, Path(name).suffix.lower(), name, descriptor)
    for name in sorted(folders) if len(below.parts) < DEPTH_MAX else ():
        inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        try:
            yield from _walk(inner, below / name, names, top)
        finally:
            os.close(inner)


def shown(text: str, *, characters_max: int = 200) -> str:
    """Return a name from a folder or certificate in a form to store and show: it is untrusted, and may contain terminal controls."""
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:characters_max]
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in whole)
