"""One round with the mirror, as a generator: yields requests, receives responses, does no I/O.

It asks for the mirror's state, then uploads what is missing: in one request if the mirror supports that
(`carry_at_once`), else by C2SP's requests (`carry_singly`). After a start or error, each checkpoint of the mirror is
compared with our root at its size, to detect a restored log. The receipt is returned only after the bodies arrived,
since it permits the gate to delete them. Every answer must show progress, so that a faulty mirror ends the round.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import EMPTY_ROOT, prove_subtree, subtree_hash
from gate_core.audit_format.note import Note, Verifier
from gate_core.audit_format.record import Header
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, OtherHistoryError, SpoolError
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
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import BodiesState, MirrorInfo, Request, Response, RoundState

PACKAGES_MAX = 8  # per request; C2SP allows 32, but slow lines need small requests


def carry_singly(standing: Standing, checkpoint: Checkpoint, note: Note) -> Conversation:
    """Upload a checkpoint, its entries, then sealed bodies and age files. Raises SyncError."""
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


FILES_BYTES_MAX = 256 * 1024  # per request; the mirror requests the rest
BROUGHT_MAX = 1024  # limit of remembered uploads of age files

Files = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class _Part:
    """Entries of one piece, and bodies: those of the entries, or earlier ones that the mirror lacks."""

    start: int
    entries: tuple[bytes, ...]
    lines: bytes

    @property
    def stop(self) -> int:
        return self.start + len(self.entries)


def carry_at_once(standing: Standing, checkpoint: Checkpoint, note: Note) -> Conversation:
    """Upload a checkpoint with all its data; None if the mirror does not support this request. Raises SyncError."""
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
            standing.correct()  # it may request age files that we lack, but not endlessly


def _check(standing: Standing, state: RoundState, size: int, *, is_taken: bool) -> None:
    """Compare an answer with the mirror's earlier state. Raises BadAnswerError."""
    if state.size > size:
        raise BadAnswerError(AHEAD)
    if is_taken and state.size != size:
        raise BadAnswerError("the mirror took a checkpoint and knows another one")
    if state.size < (standing.mirrored or 0):
        raise BadAnswerError("the mirror knows of fewer entries than it has signed for; the next round asks anew")
    if is_taken and (state.next < standing.info.next_entry or state.bodies < standing.bodies.next):
        raise BadAnswerError("the mirror has less than it had")


