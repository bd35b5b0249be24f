"""People's rights at central: one table of acts and roles. An act that is not in it is not permitted.

Pure. A person's party decides which gates they see (`gate_central.tenants`).
"""

from __future__ import annotations

import enum
from typing import Final


class Role(enum.Enum):
    """A person's role at central. The values are stored and never renamed."""

    AUDITOR = "auditor"  # searches and exports evidence
    OPERATOR = "operator"  # runs gates and server; sees no evidence
    SUPERVISOR = "supervisor"  # answers alarms, reads central's own log


class Doing(enum.Enum):
    """The acts that pages serve."""

    LOOK = "look at the fleet, a gate, its alarms"
    ANSWER = "answer an alarm"
    SEARCH = "look for evidence"
    CARRY = "carry evidence away"
    READ_ADMIN_LOG = "read central's own log"
    MEASURE = "fetch metrics"


ALLOWED: Final[dict[Doing, frozenset[Role]]] = {
    Doing.LOOK: frozenset(Role),
    Doing.ANSWER: frozenset({Role.SUPERVISOR}),
    Doing.SEARCH: frozenset({Role.AUDITOR}),
    Doing.CARRY: frozenset({Role.AUDITOR}),
    Doing.READ_ADMIN_LOG: frozenset({Role.SUPERVISOR}),
    Doing.MEASURE: frozenset({Role.OPERATOR}),
}


def may(role: Role, doing: Doing, *, of_whole_nation: bool) -> bool:
    """True if the role may do this. Central's own log covers all parties, so only a person without a party reads it."""
    return role in ALLOWED.get(doing, frozenset()) and (of_whole_nation or doing is not Doing.READ_ADMIN_LOG)
