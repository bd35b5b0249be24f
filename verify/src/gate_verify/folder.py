"""Reads a spool, or any folder with the log's tiles (C2SP tlog-tiles), and every file in it.

If `sealed` and `keys` are both missing, it is a folder of tiles alone, and only the log itself is judged. A folder that
is being written is judged by the checkpoint found first; files that belong to a newer checkpoint are ignored.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gate_verify.bundle import Closing, EntryLine, KeyLine, Line, Opening
from gate_verify.cosigners import Cosigners
from gate_verify.findings import StructureError, UnreadableError
from gate_verify.handover import HANDOVERS_MAX, KeyRing
from gate_verify.judge import Judge, key_of, one_spelling
from gate_verify.signed_note import NOTE_BYTES_MAX, exact_base64, read_head
from gate_verify.tree import HASH_BYTES

WIDTH = 256
TILE_BYTES = WIDTH * HASH_BYTES
DEPTH_MAX = 16  # folders in one another; the longest log needs nine
BUNDLE_BYTES_MAX = WIDTH * (2 + 65_535)
SEALED_BYTES_MAX = WIDTH * 128 * 1024
KEY_BYTES_MAX = 64 * 1024
_PIECE_BYTES_MAX = {"tile/entries": BUNDLE_BYTES_MAX, "sealed": SEALED_BYTES_MAX}  # of others TILE_BYTES
_KEY_NAME = re.compile(r"keys/([0-9a-f]{2})/(\1[0-9a-f]{62})\.age")
_PIECE_NAME = re.compile(r"(tile/(?:0|[1-9]\d?|entries)|sealed)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")
_BESIDE = re.compile(r"(mirror-)?handovers/0[0-6]\d|expired|erasures/[0-9a-f]{64}\.note")  # for the central server, too
_TEMPORARY = ".tmp-"
_CT = b'{"ct":"'
Tiles = dict[int, bytes]  # the hashes that the tiles of each level must hold


def verify_folder(path: Path, ring: KeyRing, cosigners: Cosigners, hour_max: str) -> Judge:
    """Judge a folder. Raises UnreadableError if it has no checkpoint."""
    folder, note = _opened(path)
    judge, size = Judge(ring, cosigners=cosigners, hour_max=hour_max), size_of(note)
    names = set(folder.names())
    has_bodies = any(name.startswith(("sealed/", "keys/")) for name in names)
    first = _first_here(folder, size)
    for n in range(first):
        judge.dropped((folder.piece("tile/0", n, WIDTH) or ("", b""))[1])
    for n in range(first, -(-size // WIDTH)):
        if not _verify_piece(folder, judge, n, min(WIDTH, size - n * WIDTH), has_bodies=has_bodies):
            break
    judge.handovers(_handovers(folder, "handovers"))
    judge.mirror_handovers(_handovers(folder, "mirror-handovers"))
    tiles = judge.tree.tiles()
    judge.checkpoint(note)
    _verify_tiles(folder, judge, tiles, names)
    if has_bodies:
        _verify_keys(folder, judge, names)
    _verify_rest(folder, judge, tiles, names, size)
    return judge


def folder_lines(path: Path) -> Iterator[Line]:
    """Yield a spool as the lines of a bundle, for decryption. Raises StructureError where it cannot be read further."""
    folder, note = _opened(path)
    size = read_head(note).size
    first = _first_here(folder, size)
    yield Opening(note, first * WIDTH, b"", size)
    seen: set[str] = set()
    for n in range(first, -(-size // WIDTH)):
        width = min(WIDTH, size - n * WIDTH)
        entries, sealed = folder.piece("tile/entries", n, width), folder.piece("sealed", n, width)
        if entries is None or sealed is None:
            raise StructureError(f"entries or sealed bodies {n * WIDTH} to {n * WIDTH + width - 1} are missing")
        for leaf, body in zip(split_entries(entries[1])[:width], split_sealed(sealed[1], n * WIDTH), strict=False):
            key = key_of(leaf)
            if key is not None and key not in seen:
                seen.add(key)
                wrapped = folder.read(f"keys/{key[:2]}/{key}.age", KEY_BYTES_MAX)
                if wrapped is not None:
                    yield KeyLine(wrapped)
            yield EntryLine(leaf, body)
    yield Closing(size - first * WIDTH, len(seen))


def _opened(path: Path) -> tuple[_Folder, bytes]:
    folder = _Folder(path)
    note = folder.read("checkpoint", NOTE_BYTES_MAX)
    if note is None:
        raise UnreadableError(f"{path} has no checkpoint that can be read")
    return folder, note


def _first_here(folder: _Folder, size: int) -> int:
    """Return the first piece that is here. Earlier pieces were deleted after a mirror had them: only their hashes are left."""
    for n in range(size // WIDTH):
        here = folder.piece("tile/entries", n, WIDTH) or folder.piece("sealed", n, WIDTH)
        hashes = folder.piece("tile/0", n, WIDTH)
        if here is not None or hashes is None or len(hashes[1]) != TILE_BYTES:
            return n
    return size // WIDTH


def _handovers(folder: _Folder, below: str) -> Iterator[bytes]:
    notes = (folder.read(f"{below}/{number:03}", NOTE_BYTES_MAX) for number in range(HANDOVERS_MAX))
    return (one for one in notes if one is not None)


class _Folder:
    """Reads plain files below a folder, with limits. `judged`: files of which every byte was checked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.judged: set[str] = set()

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """Return a file's content; None if it is missing, no plain file, unreadable or too large."""
        try:
            descriptor = os.open(f"{self._path}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_size > bytes_max:
                    return None
                return file.read(status.st_size)
        except OSError:
            return None

    def names(self) -> Iterator[str]:
        """Yield the name of every file, of everything else that is no folder, and of what is deeper than any file of a log."""
        pending = [""]
        while pending:
            below = pending.pop()
            with suppress(OSError), os.scandir(f"{self._path}/{below}") as found:
                for one in found:
                    name = f"{below}{one.name}"
                    if one.is_dir(follow_symlinks=False) and name.count("/") < DEPTH_MAX:
                        pending.append(f"{name}/")
                    else:
                        yield name

    def piece(self, kind: str, n: int, width: int, bytes_max: int | None = None) -> tuple[str, bytes] | None:
        """Return the file with the first `width` items of a piece: its own file, the full one, or a wider partial one."""
        stem = f"{kind}/{number_path(n)}"
        wider = [f"{stem}.p/{one}" for one in range(width + 1, WIDTH)]
        for name in (*([f"{stem}.p/{width}"] if width < WIDTH else []), stem, *wider):
            raw = self.read(name, bytes_max or _PIECE_BYTES_MAX.get(kind, TILE_BYTES))
            if raw is not None:
                return name, raw
        return None

    def note_whole(self, kind: str, n: int, name: str, width: int) -> None:
        """Mark a file as judged if it is the piece's own: it then holds exactly what the log needs."""
        if name == f"{kind}/{number_path(n)}" + (f".p/{width}" if width < WIDTH else ""):
            self.judged.add(name)


def size_of(note: bytes) -> int:
    """Return the number of entries that a checkpoint covers; 0 if it cannot be parsed."""
    try:
        return read_head(note).size
    except StructureError:
        return 0


def number_path(n: int) -> str:
    """Write a piece's number as C2SP tlog-tiles does."""
    digits = f"{n:0{3 * -(-len(str(n)) // 3)}d}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])


def split_entries(raw: bytes) -> list[bytes]:
    """Cut an entry bundle into entries. Raises StructureError."""
    entries, at = [], 0
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2])
        if end > len(raw) or at + 2 > len(raw):
            raise StructureError("ends inside an entry")
        entries.append(raw[at + 2 : end])
        at = end
    return entries


