"""One round with the mirror, as a conversation: yields requests, receives responses, does no I/O of its own.

Order: what the mirror holds, a newer checkpoint, the entries, then the sealed bodies and age files. After a start or an error each
checkpoint that the mirror holds is compared with our own root at its size: a log that was restored is another log, however far it has
grown since. The receipt is handed out only when the bodies arrived too, because a receipt permits the gate to forget. Nothing that the
mirror has is sent again. Progress is demanded of every answer, so a mirror that talks nonsense ends the round instead of prolonging it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from gate.audit.checkpoint import Checkpoint
from gate.audit.errors import BadFormatError, BadSignatureError
from gate.audit.merkle import EMPTY_ROOT, HashAt, prove_consistency, prove_subtree, subtree_hash
from gate.audit.note import Note, Verifier
from gate.audit.tiles import TILE_WIDTH
from gate.sync import wire
from gate.sync.errors import BadAnswerError, OtherHistoryError, RefusedError
from gate.sync.wire import BodiesState, MirrorInfo, Request, Response

PACKAGES_MAX = 8  # a request; C2SP allows 32, but ours shall be small on a slow line
SEALED_BYTES_MAX = 256 * 1024  # a request, unless one body alone is larger
CORRECTIONS_MAX = 4  # how often a round lets the mirror correct what we believed of it

Conversation = Generator[Request, Response, "Receipt | None"]
Talk = Generator[Request, Response, None]


class Log(Protocol):
    """The log that is carried."""

    def head(self) -> tuple[Checkpoint, Note] | None:
        """Return the newest checkpoint."""
        ...

    def hashes(self, size: int) -> HashAt:
        """Return the look-up of complete subtrees."""
        ...

    def leaves(self, start: int, end: int) -> tuple[bytes, ...]:
        """Return the entries of one piece."""
        ...

    def sealed_lines(self, start: int, end: int, bytes_max: int) -> bytes:
        """Return sealed bodies of one piece, JSON lines."""
        ...

    def handovers(self) -> tuple[bytes, ...]:
        """Return what the log's keys said of one another, the oldest first."""
        ...

    def key(self, key_id: str) -> bytes | None:
        """Return an age file."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The mirror's word that it holds the log up to here: a checkpoint with both signatures."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint of our log as the mirror showed it, and its bytes. Whether we signed it is judged by the log program."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What we believe of the mirror; None: not asked yet."""

    mirrored: int | None = None
    info: MirrorInfo | None = None
    bodies: BodiesState | None = None


