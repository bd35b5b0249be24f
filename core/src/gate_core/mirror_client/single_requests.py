"""A round in C2SP's own requests, and one for each body and age file: for a mirror that does not know ours (`batch_round`)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import prove_subtree
from gate_core.audit_format.note import Note
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError
from gate_core.mirror_client.mirror_state import (
    AHEAD,
    SEALED_BYTES_MAX,
    Conversation,
    Receipt,
    Standing,
    Talk,
    hear_bodies,
    refused,
)
from gate_core.mirror_client.wire import MirrorInfo, Request, Response

PACKAGES_MAX = 8  # a request; C2SP allows 32, but ours shall be small on a slow line


def carry(standing: Standing, checkpoint: Checkpoint, note: Note) -> Conversation:
    """Bring a checkpoint, its entries, then the sealed bodies and age files. Raises SyncError."""
    yield from _announce(standing, checkpoint, note)
    receipt = yield from _upload(standing, checkpoint, note)
    yield from _carry_bodies(standing, checkpoint.size)
    return receipt


def _announce(standing: Standing, checkpoint: Checkpoint, note: Note) -> Talk:
    while (known := standing.info.size) != checkpoint.size:
        if known > checkpoint.size:
            raise BadAnswerError(AHEAD)
        response = yield standing.announcement(checkpoint.size, note)
        if response.status == 200:
            known = checkpoint.size
        elif response.status == 409:
            standing.correct()
            known = wire.parse_size(response)
        else:
            raise refused(response, "the checkpoint")
        standing.info = replace(standing.info, size=known)


def _upload(standing: Standing, checkpoint: Checkpoint, note: Note) -> Generator[Request, Response, Receipt]:
    while True:
        info = standing.info
        if info.next_entry > checkpoint.size:
            raise BadAnswerError("the mirror wants entries beyond the checkpoint")
        packages = tuple(_packages(standing, info.next_entry, checkpoint.size))
        response = yield wire.add_entries(standing.origin, info.next_entry, checkpoint.size, info.ticket, packages)
        match response.status:
            case 200:
                receipt = standing.receipt(checkpoint, note, wire.parse_signatures(response))
                standing.believe(MirrorInfo(checkpoint.size, checkpoint.size, b""))
                return receipt
            case 202:
                found = wire.parse_info(response)
                if found.size != checkpoint.size or found.next_entry <= info.next_entry:
                    raise BadAnswerError("the mirror accepted entries and wants the same ones again")
                standing.believe(found)
            case 409:
                standing.correct()
                standing.believe(wire.parse_info(response))
                yield from _announce(standing, checkpoint, note)
            case _:
                raise refused(response, "the entries")


def _packages(standing: Standing, start: int, end: int) -> Iterator[bytes]:
    """Yield the first packages of the canonical sequence for `[start, end)`."""
    hashes = standing.log.hashes(end)
    for _ in range(PACKAGES_MAX):
        if start >= end:
            return
        aligned = start - start % TILE_WIDTH
        stop = min(end, aligned + TILE_WIDTH)
        yield wire.package(standing.log.leaves(start, stop), prove_subtree(hashes, aligned, stop, end))
        start = stop


def _carry_bodies(standing: Standing, size: int) -> Talk:
    brought: set[str] = set()
    while True:
        lacking = standing.bodies
        for key_id in lacking.keys:
            if key_id in brought:
                raise BadAnswerError("the centre asks again for an age file that it accepted")
            brought.add(key_id)
            response = yield wire.put_key(key_id, standing.log.key(key_id))
            if response.status not in {200, 204}:
                raise refused(response, "an age file")
        if lacking.next < size:
            stop = min(size, lacking.next - lacking.next % TILE_WIDTH + TILE_WIDTH)
            lines = standing.log.sealed_lines(lacking.next, stop, SEALED_BYTES_MAX)
            yield from hear_bodies(standing, wire.put_sealed(lines), at_least=lacking.next + 1, size=size)
        elif lacking.keys:
            yield from hear_bodies(standing, wire.bodies_request(), at_least=size, size=size)
        else:
            return