def split_sealed(raw: bytes, start: int) -> list[bytes]:
    """Cut a file of sealed bodies into bodies. Raises StructureError."""
    bodies: list[bytes] = []
    view, at = memoryview(raw), 0
    while at < len(raw):
        index, line_end = start + len(bodies), raw.find(b"\n", at)
        if line_end < 0:
            raise StructureError("ends inside a line")
        tail = b'","i":%d}' % index
        if not (raw.startswith(_CT, at) and raw.endswith(tail, at, line_end)):
            raise StructureError(_why_no_body(raw[at:line_end], index))
        bodies.append(exact_base64(view[at + len(_CT) : line_end - len(tail)]))
        at = line_end + 1
    return bodies


def _why_no_body(line: bytes, index: int) -> str:
    fields = one_spelling(line)
    is_body = set(fields) == {"ct", "i"} and isinstance(fields["ct"], str) and type(fields["i"]) is int
    return f"has body {fields['i']} where {index} belongs" if is_body else "has a line that is no sealed body"


def _verify_piece(folder: _Folder, judge: Judge, n: int, width: int, *, has_bodies: bool) -> bool:
    """Judge the entries of one piece; False if the log cannot be followed beyond it."""
    leaves = _things_of(folder, judge, "tile/entries", n, width)
    if leaves is None:
        return False
    bodies = _things_of(folder, judge, "sealed", n, width) if has_bodies else None
    for at, leaf in enumerate(leaves[:width]):
        judge.entry(leaf, None if bodies is None or len(bodies) < width else bodies[at])
    return len(leaves) >= width


def _things_of(folder: _Folder, judge: Judge, kind: str, n: int, width: int) -> list[bytes] | None:
    """Return the entries or sealed bodies of one piece; None if they cannot be read."""
    start, of_entries = n * WIDTH, kind == "tile/entries"
    found = folder.piece(kind, n, width)
    if found is None:
        what = "entries" if of_entries else "the sealed bodies"
        judge.findings.add(f"{what} {start} to {start + width - 1} are missing")
        return None
    name, raw = found
    try:
        things = split_entries(raw) if of_entries else split_sealed(raw, start)
    except StructureError as error:
        judge.findings.add(f"{name} {error}")
        return None
    if len(things) < width:
        judge.findings.add(f"{name} ends after {len(things)} of {width} {'entries' if of_entries else 'bodies'}")
    if len(things) == width:
        folder.note_whole(kind, n, name, width)
    return things