def _part(standing: Standing, size: int) -> _Part:
    """Return the next request's part: missing bodies; or entries of a piece, as many as have room for their bodies."""
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
    """Return the requested age files and, if there is room, those that the entries name; None: not in the spool."""
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


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint of our log from the mirror, and its bytes. The log program checks whether we signed it."""

    checkpoint: Checkpoint
    note: bytes


class Client:
    """Keeps the mirror's state between rounds; after an error it asks for it again."""

    def __init__(
        self,
        log: SpoolLog,
        origin: str,
        mirror: Verifier,
        *,
        before: tuple[Verifier, ...] = (),
        last: Receipt | None = None,
    ) -> None:
        """`before`: the mirror's earlier keys, which may have signed its checkpoint; receipts need the newest. `last`:
        the newest receipt of an earlier run. The attribute `lost`: entries in that receipt that the mirror lacked.
        """
        self._log = log
        self._origin = origin
        self._mirrors = (mirror, *before)
        self._brought: dict[str, None] = {}
        self.head_size = 0
        self.last = last
        self.lost = 0
        self.forget()

    def forget(self) -> None:
        """Discard the mirror's state, so that the next round asks for it and gets a new receipt."""
        self.known = Standing(self._log, self._origin, self._mirrors[0], self._brought)

    def round(self) -> Conversation:
        """Bring the mirror up to the newest checkpoint. Returns the receipt, None if there was nothing to do.

        Raises SyncError.
        """
        head = self._head()
        if head is None:
            return None
        standing, is_new = self.known, self.known.mirrored is None
        standing.corrections = 0
        self.forget()  # so that an error below leaves no doubtful state
        if is_new:
            yield from self._tell_of_keys()
            shown = yield from self._ask(standing)
            yield from self._remind(standing)
            head = self._head() or head  # read it again: it may have grown before the mirror answered
            yield from self._compare(standing, shown, *head)
            yield from hear_bodies(standing, wire.bodies_request(), at_least=0, size=head[0].size)
        receipt = None
        if is_new or standing.mirrored != head[0].size or standing.bodies.next < head[0].size or standing.bodies.keys:
            receipt = yield from self._carry(standing, *head)
        self.known, self.last = standing, receipt or self.last
        return receipt

    def _head(self) -> tuple[Checkpoint, Note] | None:
        """Return our newest checkpoint, None before the first entry."""
        head = self._log.head()
        if head is None or head[0].size == 0:
            return None
        self.head_size = head[0].size
        if head[0].origin != self._origin:
            raise OtherHistoryError(f"the spool is of {head[0].origin}, not of {self._origin}", head[0].size)
        return head

    def _carry(self, standing: Standing, checkpoint: Checkpoint, note: Note) -> Conversation:
        receipt = None
        if standing.knows_rounds:
            receipt = yield from carry_at_once(standing, checkpoint, note)
            standing.knows_rounds = receipt is not None
        if receipt is None:
            receipt = yield from carry_singly(standing, checkpoint, note)
        standing.mirrored = checkpoint.size
        return receipt

    def _tell_of_keys(self) -> Talk:
        """Send the handovers of the log's keys; the mirror accepts known ones again."""
        for word in self._log.handovers():
            response = yield wire.log_key(word)
            if response.status not in {204, 404}:  # other mirrors do not support this
                raise refused(response, "the log's next key")

    # ── what the mirror holds ────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, standing: Standing) -> Generator[Request, Response, tuple[Shown, ...]]:
        """Ask for the mirror's state, and return its checkpoints."""
        mirrored = yield from self._ask_mirrored()
        size = 0 if mirrored is None else mirrored.checkpoint.size
        standing.mirrored = size
        # C2SP tlog-mirror: a request for [0, 0) is answered with the mirror's state.
        response = yield wire.add_entries(self._origin, 0, 0, b"", ())
        if response.status != 409:
            raise refused(response, "to say where it stands")
        standing.believe(wire.parse_info(response))
        pending = None if standing.info.size == size else (yield from self._ask_pending())
        return tuple(one for one in (mirrored, pending) if one is not None)

    def _ask_mirrored(self) -> Generator[Request, Response, Shown | None]:
        response = yield wire.checkpoint_request(self._origin)
        if response.status == 404:
            return None
        if response.status != 200:
            raise refused(response, "to show its checkpoint")
        shown, note = self._read(response)
        try:
            note.verify_any(self._mirrors)
        except BadSignatureError as error:
            raise BadAnswerError(f"the mirror's checkpoint does not hold: {error}") from error
        return shown

    def _ask_pending(self) -> Generator[Request, Response, Shown | None]:
        """Ask for the newest checkpoint that the mirror has not cosigned. Other mirrors do not support this."""
        response = yield wire.pending_request(self._origin)
        if response.status == 404:
            return None
        if response.status != 200:
            raise refused(response, "to show the checkpoint that it waits for")
        shown, _ = self._read(response)
        return shown

    def _remind(self, standing: Standing) -> Talk:
        """If the mirror has less than its last receipt covers, send it that receipt: its database was restored."""
        signed = 0 if self.last is None else self.last.checkpoint.size
        self.lost = max(0, signed - (standing.mirrored or 0))
        if self.last is not None and self.lost:
            yield wire.show_receipt(self.last.note)

    def _read(self, response: Response) -> tuple[Shown, Note]:
        try:
            note = Note.parse(response.body)
            theirs = Checkpoint.parse(note.text)
        except BadFormatError as error:
            raise BadAnswerError(f"the mirror's checkpoint does not hold: {error}") from error
        if theirs.origin != self._origin:
            raise BadAnswerError("the mirror shows a checkpoint of another log")
        return Shown(theirs, response.body), note

    def _compare(self, standing: Standing, shown: tuple[Shown, ...], ours: Checkpoint, note: Note) -> Talk:
        """Compare the mirror's checkpoints with our roots. Raises OtherHistoryError, after sending it the evidence."""
        for one in shown:
            theirs = one.checkpoint
            if theirs.size > ours.size or self._root_at(theirs.size, ours.size) != theirs.root:
                # The mirror refuses our newest checkpoint and keeps it as evidence.
                is_known = standing.info.size >= ours.size
                yield wire.add_checkpoint(ours.size, (), note) if is_known else standing.announcement(ours.size, note)
                raise OtherHistoryError("the mirror holds another log than we do", theirs.size, one.note)
        if all(one.checkpoint.size != standing.info.size for one in shown) and standing.info.size >= ours.size:
            yield from self._show(ours, note)

    def _root_at(self, size: int, size_ours: int) -> bytes:
        return subtree_hash(self._log.hashes(size_ours), 0, size) if size else EMPTY_ROOT

    def _show(self, checkpoint: Checkpoint, note: Note) -> Talk:
        """Send our checkpoint to a mirror that has one at least as large: it gets evidence if they differ."""
        response = yield wire.add_checkpoint(checkpoint.size, (), note)
        if response.status == 200:
            return
        if response.status != 409:
            raise refused(response, "the checkpoint")
        if wire.parse_size(response) >= checkpoint.size:
            raise OtherHistoryError("the mirror knows another log of this size", checkpoint.size)
