"""Verifies what a gate uploads, and computes the log's new head and the rows to add. Stores nothing.

Entries must belong to the checkpoint that they come with; bodies must be those that the entries name. A package is
verified with the head's frontier; stored entries are read only if the package repeats some.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate_central.errors import DamagedError, NotYetError, StoredDiffersError, UnprovenError
from gate_central.key_index import wanted_of
from gate_central.ledger import Growth, Head, Ledger
from gate_central.roster import Gate
from gate_central.wire import Package, SealedLine
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadProofError
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of, verify_subtree
from gate_core.audit_format.record import Header
from gate_core.audit_format.tiles import TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Records:
    """A package whose entries have the right index and origin, and the day of its arrival."""

    package: Package
    headers: tuple[Header, ...]
    today: str


def read_records(gate: Gate, package: Package, today: str) -> Records:
    """Parse a package's entries; `today` is an ISO date. Raises UnprovenError."""
    try:
        headers = tuple(map(Header.parse, package.entries))
    except BadFormatError as error:
        raise UnprovenError(f"an entry of the log is no record: {error}") from error
    for index, header in enumerate(headers, package.start):
        if header.index != index:
            raise UnprovenError(f"entry {index} says that it is entry {header.index}")
        if header.origin != gate.origin:
            raise UnprovenError(f"entry {index} says that it is of {header.origin}")
    return Records(package, headers, today)


def with_entries(
    ledger: Ledger, device: str, head: Head, checkpoint: Checkpoint, records: Records
) -> tuple[Head, Growth]:
    """Verify a package and compare it with stored entries. Returns new head and rows; `head` itself if none are new.

    Raises NotYetError, UnprovenError, DamagedError and StoredDiffersError.
    """
    package = records.package
    if package.start > head.next_entry:
        raise NotYetError("entries before these are missing")
    hashes = [leaf_hash(one) for one in package.entries]
    stored: tuple[bytes, ...] = ()
    if package.start == head.next_entry:
        subtree = in_piece(head.frontier).extend(hashes).root()
    else:
        piece = ledger.entries(device, package.aligned, min(package.end, head.next_entry))
        before = package.start - package.aligned
        stored = piece[before:]
        subtree = root_of([*(leaf_hash(one) for one in piece[:before]), *hashes])
    try:
        verify_subtree(
            package.aligned, package.end, checkpoint.size, subtree=subtree, root=checkpoint.root, proof=package.proof
        )
    except BadProofError as error:
        raise UnprovenError(f"entries {package.start} to {package.end - 1} are not of the checkpoint") from error
    if stored != package.entries[: len(stored)]:
        raise StoredDiffersError(f"a stored entry of {device} differs from the proven one")
    added = package.entries[len(stored) :]
    if not added:
        return head, Growth()
    piece_hash = subtree if package.end % TILE_WIDTH == 0 else None
    keys, day = wanted_of(records.headers[len(stored) :], head.day, records.today)
    grown = replace(head, frontier=head.frontier.extend(hashes[len(stored) :]), day=day)
    return grown, Growth(entries=added, piece_hash=piece_hash, keys=keys)


def with_sealed(
    ledger: Ledger, device: str, log: tuple[Head, Growth], lines: tuple[SealedLine, ...], records: Records | None
) -> tuple[Head, Growth]:
    """Verify bodies against their entries, in `records` or stored. Returns `log` extended, or itself if none are new.

    Raises NotYetError, UnprovenError and DamagedError.
    """
    head, growth = log
    first, end = lines[0].index, lines[-1].index + 1
    if end > head.next_entry or first > head.bodies:
        raise NotYetError("bodies before these, or their entries, are missing")
    digests = {} if records is None else {one.index: one.sealed for one in records.headers}
    elsewhere = sum(line.index not in digests for line in lines)
    if elsewhere:
        entries = ledger.entries(device, first, end)
        try:
            digests |= {index: Header.parse(one).sealed for index, one in enumerate(entries, first)}
        except BadFormatError as error:
            raise DamagedError(f"a stored entry of {device} cannot be read: {error}") from error
    for line in lines:
        if digests.get(line.index) != line.digest:
            raise UnprovenError(f"body {line.index} is not the one that its entry names")
    added = [one.line for one in lines[max(0, head.bodies - first) :]]
    return (replace(head, bodies=end), replace(growth, sealed=added)) if added else log


def in_piece(frontier: Frontier) -> Frontier:
    """Return the part of a frontier that belongs to the incomplete piece."""
    width = frontier.size % TILE_WIDTH
    return Frontier(width, frontier.hashes[len(frontier.hashes) - width.bit_count() :])


def unknown_sets(headers: Iterable[Header], approved: frozenset[str] | None) -> dict[str, int]:
    """Return the digests of auditor sets that are not approved, with the first entry of each. Empty if `approved` is
    None (no approvals set). Headers of older versions name no set and are skipped.
    """
    found = dict[str, int]()
    if approved is None:
        return found
    for header in headers:
        if header.recipients and header.recipients not in approved:
            found.setdefault(header.recipients, header.index)
    return found
