"""Gates that say nothing: an alarm that stands by itself, and ends with the gate's next word.

A gate in service asks within a minute, whatever happens at it. Pure.
"""

from __future__ import annotations

from datetime import datetime

from gate.central.roster import Gate
from gate.central.settings import Settings


def silence(gate: Gate, settings: Settings, now: datetime, *, is_retired: bool) -> str | None:
    """Since when a gate that should speak has been silent for too long, RFC 3339; None where all is well, or nothing was set."""
    if gate.revoked or is_retired:
        return None
    last_word = gate.last_seen or gate.enrolled_at
    return last_word if settings.is_silent(last_word, now) else None
