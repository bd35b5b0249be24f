"""A round in C2SP's own requests, and one for each body and age file: for a mirror that does not know ours (`together`)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import prove_subtree
from gate_core.audit_format.note import Note, Verifier
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError
from gate_core.mirror_client.mirror_state import (
    AHEAD,
    SEALED_BYTES_MAX,
    Conversation,
    Log,
    Receipt,
    Standing,
    Talk,
    consistency,
    receipt_of,
    refused,
)
from gate_core.mirror_client.wire import MirrorInfo, Request, Response

PACKAGES_MAX = 8  # a request; C2SP allows 32, but ours shall be small on a slow line


class Apart:
    """Checkpoint, entries, then the sealed bodies and age files."""

    def __init__(self, log: Log, origin: str, mirror: Verifier, standing: Standing) -> None:
        self._log = log
        self._origin = origin
        self._mirror = mirror
        self._standing = standing

    def carry(self, checkpoint: Checkpoint, note: Note) -> Conversation:
        """Bring a checkpoint and all that belongs to it. Raises SyncError."""
        yield from self._announce(checkpoint, note)
        receipt = yield from self._upload(checkpoint, note)
        yield from self._carry_bodies(checkpoint.size)
        return receipt

    def _announce(self, checkpoint: Checkpoint, note: Note) -> Talk:
        standing = self._standing
        while standing.info.size != checkpoint.size:
            known = standing.info.size
            if known > checkpoint.size:
                raise BadAnswerError(AHEAD)
            response = yield wire.add_checkpoint(known, consistency(self._log, known, checkpoint.size), note)
            if response.status == 200:
                known = checkpoint.size
            elif response.status == 409:
                standing.correct()
                known = wire.parse_size(response)
            else:
                raise refused(response, "the checkpoint")
            standing.known = replace(standing.known, info=replace(standing.info, size=known))

    def _upload(self, checkpoint: Checkpoint, note: Note) -> Generator[Request, Response, Receipt]:
        standing = self._standing
        while True:
            info = standing.info
            if info.next_entry > checkpoint.size:
                raise BadAnswerError("the mirror wants entries beyond the checkpoint")
            packages = tuple(self._packages(info.next_entry, checkpoint.size))
            response = yield wire.add_entries(self._origin, info.next_entry, checkpoint.size, info.ticket, packages)
            match response.status:
                case 200:
                    receipt = receipt_of(checkpoint, note, wire.parse_signatures(response), self._mirror)
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
                    yield from self._announce(checkpoint, note)
                case _:
                    raise refused(response, "the entries")

    def _packages(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the first packages of the canonical sequence for `[start, end)`."""
        hashes = self._log.hashes(end)
        for _ in range(PACKAGES_MAX):
            if start >= end:
                return
            aligned = start - start % TILE_WIDTH
            stop = min(end, aligned + TILE_WIDTH)
            yield wire.package(self._log.leaves(start, stop), prove_subtree(hashes, aligned, stop, end))
            start = stop

    def _carry_bodies(self, size: int) -> Talk:
        brought: set[str] = set()
        while True:
            lacking = self._standing.bodies
            for key_id in lacking.keys:
                if key_id in brought:
                    raise BadAnswerError("the centre asks again for an age file that it accepted")
                brought.add(key_id)
                response = yield wire.put_key(key_id, self._log.key(key_id))
                if response.status not in {200, 204}:
                    raise refused(response, "an age file")
            if lacking.next < size:
                stop = min(size, lacking.next - lacking.next % TILE_WIDTH + TILE_WIDTH)
                lines = self._log.sealed_lines(lacking.next, stop, SEALED_BYTES_MAX)
                yield from hear_bodies(self._standing, wire.put_sealed(lines), at_least=lacking.next + 1, size=size)
            elif lacking.keys:
                yield from hear_bodies(self._standing, wire.bodies_request(), at_least=size, size=size)
            else:
                return


def hear_bodies(standing: Standing, request: Request, *, at_least: int, size: int) -> Talk:
    """Send what is answered with the bodies that the centre lacks. Raises SyncError."""
    response = yield request
    if response.status != 200:
        raise refused(response, "sealed bodies")
    standing.believe_bodies(wire.parse_bodies(response), at_least=at_least, size=size)
