"""Officers' orders as a lane receives them: who gave it, the command, and the answer. They are authentic at this point.

`gate_core.orders` has signatures, certificates and challenges; `gate.passage.officer_commands` each order's effect in each state.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.passage.names import Concern, Disposition
from gate_core.evidence.names import Role
from gate_core.evidence.service_scope import BorderDirection


class Missing(enum.Enum):
    """What an order lacked that was carried out nevertheless, or for which it was refused. Stored; never renamed."""

    OTHER_GATE = "other_gate"
    CHALLENGE_FOREIGN = "challenge_foreign"
    CHALLENGE_OLD = "challenge_old"
    ROLE = "role"
    GATE_NOT_CERTIFIED = "gate_not_certified"
    SHIFT_NOT_BEGUN = "shift_not_begun"
    SHIFT_OVER = "shift_over"
    SHIFT_LONG_OVER = "shift_long_over"
    CLOCK_UNSURE = "clock_unsure"
    VERSION = "version"  # the lane's state had moved on


class LaneOrder(enum.Enum):
    """The orders that consist of their verb alone (`gate_core.orders.verbs`)."""

    RELEASE = "release"  # open, so that people inside can leave
    OPEN_EMERGENCY = "open-emergency"  # open and keep open
    END_EMERGENCY = "end-emergency"
    ACKNOWLEDGE = "acknowledge"  # the controller's alarms were seen
    CLOSE = "close"  # no new travellers
    PAUSE = "pause"  # the same, and people inside who are not admitted yet are offered the way back
    MAINTAIN = "maintain"  # a technician wants to work on the lane: a supervisor must consent
    CONSENT = "consent"  # the technician who asked may
    OPEN = "open"  # travellers again; a supervisor's also ends maintenance
    ACCEPT_HEAD = "accept-head"  # a supervisor answers for the log as this boot of the machine found it: it is the newest there is


@dataclass(frozen=True, slots=True)
class Said:
    """Who gave an order, with the officer's reason, and what it lacked. No personal data of a traveller."""

    officer: str
    role: Role
    reason: str = ""
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class BePresent:
    """An officer is at the lane, and reported so this many milliseconds ago."""

    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class Admit:
    """Admit the referred traveller of this crossing. `seen`: the officer was shown pictures that the lane handed out."""

    crossing: str
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Refer the running crossing."""

    crossing: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """End a referral: the traveller came with the officer, or went back."""

    crossing: str
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class ViewTraveller:
    """Show this officer the pictures and data of a waiting traveller."""

    crossing: str


@dataclass(frozen=True, slots=True)
class RaiseFlag:
    """Notify colleagues quietly of a person who may need protection: this crossing's traveller, or a person without a crossing."""

    crossing: str | None
    concern: Concern


@dataclass(frozen=True, slots=True)
class ServeDirection:
    """Serve travellers of this direction over the border."""

    direction: BorderDirection


@dataclass(frozen=True, slots=True)
class ServeTravellers:
    """Serve the travellers of this group."""

    name: str


Command = BePresent | Admit | Hold | HandOver | ViewTraveller | RaiseFlag | ServeDirection | ServeTravellers | LaneOrder


@dataclass(frozen=True, slots=True)
class Ordered:
    """An officer's order. `number`: identifies it in the lane program; `version`: the challenge's; `keys`: of the officer's certificate."""

    number: int
    version: int
    said: Said
    command: Command
    keys: frozenset[str] = frozenset()