def _verify_tiles(folder: _Folder, judge: Judge, tiles: Tiles, names: set[str]) -> None:
    """Compare every tile of hashes with the tree of the entries."""
    for level, hashes in sorted(tiles.items()):
        for n in range(-(-len(hashes) // TILE_BYTES)):
            wanted = hashes[n * TILE_BYTES : (n + 1) * TILE_BYTES]
            found = folder.piece(f"tile/{level}", n, len(wanted) // HASH_BYTES)
            if found is None:
                judge.findings.add(f"tile {n} of level {level} is missing")
            elif not found[1].startswith(wanted):
                judge.findings.add(f"{found[0]} holds other hashes than the entries make")
            elif found[1] == wanted:
                folder.note_whole(f"tile/{level}", n, found[0], len(wanted) // HASH_BYTES)
    levels = {name.split("/")[1] for name in names if name.startswith("tile/")}
    for unknown in sorted(levels - {str(level) for level in tiles} - {"entries"}):
        judge.findings.add(f"tile/{unknown} is a level that the tree does not have")


def _verify_keys(folder: _Folder, judge: Judge, names: set[str]) -> None:
    """Check every age file against its name, and that some entry uses it."""
    for name in sorted(name for name in names if name.startswith("keys/") and not _is_temporary(name)):
        match = _KEY_NAME.fullmatch(name)
        wrapped = None if match is None else folder.read(name, KEY_BYTES_MAX)
        if match is None or wrapped is None:
            judge.findings.add(f"{name} is no age file of the log")
        elif sha256(wrapped).hexdigest() != match[2]:
            judge.findings.add(f"{name} is not the key that its name says")
        elif judge.first_here or match[2] in judge.keys_used:  # one that went may have used it
            judge.key(wrapped)
        elif not _is_published_since(folder, judge.tree.size):
            judge.findings.add(f"{name} is used by no entry")


def _verify_rest(folder: _Folder, judge: Judge, tiles: Tiles, names: set[str], size: int) -> None:
    """Find files that do not belong to the log, are longer than their name states, or differ from the log."""
    for name in sorted(names - folder.judged - {"checkpoint"}):
        if name.startswith("keys/") or _is_temporary(name) or _BESIDE.fullmatch(name):
            continue
        piece = _Piece.parse(name)
        if piece is None:
            judge.findings.add(f"{name} is no file of the log")
        elif piece.n * WIDTH + piece.width > _things(tiles, piece.kind, size):
            if not _is_published_since(folder, size):
                judge.findings.add(f"{name} lies beyond the checkpoint")
        elif not _is_as_the_log_had_it(folder, name, piece, _things(tiles, piece.kind, judge.tree.size)):
            judge.findings.add(f"{name} is not what the log had at that size")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece's kind, number and width, as a file name of the spool states them."""

    kind: str
    n: int
    width: int

    @classmethod
    def parse(cls, name: str) -> _Piece | None:
        match = _PIECE_NAME.fullmatch(name)
        if match is None:
            return None
        piece = cls(match[1], int(match[2].replace("/", "").replace("x", "")), int(match[3] or WIDTH))
        canonical = f"{piece.kind}/{number_path(piece.n)}" + (f".p/{piece.width}" if match[3] else "")
        return piece if canonical == name and (piece.width < WIDTH) == bool(match[3]) else None


def _is_as_the_log_had_it(folder: _Folder, name: str, piece: _Piece, things: int) -> bool:
    """True if a partial piece is a prefix of the one that the checkpoint needs, and its length matches its name."""
    raw = folder.read(name, SEALED_BYTES_MAX)
    needed = min(WIDTH, things - piece.n * WIDTH)
    best = folder.piece(piece.kind, piece.n, needed, SEALED_BYTES_MAX)
    return raw is not None and best is not None and best[1].startswith(raw) and _count(piece.kind, raw) == piece.width


def _count(kind: str, raw: bytes) -> int:
    """Return the number of items in a file; -1 for other content."""
    try:
        if kind == "sealed":
            return raw.count(b"\n")
        if kind == "tile/entries":
            return len(split_entries(raw))
    except StructureError:
        return -1
    return len(raw) // HASH_BYTES if len(raw) % HASH_BYTES == 0 else -1


def _things(tiles: Tiles, kind: str, size: int) -> int:
    """Return the number of items of a kind that the checkpoint covers."""
    level = kind.removeprefix("tile/")
    return len(tiles[int(level)]) // HASH_BYTES if level.isdigit() and int(level) in tiles else size


def _is_published_since(folder: _Folder, size: int) -> bool:
    """True if a newer checkpoint was published during the reading."""
    return size_of(folder.read("checkpoint", NOTE_BYTES_MAX) or b"") > size


def _is_temporary(name: str) -> bool:
    return name.rpartition("/")[2].startswith(_TEMPORARY)
