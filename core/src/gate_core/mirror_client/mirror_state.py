"""What a round knows of the mirror, and the log that it carries: what both ways of carrying share (`round`)."""

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

SEALED_BYTES_MAX = 256 * 1024  # a request, unless one body alone is larger
AHEAD = "the mirror knows of more entries than this round began with; the next one asks anew"
CORRECTIONS_MAX = 4  # how often a round lets the mirror correct what we believed of it

Conversation = Generator[Request, Response, "Receipt | None"]
Talk = Generator[Request, Response, None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The mirror's word that it holds the log up to here: a checkpoint with both signatures."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(slots=True)
class Standing:
    """A log, the key of its mirror, and what we believe of the mirror.

    `mirrored` None: not asked yet, and `info` and `bodies`, where it stands with entries and with bodies and age files, say nothing. `knows_rounds`: it
    has not said that it does not. `brought` are the age files that it has by our own word.
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
        """Take the mirror's word. Raises BadAnswerError for what cannot be."""
        if info.next_entry > info.size:
            raise BadAnswerError("the mirror has entries beyond its checkpoint")
        self.info = info

    def believe_bodies(self, state: BodiesState, *, at_least: int, size: int) -> None:
        """Take the centre's word about bodies. Raises BadAnswerError for what cannot be."""
        if not at_least <= state.next <= size:
            raise BadAnswerError("the centre wants bodies that it has, or that nobody has")
        self.bodies = state

    def correct(self) -> None:
        """Let the mirror correct what we believed, not without end. Raises BadAnswerError."""
        self.corrections += 1
        if self.corrections > CORRECTIONS_MAX:
            raise BadAnswerError("the mirror says something else each time")

    def announcement(self, size: int, note: Note) -> Request:
        """Our checkpoint of `size` entries, with the proof that it continues the one that the mirror knows."""
        known = self.info.size
        proof = prove_consistency(self.log.hashes(size), known, size) if known else ()
        return wire.add_checkpoint(known, proof, note)

    def receipt(self, checkpoint: Checkpoint, note: Note, signatures: Sequence[Signature]) -> Receipt:
        """The receipt that the mirror's cosignature makes. Raises BadAnswerError."""
        # C2SP: cosignatures from unknown keys MUST be ignored; they are not carried on either.
        mirror = self.mirror
        ours = [one for one in signatures if (one.name, one.key_id) == (mirror.name, mirror.key_id)]
        whole = note.with_signatures(ours)
        try:
            whole.verify(mirror)
        except BadSignatureError as error:
            raise BadAnswerError(f"the mirror's receipt does not hold: {error}") from error
        return Receipt(checkpoint, whole.to_bytes())


def hear_bodies(standing: Standing, request: Request, *, at_least: int, size: int) -> Talk:
    """Send what is answered with the bodies that the centre lacks. Raises SyncError."""
    response = yield request
    if response.status != 200:
        raise refused(response, "sealed bodies")
    standing.believe_bodies(wire.parse_bodies(response), at_least=at_least, size=size)


def refused(response: Response, what: str) -> RefusedError:
    """What a refusal says."""
    return RefusedError(f"the mirror refuses {what} ({response.status}: {wire.reason_of(response)})")
