"""A round's state: the log to upload, and the mirror's reported state. Shared by both kinds of upload (`round`)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadSignatureError
from gate_core.audit_format.merkle import prove_consistency
from gate_core.audit_format.note import Note, Signature, Verifier
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, RefusedError
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import BodiesState, MirrorInfo, Request, Response

SEALED_BYTES_MAX = 256 * 1024  # per request, unless a single body is larger
AHEAD = "the mirror knows of more entries than this round began with; the next one asks anew"
CORRECTIONS_MAX = 4  # how often the mirror may correct our view of it in a round

Conversation = Generator[Request, Response, "Receipt | None"]
Talk = Generator[Request, Response, None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The mirror's receipt: a checkpoint with the signatures of log and mirror."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(slots=True)
class Standing:
    """A log, its mirror's key, and the mirror's state as reported.

    `mirrored`: size of its cosigned checkpoint; None: not asked yet, and `info` (entries) and `bodies` (bodies and age
    files) are unset. `knows_rounds`: False once it refused a round. `brought`: age files that we uploaded.
    """

    log: SpoolLog
    origin: str
    mirror: Verifier
    brought: dict[str, None]
    mirrored: int | None = None
    info: MirrorInfo = field(default_factory=lambda: MirrorInfo(0, 0, b""))
    bodies: BodiesState = field(default_factory=lambda: BodiesState(0))
    knows_rounds: bool = True
    corrections: int = 0  # in this round

    def believe(self, info: MirrorInfo) -> None:
        """Store the mirror's state of entries. Raises BadAnswerError if it is impossible."""
        if info.next_entry > info.size:
            raise BadAnswerError("the mirror has entries beyond its checkpoint")
        self.info = info

    def believe_bodies(self, state: BodiesState, *, at_least: int, size: int) -> None:
        """Store the mirror's state of bodies. Raises BadAnswerError if it is impossible."""
        if not at_least <= state.next <= size:
            raise BadAnswerError("the centre wants bodies that it has, or that nobody has")
        self.bodies = state

    def correct(self) -> None:
        """Count a correction by the mirror. Raises BadAnswerError above CORRECTIONS_MAX."""
        self.corrections += 1
        if self.corrections > CORRECTIONS_MAX:
            raise BadAnswerError("the mirror says something else each time")

    def announcement(self, size: int, note: Note) -> Request:
        """Return the request for our checkpoint of `size` entries, with the proof that it extends the mirror's."""
        known = self.info.size
        proof = prove_consistency(self.log.hashes(size), known, size) if known else ()
        return wire.add_checkpoint(known, proof, note)

    def receipt(self, checkpoint: Checkpoint, note: Note, signatures: Sequence[Signature]) -> Receipt:
        """Return the receipt from the mirror's cosignature. Raises BadAnswerError."""
        # C2SP: cosignatures from unknown keys MUST be ignored; they are also dropped here.
        mirror = self.mirror
        ours = [one for one in signatures if (one.name, one.key_id) == (mirror.name, mirror.key_id)]
        whole = note.with_signatures(ours)
        try:
            whole.verify(mirror)
        except BadSignatureError as error:
            raise BadAnswerError(f"the mirror's receipt does not hold: {error}") from error
        return Receipt(checkpoint, whole.to_bytes())


def hear_bodies(standing: Standing, request: Request, *, at_least: int, size: int) -> Talk:
    """Send a request whose answer lists the missing bodies, and store the answer. Raises SyncError."""
    response = yield request
    if response.status != 200:
        raise refused(response, "sealed bodies")
    standing.believe_bodies(wire.parse_bodies(response), at_least=at_least, size=size)


def refused(response: Response, what: str) -> RefusedError:
    """Return the error for a refused request."""
    return RefusedError(f"the mirror refuses {what} ({response.status}: {wire.reason_of(response)})")
