"""What people may do at central: one table of acts and roles. What does not stand in it is not permitted.

Pure. Of which gates is decided by a person's party (`gate_central.tenants`).
"""

from __future__ import annotations

import enum
from typing import Final


class Role(enum.Enum):
    """What somebody is at central. Values are stored and never renamed."""

    AUDITOR = "auditor"  # looks for evidence and carries it away
    OPERATOR = "operator"  # keeps gates and server running; sees no evidence
    SUPERVISOR = "supervisor"  # answers alarms, and sees who read what


class Doing(enum.Enum):
    """What a page is for."""

    LOOK = "look at the fleet, a gate, its alarms"
    ANSWER = "answer an alarm"
    SEARCH = "look for evidence"
    CARRY = "carry evidence away"
    READ_ACTS = "read central's own log"
    MEASURE = "fetch metrics"


ALLOWED: Final[dict[Doing, frozenset[Role]]] = {
    Doing.LOOK: frozenset(Role),
    Doing.ANSWER: frozenset({Role.SUPERVISOR}),
    Doing.SEARCH: frozenset({Role.AUDITOR}),
    Doing.CARRY: frozenset({Role.AUDITOR}),
    Doing.READ_ACTS: frozenset({Role.SUPERVISOR}),
    Doing.MEASURE: frozenset({Role.OPERATOR}),
}


def may(role: Role, doing: Doing, *, of_whole_nation: bool) -> bool:
    """Whether somebody may. Central's own log tells of every party, so only who is of none reads it."""
    return role in ALLOWED.get(doing, frozenset()) and (of_whole_nation or doing is not Doing.READ_ACTS)
