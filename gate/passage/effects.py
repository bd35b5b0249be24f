"""What the lane program must do, in the order given. Nothing here is optional, and nothing else moves a door."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.passage.orders import Outcome
from gate.passage.records import Record
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Guidance, Screen


@dataclass(frozen=True, slots=True)
class Write:
    """Write a record. `awaited`: the machine waits for its outcome. Else the record is owed until the log takes it."""

    record: Record
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class StartCrossing:
    """Read the chip and open the camera, side by side; of two doors, `OpenCamera` follows inside."""

    crossing: str


@dataclass(frozen=True, slots=True)
class OpenCamera:
    """Look at the traveller, who is inside now."""

    crossing: str


@dataclass(frozen=True, slots=True)
class LookAtLane:
    """Ask every door's barrier controller now; the answers come as `DoorSeen`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Let one person through a door. The only effect that opens for a traveller."""

    crossing: str
    ttl_ms: int
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take the grant of a door back, now."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Release:
    """Open a door so that whoever is inside can leave, now."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class EndEmergency:
    """Tell a door's controller that the emergency is over; it refuses while the fire input is active."""

    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class ClearAlarms:
    """Have a door's controller clear these alarms, as far as their cause is gone."""

    alarms: tuple[Alarm, ...]
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an officer's order. After ORDERED, whoever asks is told what the sensors show."""

    number: int
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """What the traveller's screen shows."""

    screen: Screen
    guidance: Guidance = Guidance.NONE


class Shown(enum.Enum):
    """What officers who are present are shown of a crossing that ends: it is sealed to them before the end."""

    NOTHING = "nothing"
    PICTURES = "pictures"  # and the particulars of the document: it was referred
    ALARM = "alarm"  # beside them the moments of the look: what raised the referral is that it may be no person's face


@dataclass(frozen=True, slots=True)
class Erase:
    """End everything biometric of this crossing, and everything that is known of the document."""

    crossing: str
    shown: Shown = Shown.NOTHING


OfBarrier = Revoke | Release | EndEmergency | ClearAlarms
Effect = Write | StartCrossing | OpenCamera | LookAtLane | Grant | OfBarrier | Answer | Show | Erase
