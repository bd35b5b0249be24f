"""Effects: what the lane program must do, in this order. None is optional, and nothing else moves a door."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.passage.names import Outcome
from gate.passage.records import Record
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Guidance, Screen


@dataclass(frozen=True, slots=True)
class Write:
    """Write a record. `awaited`: the machine waits for its outcome. Otherwise the record stays in the outbox until the log takes it."""

    record: Record
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class StartCrossing:
    """Read the chip and open the camera at the same time; with two doors, `OpenCamera` follows inside."""

    crossing: str


@dataclass(frozen=True, slots=True)
class OpenCamera:
    """Open the camera: the traveller is inside now."""

    crossing: str


@dataclass(frozen=True, slots=True)
class LookAtLane:
    """Request a status of every door's controller now; the answers come as `DoorSeen`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Let one person through a door. The only effect that opens for a traveller."""

    crossing: str
    ttl_ms: int
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take a door's grant back now."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Release:
    """Open a door now, so that people inside can leave."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class EndEmergency:
    """Tell a door's controller that the emergency is over; it refuses while the fire input is active."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class ClearAlarms:
    """Tell a door's controller to clear these alarms, as far as their cause has ended."""

    alarms: tuple[Alarm, ...]
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an officer's order. After ORDERED the officer is answered again, with what the sensors show."""

    number: int
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """What the traveller's screen shows."""

    screen: Screen
    guidance: Guidance = Guidance.NONE


class Shown(enum.Enum):
    """What present officers are shown of a crossing that ends; it is sealed to them before the end."""

    NOTHING = "nothing"
    PICTURES = "pictures"  # and the particulars of the document: it was referred
    ALARM = "alarm"  # beside them the moments of the look: what raised the referral is that it may be no person's face


@dataclass(frozen=True, slots=True)
class Erase:
    """Delete everything biometric of this crossing, and all document data."""

    crossing: str
    shown: Shown = Shown.NOTHING


OfBarrier = Revoke | Release | EndEmergency | ClearAlarms
Effect = Write | StartCrossing | OpenCamera | LookAtLane | Grant | OfBarrier | Answer | Show | Erase
