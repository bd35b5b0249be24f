"""What is left of a traveller: values searched for in processes' memory and in files, and planted there to prove the search.

Memory is read through /proc/PID/mem, so this needs root; every writable mapping is searched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 8 << 20
OVERLAP_BYTES = 256  # no value is longer
ZEROS_BYTES = 32 << 10  # so many together are nobody's
FILE_BYTES_MAX = 256 << 20

Values = Mapping[str, bytes]


def family_of(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += family_of(int(child))
    return found


def command_of(pid: int) -> str:
    """What a process runs, shortly."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    return next((word.decode() for word in words if word.startswith((b"gate.", b"/usr/sbin/pcscd"))), words[0].decode())


def _mappings(pid: int) -> Iterator[tuple[int, int]]:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split(maxsplit=5)
            if "w" in rights and "r" in rights and "/dev/" not in line:
                begin, end = (int(part, 16) for part in place.split("-"))
                yield begin, end


def _pieces(pid: int) -> Iterator[tuple[int, bytes]]:
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError:
        return
    try:
        for begin, end in _mappings(pid):
            at = begin
            while at < end:
                try:
                    piece = os.pread(memory, min(CHUNK_BYTES, end - at), at)
                except OSError:
                    break
                if not piece:
                    break
                yield at, piece
                if at + len(piece) >= end:
                    break
                at += max(1, len(piece) - OVERLAP_BYTES)
    finally:
        os.close(memory)


def in_memory(pid: int, values: Values) -> dict[str, int]:
    """How often each value stands in a process's writable memory; those that do not are left out."""
    found: dict[str, int] = {}
    for _, piece in _pieces(pid):
        for name, value in values.items():
            if count := piece.count(value):
                found[name] = found.get(name, 0) + count
    return found


@contextlib.contextmanager
def planted_in_memory(pid: int, value: bytes) -> Iterator[None]:
    """Write a value over zeros that the process has not used, and zeros again afterwards.

    Where most of them lie together: the end of a heap that grows was used before it was searched.
    """
    zeros = bytes(ZEROS_BYTES)
    most, begin = max((piece.count(zeros), at + piece.find(zeros)) for at, piece in _pieces(pid))
    assert most, f"no unused memory in {command_of(pid)}"
    place = begin + ZEROS_BYTES // 2
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        os.pwrite(memory, value, place)
        yield
        os.pwrite(memory, bytes(len(value)), place)
    finally:
        os.close(memory)


def in_files(folder: Path, values: Values, *, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """The files below a folder that hold a value, by value; `but` are names in it that are passed over."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.relative_to(folder).parts[0] in but or not path.is_file() or path.is_symlink():
            continue
        try:
            content = path.read_bytes() if path.stat().st_size <= FILE_BYTES_MAX else b""
        except OSError:
            continue  # it went while we looked
        for name, value in values.items():
            if value in content:
                found.setdefault(name, []).append(str(path.relative_to(folder)))
    return found


@contextlib.contextmanager
def planted_in_files(folder: Path, value: bytes) -> Iterator[None]:
    """Leave a file with a value in it, and remove it afterwards."""
    place = folder / "planted.bin"
    place.write_bytes(b"before" + value + b"after")
    try:
        yield
    finally:
        place.unlink()
