"""A round in one request, ours: checkpoint, entries, sealed bodies and age files that belong together (docs/protocols/sync.md).

A long log takes a request for as many entries of a piece as there is room for their bodies. Which age files are new to the mirror is guessed: those that the entries name and that
were not brought lately; what it lacks it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import prove_subtree
from gate_core.audit_format.note import Note
from gate_core.audit_format.record import Header
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, SpoolError
from gate_core.mirror_client.mirror_state import AHEAD, SEALED_BYTES_MAX, Conversation, Standing, refused
from gate_core.mirror_client.wire import BodiesState, MirrorInfo, Request, RoundState

FILES_BYTES_MAX = 256 * 1024  # a request; the mirror asks for the rest
BROUGHT_MAX = 1024  # age files that we remember to have brought

Files = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class _Part:
    """Entries of one piece, and bodies, which are those of the entries unless the mirror lacked them before."""

    start: int
    entries: tuple[bytes, ...]
    lines: bytes

    @property
    def stop(self) -> int:
        return self.start + len(self.entries)


def carry(standing: Standing, checkpoint: Checkpoint, note: Note) -> Conversation:
    """Bring a checkpoint and all that belongs to it; None if the mirror does not know this request. Raises SyncError."""
    size, receipt = checkpoint.size, None
    answered: set[str] = set()
    while True:
        if standing.info.size > size:
            raise BadAnswerError(AHEAD)
        before, asked = (standing.info.next_entry, standing.bodies.next), standing.bodies.keys
        part = _part(standing, size)
        files = _files(standing, part)
        response = yield _request(standing, size, note, part, files)
        if response.status in {404, 405}:
            return None
        if response.status not in {200, 409}:
            raise refused(response, "the round")
        state = wire.parse_round_state(response)
        _check(standing, state, size, is_taken=response.status == 200)
        standing.believe(MirrorInfo(state.size, state.next, b""))
        standing.believe_bodies(BodiesState(state.bodies, state.keys), at_least=0, size=size)
        if response.status == 409:
            standing.correct()
            continue
        answered.update(one for one in asked if one in files)
        if not answered.isdisjoint(state.keys) or not files.keys().isdisjoint(state.keys):
            raise BadAnswerError("the centre asks again for an age file that it accepted")
        standing.brought |= dict.fromkeys(files)
        while len(standing.brought) > BROUGHT_MAX:
            del standing.brought[next(iter(standing.brought))]
        if state.cosignature is not None:
            receipt = standing.receipt(checkpoint, note, wire.parse_signature_lines(state.cosignature))
        if state.next == state.bodies == size and not state.keys:
            if receipt is None:
                raise BadAnswerError("the mirror has all of the log and gives no receipt")
            return receipt
        if (state.next, state.bodies) == before and not any(files.values()):
            standing.correct()  # it may ask for age files that we lack, but not without end


def _check(standing: Standing, state: RoundState, size: int, *, is_taken: bool) -> None:
    """Hold an answer against what the mirror said before. Raises BadAnswerError."""
    if state.size > size:
        raise BadAnswerError(AHEAD)
    if is_taken and state.size != size:
        raise BadAnswerError("the mirror took a checkpoint and knows another one")
    if state.size < (standing.mirrored or 0):
        raise BadAnswerError("the mirror knows of fewer entries than it has signed for; the next round asks anew")
    if is_taken and (state.next < standing.info.next_entry or state.bodies < standing.bodies.next):
        raise BadAnswerError("the mirror has less than it had")


def _part(standing: Standing, size: int) -> _Part:
    """What the next request brings: bodies that are behind; or as many entries of a piece as there is room for their bodies."""
    start, first = standing.info.next_entry, standing.bodies.next
    end = min(size, first - first % TILE_WIDTH + TILE_WIDTH)
    lines = standing.log.sealed_lines(first, end, SEALED_BYTES_MAX) if first < end else b""
    stop = start if first < start else min(size, start - start % TILE_WIDTH + TILE_WIDTH)
    if first == start:
        stop = start + lines.count(b"\n")
    elif first < start:
        lines = b"".join(lines.splitlines(keepends=True)[: start - first])
    return _Part(start, standing.log.leaves(start, stop) if start < stop else (), lines)


def _request(standing: Standing, size: int, note: Note, part: _Part, files: Files) -> Request:
    package = b""
    if part.entries:
        aligned = part.start - part.start % TILE_WIDTH
        package = wire.package(part.entries, prove_subtree(standing.log.hashes(size), aligned, part.stop, size))
    announced = standing.announcement(size, note)
    return wire.round_request(announced, (part.start, part.stop, package), part.lines, files)


def _files(standing: Standing, part: _Part) -> Files:
    """The age files that are asked for and, as far as there is room, those that the entries name first; None: not in the spool."""
    try:
        named = [Header.parse(one).key for one in part.entries]
    except BadFormatError as error:
        raise SpoolError(f"an entry of the spool is no record: {error}") from error
    files, length = dict[str, bytes | None](), 0
    for key_id in (*standing.bodies.keys, *(one for one in named if one not in standing.brought)):
        if key_id in files:
            continue
        found = standing.log.key(key_id)
        length += len(found or b"")
        if files and length > FILES_BYTES_MAX:
            break
        files[key_id] = found
    return files
