"""What an officer types: gates' ids, officers' names, crossings and reasons. What no order could hold is refused in words for people.

The types are those that are signed, so that nothing is refused here that a lane would take.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from gate_core.command_line.output import Exit, fail
from gate_core.orders.certificate import OfficerId
from gate_core.orders.order import REASON_CHARACTERS_MAX, Argument, Crossing
from gate_core.orders.signed_text import GateId

Reason = Annotated[str, msgspec.Meta(max_length=REASON_CHARACTERS_MAX)]
Kind = Literal["gate", "officer", "crossing", "reason", "argument"]

_WORDS: Final[dict[Kind, tuple[Any, str]]] = {
    "gate": (GateId, "a gate's id is small letters, digits and hyphens, 63 at most"),
    "officer": (OfficerId, "an officer's name is small letters, digits, dot, hyphen and underscore, 64 at most"),
    "crossing": (Crossing, "this is no crossing's id; gate officer list shows them"),
    "argument": (
        Argument,
        "directions, dispositions and groups of travellers are small letters, digits, hyphen and underscore, 32 at most",
    ),
    "reason": (Reason, f"a reason has {REASON_CHARACTERS_MAX} characters at most"),
}


def require(kind: Kind, *texts: str | None) -> None:
    """End with one line unless each text that was given can be what it should be."""
    type_, words = _WORDS[kind]
    for text in texts:
        try:
            msgspec.convert(text, type_ | None)
        except msgspec.ValidationError:
            fail(Exit.USAGE, words)
