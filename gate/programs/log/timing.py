"""How often the log program proves, looks and tries again, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The pauses between its own doings, and how long a proof counts."""

    proof_every_s: float = 5.0
    proof_again_s: float = 1.0  # while there is no proof
    proven_max_s: float = 15.0
    proof_answer_max_s: float = 10.0
    receipts_every_s: float = 1.0
    erasures_every_s: float = 5.0
    publish_again_s: float = 1.0  # after the spool could not be written
    clock_every_s: float = 1.0
    keys_every_s: float = 3600.0  # keys are moved to their days, and days forgotten
