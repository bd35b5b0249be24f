"""One round with the mirror, as a conversation: yields requests, receives responses, does no I/O of its own.

Order: what the mirror holds, then all that it lacks: in one request where the mirror knows that (`batch_round`), else in C2SP's (`single_requests`). After a start or an
error each checkpoint that the mirror holds is compared with our own root at its size: a log that was restored is another log, however far it has
grown since. The receipt is handed out only when the bodies arrived too, because a receipt permits the gate to forget. Nothing that the
mirror has is sent again. Progress is demanded of every answer, so a mirror that talks nonsense ends the round instead of prolonging it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.merkle import EMPTY_ROOT, subtree_hash
from gate_core.audit_format.note import Note, Verifier
from gate_core.mirror_client import batch_round, single_requests, wire
from gate_core.mirror_client.errors import BadAnswerError, OtherHistoryError
from gate_core.mirror_client.mirror_state import Conversation, Receipt, Standing, Talk, hear_bodies, refused
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint of our log as the mirror showed it, and its bytes. Whether we signed it is judged by the log program."""

    checkpoint: Checkpoint
    note: bytes


class Client:
    """Remembers between rounds what the mirror said. After an error it asks everything anew."""

    def __init__(
        self,
        log: SpoolLog,
        origin: str,
        mirror: Verifier,
        *,
        before: tuple[Verifier, ...] = (),
        last: Receipt | None = None,
    ) -> None:
        """`before` are the keys that the mirror had before: what it shows may be signed by one of them, a receipt is by the newest. `last` is the
        newest receipt of an earlier run; `lost` says how many entries, of those in the newest receipt, the mirror did not have when it was asked.
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
        """Believe nothing of the mirror, so that the next round asks and gets a receipt anew."""
        self.known = Standing(self._log, self._origin, self._mirrors[0], self._brought)

    def round(self) -> Conversation:
        """Bring the mirror up to the newest checkpoint. Returns the receipt, None when there was nothing to do.

        Raises SyncError.
        """
        head = self._head()
        if head is None:
            return None
        standing, is_new = self.known, self.known.mirrored is None
        standing.corrections = 0
        self.forget()  # whatever goes wrong below, nothing doubtful is remembered
        if is_new:
            yield from self._tell_of_keys()
            shown = yield from self._ask(standing)
            yield from self._remind(standing)
            head = self._head() or head  # what the mirror knew when it was asked, an honest log has reached by now
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
            receipt = yield from batch_round.carry(standing, checkpoint, note)
            standing.knows_rounds = receipt is not None
        if receipt is None:
            receipt = yield from single_requests.carry(standing, checkpoint, note)
        standing.mirrored = checkpoint.size
        return receipt

    def _tell_of_keys(self) -> Talk:
        """Have the mirror follow the log's keys, each by the word of the one before; what it followed already it takes again."""
        for word in self._log.handovers():
            response = yield wire.log_key(word)
            if response.status not in {204, 404}:  # mirrors that are not ours cannot be told so
                raise refused(response, "the log's next key")

    # ── what the mirror holds ────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, standing: Standing) -> Generator[Request, Response, tuple[Shown, ...]]:
        """Ask where the mirror stands, and return the checkpoints that it stands on."""
        mirrored = yield from self._ask_mirrored()
        size = 0 if mirrored is None else mirrored.checkpoint.size
        standing.mirrored = size
        # C2SP tlog-mirror: a request for [0, 0) is answered with where the mirror stands.
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
        """Ask for the newest checkpoint that the mirror knows, and has not cosigned. Mirrors that are not ours cannot tell."""
        response = yield wire.pending_request(self._origin)
        if response.status == 404:
            return None
        if response.status != 200:
            raise refused(response, "to show the checkpoint that it waits for")
        shown, _ = self._read(response)
        return shown

    def _remind(self, standing: Standing) -> Talk:
        """Show a mirror that has less than it signed for its own word, whatever it answers: it was put back from a backup, and must know."""
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
        """Compare what the mirror showed with our own roots. Raises OtherHistoryError; by then the mirror has evidence, too."""
        for one in shown:
            theirs = one.checkpoint
            if theirs.size > ours.size or self._root_at(theirs.size, ours.size) != theirs.root:
                # Our newest checkpoint, offered as what it will refuse and keep, whatever it answers.
                is_known = standing.info.size >= ours.size
                yield wire.add_checkpoint(ours.size, (), note) if is_known else standing.announcement(ours.size, note)
                raise OtherHistoryError("the mirror holds another log than we do", theirs.size, one.note)
        if all(one.checkpoint.size != standing.info.size for one in shown) and standing.info.size >= ours.size:
            yield from self._show(ours, note)

    def _root_at(self, size: int, size_ours: int) -> bytes:
        return subtree_hash(self._log.hashes(size_ours), 0, size) if size else EMPTY_ROOT

    def _show(self, checkpoint: Checkpoint, note: Note) -> Talk:
        """Show our checkpoint to a mirror that knows one as large and cannot tell which: if it is another, it has evidence now."""
        response = yield wire.add_checkpoint(checkpoint.size, (), note)
        if response.status == 200:
            return
        if response.status != 409:
            raise refused(response, "the checkpoint")
        if wire.parse_size(response) >= checkpoint.size:
            raise OtherHistoryError("the mirror knows another log of this size", checkpoint.size)
