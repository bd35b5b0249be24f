"""What a round knows of the mirror, and the log that it carries: what the ways of carrying (`apart`, `together`) share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadSignatureError
from gate_core.audit_format.merkle import HashAt, prove_consistency
from gate_core.audit_format.note import Note, Signature, Verifier
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, RefusedError
from gate_core.mirror_client.wire import BodiesState, MirrorInfo, Request, Response

SEALED_BYTES_MAX = 256 * 1024  # a request, unless one body alone is larger
AHEAD = "the mirror knows of more entries than this round began with; the next one asks anew"
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
class Known:
    """What we believe of the mirror; None: not asked yet. `knows_rounds`: it has not said that it does not."""

    mirrored: int | None = None
    info: MirrorInfo | None = None
    bodies: BodiesState | None = None
    knows_rounds: bool = True


class Standing:
    """What is believed of the mirror while a round goes on."""

    def __init__(self) -> None:
        self.known = Known()
        self._corrections = 0

    def begin(self, known: Known) -> None:
        """Begin a round."""
        self.known, self._corrections = known, 0

    @property
    def info(self) -> MirrorInfo:
        """Where the mirror stands with checkpoint and entries. It was asked before."""
        assert self.known.info is not None
        return self.known.info

    @property
    def bodies(self) -> BodiesState:
        """Which bodies and age files it lacks. It was asked before."""
        assert self.known.bodies is not None
        return self.known.bodies

    def believe(self, info: MirrorInfo) -> None:
        """Take the mirror's word. Raises BadAnswerError for what cannot be."""
        if info.next_entry > info.size:
            raise BadAnswerError("the mirror has entries beyond its checkpoint")
        self.known = replace(self.known, info=info)

    def believe_bodies(self, state: BodiesState, *, at_least: int, size: int) -> None:
        """Take the centre's word about bodies. Raises BadAnswerError for what cannot be."""
        if not at_least <= state.next <= size:
            raise BadAnswerError("the centre wants bodies that it has, or that nobody has")
        self.known = replace(self.known, bodies=state)

    def correct(self) -> None:
        """Let the mirror correct what we believed, not without end. Raises BadAnswerError."""
        self._corrections += 1
        if self._corrections > CORRECTIONS_MAX:
            raise BadAnswerError("the mirror says something else each time")


def consistency(log: Log, known: int, size: int) -> tuple[bytes, ...]:
    """Prove that our log of `size` entries continues that of as many as the mirror knows."""
    return prove_consistency(log.hashes(size), known, size) if known else ()


def receipt_of(checkpoint: Checkpoint, note: Note, signatures: Sequence[Signature], mirror: Verifier) -> Receipt:
    """Return the receipt that the mirror's cosignature makes. Raises BadAnswerError."""
    # C2SP: cosignatures from unknown keys MUST be ignored; they are not carried on either.
    ours = [one for one in signatures if (one.name, one.key_id) == (mirror.name, mirror.key_id)]
    whole = note.with_signatures(ours)
    try:
        whole.verify(mirror)
    except BadSignatureError as error:
        raise BadAnswerError(f"the mirror's receipt does not hold: {error}") from error
    return Receipt(checkpoint, whole.to_bytes())


def refused(response: Response, what: str) -> RefusedError:
    """What a refusal says."""
    return RefusedError(f"the mirror refuses {what} ({response.status}: {wire.reason_of(response)})")
