"""Verifies stored logs against their signed heads, and exports them as a folder for `gate audit verify`.

One bundle is in memory at a time. The export is verified while it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate_central.errors import DamagedError, FolderError, NotYetError
from gate_central.history import piece_hash, root_at
from gate_central.ledger import Head, Ledger
from gate_central.roster import Gate
from gate_central.verification_state import Seen, Verified
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of
from gate_core.audit_format.note import Note, Verifier
from gate_core.audit_format.record import Header
from gate_core.audit_format.spool import CHECKPOINT, handover_path, key_path, sealed_path
from gate_core.audit_format.tiles import (
    TILE_WIDTH,
    Piece,
    encode_entries,
    encode_tile,
    entries_path,
    levels_of,
    pieces_between,
    tile_path,
    width_at,
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The number of entries and files that were exported."""

    entries: int
    files: int


def is_intact(ledger: Ledger, gate: Gate, mirrors: Sequence[Verifier], memory: Verified | None = None) -> bool:
    """True if the stored entries give the head's root, and its note is signed by gate and mirror. With `memory`, less
    is read. Raises DamagedError if the log does not extend what `memory` has as verified.
    """
    memory = memory or Verified()
    head, seen = ledger.head(gate.device), memory.seen.get(gate.device, Seen())
    if seen.size > head.size:
        raise DamagedError(f"{seen.size} entries were verified before, and {head.size} are here: {_BACK}")
    if head.note is None:
        return head.size == 0
    try:
        signed = read_checkpoint(head.note, gate.log_at(head.size))
        Note.parse(head.note).verify_any(mirrors)
        if (signed.size, signed.root) != (head.size, head.root):
            return False
        before = root_at(ledger, gate.device, seen.size, head)  # also checks that all piece hashes give the head's root
        hashes = ledger.piece_hashes(gate.device, head.size // TILE_WIDTH)
        if any(piece_hash(ledger, gate.device, n) != hashes[n] for n in memory.pieces(gate.device, len(hashes))):
            return False
    except (BadFormatError, BadSignatureError, DamagedError):
        return False
    if before.hex() != seen.root:
        raise DamagedError(
            f"the first {seen.size} entries are signed, and are others than were verified before: {_BACK}"
        )
    memory.keep(gate.device, head.size, head.root)
    return True


_BACK = "the database was put back, or the past was rewritten (docs/guides/central.md)"


def export(
    ledger: Ledger,
    gate: Gate,
    out: Path,
    words: Sequence[bytes] = (),
    *,
    keys_of: range | None = None,
    hours: tuple[str, str] | None = None,
) -> Exported:
    """Write a gate's log as a spool into an empty folder. `words`: handovers of the mirror's keys. `keys_of` and
    `hours` (inclusive) limit the age files. Raises CentralError: DamagedError if stored data is not what was signed.
    """

    def is_wanted(header: Header) -> bool:
        return (keys_of is None or header.index in keys_of) and (hours is None or hours[0] <= header.hour <= hours[1])

    head = ledger.head(gate.device)
    if head.note is None:
        raise NotYetError(f"nothing of {gate.device} was mirrored yet")
    if head.bodies < head.size:
        raise NotYetError(f"the bodies of {head.size - head.bodies} entries of {gate.device} are still on their way")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise FolderError(f"{out} is not empty")
        files = 0
        for path, content in _files(ledger, gate, head, words, is_wanted):
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            files += 1
        return Exported(head.size, files)
    except BadFormatError as error:
        raise DamagedError(f"what is stored of {gate.device} cannot be read: {error}") from error
    except OSError as error:
        raise FolderError(f"cannot write {out}: {error.strerror}") from error


def _files(
    ledger: Ledger, gate: Gate, head: Head, words: Sequence[bytes], is_wanted: Callable[[Header], bool]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of the spool, the checkpoint last. Raises BadFormatError and DamagedError."""
    note, frontier, level, known = head.note or b"", Frontier(), list[bytes](), set[str]()
    for n, bundle in enumerate(ledger.bundles(gate.device, head.size)):
        piece = Piece(n, min(TILE_WIDTH, head.size - n * TILE_WIDTH))
        entries, sealed = bundle.entries[: piece.width], bundle.sealed[: piece.width]
        if not len(entries) == len(sealed) == piece.width:
            raise DamagedError(f"bundle {n} of {gate.device} lacks entries or bodies")
        hashes = [leaf_hash(one) for one in entries]
        frontier = frontier.extend(hashes)
        yield entries_path(piece), encode_entries(entries)
        yield sealed_path(piece), b"".join(sealed)
        yield tile_path(0, piece), encode_tile(hashes)
        for key_id in {one.key for one in map(Header.parse, entries) if is_wanted(one)} - known:
            known.add(key_id)
            if (wrapped := ledger.key(gate.device, key_id)) is not None:  # None: erased
                yield key_path(key_id), wrapped
        if piece.is_full:
            level.append(root_of(hashes))
    if frontier.root() != head.root or Checkpoint.parse(Note.parse(note).text).root != head.root:
        raise DamagedError(f"what is stored of {gate.device} does not lead to the signed root")
    for height in levels_of(head.size)[1:]:
        for piece in pieces_between(0, width_at(head.size, height)):
            yield tile_path(height, piece), encode_tile(level[piece.start : piece.end])
        full = len(level) - len(level) % TILE_WIDTH
        level = [root_of(level[at : at + TILE_WIDTH]) for at in range(0, full, TILE_WIDTH)]
    yield from ((handover_path(number), word) for number, word in enumerate(gate.handovers))
    yield from ((f"mirror-{handover_path(number)}", word) for number, word in enumerate(words))
    yield CHECKPOINT, note  # its cosignature has the time up to which the log is known
