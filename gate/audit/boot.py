"""Whether anybody outside has borne out the log's head since the machine was started (docs/decisions/0025). Pure.

A disk that was put back from a copy is as sound as any. What tells is a receipt of the mirror for more entries than there were at the boot: with one
that nobody could know before, it is the mirror's word of now that this log continues the newest that it has. Else somebody must answer for it.
"""

from dataclasses import dataclass

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import EMPTY_ROOT
from gate_core.audit_format.resume_state import Boot
from gate_core.evidence.names import Head


@dataclass(frozen=True, slots=True)
class FoundHead:
    """The log as this boot found it. `heard_ms` is None before the first record of the boot."""

    state: Head
    size: int
    root: bytes
    heard_ms: int | None


def found_head(boot: Boot | None, name: str, checkpoint: Checkpoint | None, mirrored: int) -> FoundHead:
    """How the head stands in the boot of this name. `mirrored` is how many entries the mirror has signed for."""
    if boot is None or boot.name != name:
        size, root = (0, EMPTY_ROOT) if checkpoint is None else (checkpoint.size, checkpoint.root)
        return FoundHead(Head.UNCONFIRMED, size, root, None)
    state = Head.CONFIRMED if mirrored > boot.size else Head.ACCEPTED if boot.accepted else Head.UNCONFIRMED
    return FoundHead(state, boot.size, boot.root, boot.heard_ms)
