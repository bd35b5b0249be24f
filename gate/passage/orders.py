"""Officers' orders as a lane takes them: who said it, what is wanted, and how it is answered. Authentic by the time they come here.

Signatures, certificates and challenges are `gate_core.orders`'s; what each order does in each state, `gate.passage.officer_commands`'s.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate_core.evidence.names import Role
from gate_core.evidence.service_scope import BorderDirection


class Missing(enum.Enum):
    """What an order lacked that was obeyed all the same, or for which one was refused. Stored; never renamed."""

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


class Disposition(enum.Enum):
    """What became of a referral. Stored; never renamed."""

    ADMITTED_BY_OFFICER = "admitted_by_officer"
    WALKED_BACK = "walked_back"
    TAKEN_OVER = "taken_over"


class Concern(enum.Enum):
    """Why an officer raised a flag over somebody. Stored; never renamed."""

    CHILD = "child"
    TRAFFICKING = "trafficking"
    UNWELL = "unwell"
    OTHER = "other"


class LaneOrder(enum.Enum):
    """The orders that say no more than their verb (`gate_core.orders.verbs`)."""

    RELEASE = "release"  # open, so that whoever is inside can leave
    OPEN_EMERGENCY = "open-emergency"  # open and keep open
    END_EMERGENCY = "end-emergency"
    ACKNOWLEDGE = "acknowledge"  # the controller's alarms were seen
    CLOSE = "close"  # no new travellers
    PAUSE = "pause"  # the same, and whoever is inside and not let through yet is offered the way back
    MAINTAIN = "maintain"  # a technician wants to work on the lane: a supervisor must consent
    CONSENT = "consent"  # the technician who asked may
    OPEN = "open"  # travellers again; also the end of maintenance
    ACCEPT_HEAD = "accept-head"  # a supervisor answers for the log as this boot of the machine found it: it is the newest there is


class Outcome(enum.Enum):
    """How an order is answered."""

    DONE = "done"
    ORDERED = "ordered"  # on its way; nothing has confirmed it yet
    ONE_MORE = "one_more"  # an admission that takes two officers: it is recorded, and lets nobody through yet
    IMPOSSIBLE = "impossible"  # not in this state of the lane, or not by this lane
    STALE = "stale"  # it answers an old challenge or version: look again
    FORBIDDEN = "forbidden"  # not by this key, here or now


@dataclass(frozen=True, slots=True)
class Said:
    """Whose word an order is, in which words, and what it lacked. No personal data of a traveller."""

    officer: str
    role: Role
    reason: str = ""
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class BePresent:
    """An officer is at the lane, and said so this long ago, in milliseconds."""

    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class Admit:
    """Let the traveller through who was referred in this crossing. `seen`: the officer was shown pictures that the lane has handed out."""

    crossing: str
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Refer the crossing that runs."""

    crossing: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """End a referral: the traveller went along, or back."""

    crossing: str
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class ViewTraveller:
    """Show this officer the pictures and particulars of a traveller who waits."""

    crossing: str


@dataclass(frozen=True, slots=True)
class RaiseFlag:
    """Tell colleagues quietly of somebody who may need protection: the traveller of this crossing, or somebody who has none."""

    crossing: str | None
    concern: Concern


@dataclass(frozen=True, slots=True)
class ServeDirection:
    """Serve travellers who go this way over the border."""

    direction: BorderDirection


@dataclass(frozen=True, slots=True)
class ServeTravellers:
    """Serve the travellers of this group."""

    name: str


Command = BePresent | Admit | Hold | HandOver | ViewTraveller | RaiseFlag | ServeDirection | ServeTravellers | LaneOrder


@dataclass(frozen=True, slots=True)
class Ordered:
    """An officer's order. `number` is the desk's, `version` the challenge's, `keys` are the officer's certificate's."""

    number: int
    version: int
    said: Said
    command: Command
    keys: frozenset[str] = frozenset()
