"""Table of the orders' verbs, and of the roles and parties that may give them (docs/protocols/orders.md).

Left to `gate.passage`: a verb's effect, and the lane states in which it is possible.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate_core.evidence.names import Role


class Verb(enum.Enum):
    """The verbs. The values are signed, stored, and used on the command line; never renamed."""

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
    """The certified employer of a shift key's holder. Stored; never renamed."""

    POLICE = "police"
    AIRPORT = "airport"
    INTEGRATOR = "integrator"


# The roles that each party can have. A certificate with another role cannot order anything (`Lack.ROLE`).
ROLES: dict[Party, frozenset[Role]] = {
    Party.POLICE: frozenset(Role),
    Party.INTEGRATOR: frozenset({Role.TECHNICIAN, Role.AUDITOR}),
    Party.AIRPORT: frozenset({Role.AUDITOR}),
}


class Power(enum.Enum):
    """A verb's effect on permission, which decides the defects that prevent an order (`gate_core.orders.order`)."""

    GIVES = "gives"  # lets a person pass or see, or the lane continue: no defect is allowed
    TAKES = "takes"  # removes permission, or gives none: an unsure clock does not prevent it
    FREES = "frees"  # frees people: neither an unsure clock nor a recently ended shift prevents it


@dataclass(frozen=True, slots=True)
class Row:
    """A verb's row: its power, the permitted roles, and what the order must have."""

    power: Power
    roles: frozenset[Role]
    crossing: bool = False
    reason: bool = False
    arguments: tuple[str, ...] = ()
    named: bool = False  # its argument is a name from the site's configuration


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