class Client:
    """Remembers between rounds what the mirror said. After an error it asks everything anew."""

    def __init__(self, log: Log, origin: str, mirror: Verifier, *, before: tuple[Verifier, ...] = ()) -> None:
        """`before` are the keys that the mirror had before: what it shows may be signed by one of them, a receipt is by the newest."""
        self._log = log
        self._origin = origin
        self._mirror = mirror
        self._before = before
        self._corrections = 0
        self._working = Known()
        self.known = Known()
        self.head_size = 0

    def forget(self) -> None:
        """Believe nothing of the mirror, so that the next round asks and gets a receipt anew."""
        self.known = Known()

    def round(self) -> Conversation:
        """Bring the mirror up to the newest checkpoint. Returns the receipt, None when there was nothing to do.

        Raises SyncError.
        """
        head = self._head()
        if head is None:
            return None
        self._corrections = 0
        self._working, self.known = self.known, Known()  # whatever goes wrong below, nothing doubtful is remembered
        if self._working.mirrored is None:
            yield from self._tell_of_keys()
            shown = yield from self._ask()
            head = self._head() or head  # what the mirror knew when it was asked, an honest log has reached by now
            yield from self._compare(shown, *head)
        receipt = yield from self._carry(*head)
        self.known = self._working
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

    def _carry(self, checkpoint: Checkpoint, note: Note) -> Conversation:
        if self._is_done(checkpoint.size):
            return None
        yield from self._announce(checkpoint, note)
        receipt = yield from self._upload(checkpoint, note)
        yield from self._carry_bodies(checkpoint.size)
        self._working = replace(self._working, mirrored=checkpoint.size)
        return receipt

    def _is_done(self, size: int) -> bool:
        bodies = self._working.bodies
        return self._working.mirrored == size and bodies is not None and bodies.next >= size and not bodies.keys

    def _tell_of_keys(self) -> Talk:
        """Have the mirror follow the log's keys, each by the word of the one before; what it followed already it takes again."""
        for word in self._log.handovers():
            response = yield wire.log_key(word)
            if response.status not in {204, 404}:  # mirrors that are not ours cannot be told so
                raise _refused(response, "the log's next key")

    # ── what the mirror holds ────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> Generator[Request, Response, tuple[Shown, ...]]:
        """Ask where the mirror stands, and return the checkpoints that it stands on."""
        mirrored = yield from self._ask_mirrored()
        size = 0 if mirrored is None else mirrored.checkpoint.size
        self._working = replace(self._working, mirrored=size)
        # C2SP tlog-mirror: a request for [0, 0) is answered with where the mirror stands.
        response = yield wire.add_entries(self._origin, 0, 0, b"", ())
        if response.status != 409:
            raise _refused(response, "to say where it stands")
        self._believe(wire.parse_info(response))
        pending = None if self._info().size == size else (yield from self._ask_pending())
        return tuple(one for one in (mirrored, pending) if one is not None)

    def _ask_mirrored(self) -> Generator[Request, Response, Shown | None]:
        response = yield wire.checkpoint_request(self._origin)
        if response.status == 404:
            return None
        if response.status != 200:
            raise _refused(response, "to show its checkpoint")
        shown, note = self._read(response)
        try:
            note.verify_any((self._mirror, *self._before))
        except BadSignatureError as error:
            raise BadAnswerError(f"the mirror's checkpoint does not hold: {error}") from error
        return shown

    def _ask_pending(self) -> Generator[Request, Response, Shown | None]:
        """Ask for the newest checkpoint that the mirror knows, and has not cosigned. Mirrors that are not ours cannot tell."""
        response = yield wire.pending_request(self._origin)
        if response.status == 404:
            return None
        if response.status != 200:
            raise _refused(response, "to show the checkpoint that it waits for")
        shown, _ = self._read(response)
        return shown

    def _read(self, response: Response) -> tuple[Shown, Note]:
        try:
            note = Note.parse(response.body)
            theirs = Checkpoint.parse(note.text)
        except BadFormatError as error:
            raise BadAnswerError(f"the mirror's checkpoint does not hold: {error}") from error
        if theirs.origin != self._origin:
            raise BadAnswerError("the mirror shows a checkpoint of another log")
        return Shown(theirs, response.body), note

    def _compare(self, shown: tuple[Shown, ...], ours: Checkpoint, note: Note) -> Talk:
        """Compare what the mirror showed with our own roots. Raises OtherHistoryError; by then the mirror has evidence, too."""
        for one in shown:
            theirs = one.checkpoint
            if theirs.size > ours.size or self._root_at(theirs.size, ours.size) != theirs.root:
                yield self._confession(ours, note)  # whatever it answers
                raise OtherHistoryError("the mirror holds another log than we do", theirs.size, one.note)
        if all(one.checkpoint.size != self._info().size for one in shown):
            yield from self._show(ours, note)

    def _root_at(self, size: int, size_ours: int) -> bytes:
        return subtree_hash(self._log.hashes(size_ours), 0, size) if size else EMPTY_ROOT

    def _confession(self, ours: Checkpoint, note: Note) -> Request:
        """Our newest checkpoint, offered as what the mirror will refuse and keep."""
        known = self._info().size
        if known >= ours.size:
            return wire.add_checkpoint(ours.size, (), note)
        proof = prove_consistency(self._log.hashes(ours.size), known, ours.size) if known else ()
        return wire.add_checkpoint(known, proof, note)

    def _show(self, checkpoint: Checkpoint, note: Note) -> Talk:
        """Show our checkpoint to a mirror that knows one as large and cannot tell which: if it is another, it has evidence now."""
        if self._info().size < checkpoint.size:
            return
        response = yield wire.add_checkpoint(checkpoint.size, (), note)
        if response.status == 200:
            return
        if response.status != 409:
            raise _refused(response, "the checkpoint")
        if wire.parse_size(response) >= checkpoint.size:
            raise OtherHistoryError("the mirror knows another log of this size", checkpoint.size)

    def _believe(self, info: MirrorInfo) -> None:
        if info.next_entry > info.size:
            raise BadAnswerError("the mirror has entries beyond its checkpoint")
        self._working = replace(self._working, info=info)

    def _info(self) -> MirrorInfo:
        assert self._working.info is not None
        return self._working.info

    def _correct(self) -> None:
        self._corrections += 1
        if self._corrections > CORRECTIONS_MAX:
            raise BadAnswerError("the mirror says something else each time")

    # ── C2SP: checkpoint and entries ─────────────────────────────────────────────────────────────────────────────────

    def _announce(self, checkpoint: Checkpoint, note: Note) -> Talk:
        while self._info().size != checkpoint.size:
            known = self._info().size
            if known > checkpoint.size:
                raise BadAnswerError(
                    "the mirror knows of more entries than this round began with; the next one asks anew"
                )
            proof = prove_consistency(self._log.hashes(checkpoint.size), known, checkpoint.size) if known else ()
            response = yield wire.add_checkpoint(known, proof, note)
            if response.status == 200:
                known = checkpoint.size
            elif response.status == 409:
                self._correct()
                known = wire.parse_size(response)
            else:
                raise _refused(response, "the checkpoint")
            self._working = replace(self._working, info=replace(self._info(), size=known))

    def _upload(self, checkpoint: Checkpoint, note: Note) -> Generator[Request, Response, Receipt]:
        while True:
            info = self._info()
            if info.next_entry > checkpoint.size:
                raise BadAnswerError("the mirror wants entries beyond the checkpoint")
            packages = tuple(self._packages(info.next_entry, checkpoint.size))
            response = yield wire.add_entries(self._origin, info.next_entry, checkpoint.size, info.ticket, packages)
            match response.status:
                case 200:
                    self._working = replace(self._working, info=MirrorInfo(checkpoint.size, checkpoint.size, b""))
                    return self._receipt(checkpoint, note, response)
                case 202:
                    found = wire.parse_info(response)
                    if found.size != checkpoint.size or found.next_entry <= info.next_entry:
                        raise BadAnswerError("the mirror accepted entries and wants the same ones again")
                    self._believe(found)
                case 409:
                    self._correct()
                    self._believe(wire.parse_info(response))
                    yield from self._announce(checkpoint, note)
                case _:
                    raise _refused(response, "the entries")

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

    def _receipt(self, checkpoint: Checkpoint, note: Note, response: Response) -> Receipt:
        # C2SP: cosignatures from unknown keys MUST be ignored; they are not carried on either.
        known = (self._mirror.name, self._mirror.key_id)
        ours = [one for one in wire.parse_signatures(response) if (one.name, one.key_id) == known]
        whole = note.with_signatures(ours)
        try:
            whole.verify(self._mirror)
        except BadSignatureError as error:
            raise BadAnswerError(f"the mirror's receipt does not hold: {error}") from error
        return Receipt(checkpoint, whole.to_bytes())

    # ── ours: sealed bodies and age files ────────────────────────────────────────────────────────────────────────────

    def _carry_bodies(self, size: int) -> Talk:
        if self._working.bodies is None:
            yield from self._hear_bodies(wire.bodies_request(), at_least=0, size=size)
        brought: set[str] = set()
        while True:
            lacking = self._bodies()
            for key_id in lacking.keys:
                if key_id in brought:
                    raise BadAnswerError("the centre asks again for an age file that it accepted")
                brought.add(key_id)
                response = yield wire.put_key(key_id, self._log.key(key_id))
                if response.status not in {200, 204}:
                    raise _refused(response, "an age file")
            if lacking.next < size:
                stop = min(size, lacking.next - lacking.next % TILE_WIDTH + TILE_WIDTH)
                lines = self._log.sealed_lines(lacking.next, stop, SEALED_BYTES_MAX)
                yield from self._hear_bodies(wire.put_sealed(lines), at_least=lacking.next + 1, size=size)
            elif lacking.keys:
                yield from self._hear_bodies(wire.bodies_request(), at_least=size, size=size)
            else:
                return

    def _hear_bodies(self, request: Request, *, at_least: int, size: int) -> Talk:
        response = yield request
        if response.status != 200:
            raise _refused(response, "sealed bodies")
        state = wire.parse_bodies(response)
        if not at_least <= state.next <= size:
            raise BadAnswerError("the centre wants bodies that it has, or that nobody has")
        self._working = replace(self._working, bodies=state)

    def _bodies(self) -> BodiesState:
        assert self._working.bodies is not None
        return self._working.bodies


def _refused(response: Response, what: str) -> RefusedError:
    return RefusedError(f"the mirror refuses {what} ({response.status}: {wire.reason_of(response)})")
