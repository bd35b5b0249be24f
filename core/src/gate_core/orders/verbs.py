"""Verbs, roles and parties: what may be said to a lane and by whom (docs/protocols/orders.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate_core.evidence.names import Role


class Verb(enum.Enum):
    """What can be ordered. The values are signed, stored and typed on the command line; never renamed."""

    PRESENT = "present"
    ADMIT = "admit"
    REFER = "refer"
    HAND_OVER = "hand-over"
    VIEW = "view"
    FLAG = "flag"
    RELEASE = "release"
    OPEN_EMERGENCY = "open-emergency"
    END_EMERGENCY = "end-emergency"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    PAUSE = "pause"
    MAINTAIN = "maintain"
    CONSENT = "consent"
    OPEN = "open"
    DIRECTION = "direction"
    MODE = "mode"
    ACCEPT_HEAD = "accept-head"


class Party(enum.Enum):
    """For whom the holder of a shift key works, as the authority certified it. Stored; never renamed."""

    POLICE = "police"
    AIRPORT = "airport"
    INTEGRATOR = "integrator"


# Whoever may decide nothing for their party has no role that does: a certificate that says otherwise orders nothing (`order`).
ROLES: dict[Party, frozenset[Role]] = {
    Party.POLICE: frozenset(Role),
    Party.INTEGRATOR: frozenset({Role.TECHNICIAN, Role.AUDITOR}),
    Party.AIRPORT: frozenset({Role.AUDITOR}),
}


class Power(enum.Enum):
    """What a verb does to permission: decides what an order must bring along (`gate_core.orders.order`)."""

    GIVES = "gives"  # lets somebody pass or see, or the lane go on: everything about it must be certain
    TAKES = "takes"  # takes permission away, or gives none: an unsure clock does not block it
    FREES = "frees"  # lets people out: neither an unsure clock nor a shift that ended lately blocks it


@dataclass(frozen=True, slots=True)
class Row:
    """One row: who may, what it does to permission, and what the order must name."""

    power: Power
    roles: frozenset[Role]
    crossing: bool = False
    reason: bool = False
    arguments: tuple[str, ...] = ()
    named: bool = False  # its argument is a name that the lane's site gave


_AT_THE_LANE = frozenset({Role.OFFICER, Role.SUPERVISOR})
_SUPERVISOR = frozenset({Role.SUPERVISOR})
_ALL = frozenset(Role) - {Role.AUDITOR}

VERBS: dict[Verb, Row] = {
    Verb.PRESENT: Row(Power.GIVES, _AT_THE_LANE),
    Verb.ADMIT: Row(Power.GIVES, _AT_THE_LANE, crossing=True, reason=True),
    Verb.REFER: Row(Power.TAKES, _AT_THE_LANE, crossing=True),
    Verb.HAND_OVER: Row(Power.TAKES, _AT_THE_LANE, crossing=True, arguments=("taken_over", "walked_back")),
    Verb.VIEW: Row(Power.GIVES, _AT_THE_LANE, crossing=True),
    Verb.FLAG: Row(Power.TAKES, _ALL, arguments=("child", "trafficking", "unwell", "other")),
    Verb.RELEASE: Row(Power.FREES, _ALL),
    Verb.OPEN_EMERGENCY: Row(Power.FREES, _ALL),
    Verb.END_EMERGENCY: Row(Power.GIVES, _AT_THE_LANE),
    Verb.ACKNOWLEDGE: Row(Power.GIVES, _ALL),
    Verb.CLOSE: Row(Power.TAKES, _ALL),
    Verb.PAUSE: Row(Power.TAKES, _ALL),
    Verb.MAINTAIN: Row(Power.TAKES, frozenset({Role.TECHNICIAN})),
    Verb.CONSENT: Row(Power.TAKES, _SUPERVISOR),
    Verb.OPEN: Row(Power.GIVES, _AT_THE_LANE),
    Verb.DIRECTION: Row(Power.GIVES, _SUPERVISOR, arguments=("entry", "exit")),
    Verb.MODE: Row(Power.GIVES, _SUPERVISOR, named=True),
    Verb.ACCEPT_HEAD: Row(Power.GIVES, _SUPERVISOR),
}
