"""What the machine found before it referred, as the lane tells it on the road to the console, read once.

Members that a newer gate adds are passed over; findings that cannot be read are none, since the officer looks at document and
traveller either way. Nothing here is personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gate_core.console_link import Text, Word


class Check(msgspec.Struct, frozen=True):
    """One check of document or page, as the crossing's evidence has it."""

    id: Word
    result: Word
    reason: Text = ""
    clause: Word = ""


class Findings(msgspec.Struct, frozen=True):
    """What was found. A number that is None was not measured."""

    checks: tuple[Check, ...] = ()
    page_checks: tuple[Check, ...] = ()
    access: Word | None = None
    face_score: float | None = None
    face_threshold: float | None = None
    liveness: float | None = None
    liveness_bound: float | None = None
    quality: tuple[Word, ...] = ()


def read(found: Mapping[str, Any]) -> Findings:
    """The findings of a crossing that waits."""
    try:
        return msgspec.convert(found, Findings)
    except msgspec.ValidationError:
        return Findings()
