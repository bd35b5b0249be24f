"""What a judge may find wrong."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Wrong(enum.Enum):
    """What makes an opening wrong; the last two are of a lane of two doors."""

    NO_ADMISSION = "no_admission"
    BEYOND_GRANT = "beyond_grant"
    GRANT_OUTLIVED = "grant_outlived"
    WRONG_PERSON = "wrong_person"
    BOTH_OPEN = "both_open"
    LOCKED_IN = "locked_in"


@dataclass(frozen=True, slots=True)
class Finding:
    """One of them."""

    at_ms: int
    kind: Wrong
    why: str
