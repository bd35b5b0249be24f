"""What the lane program must do, in the order given. Nothing here is optional, and nothing else moves a door."""

from __future__ import annotations

from dataclasses import dataclass

from gate.passage.evidence import Alarm
from gate.passage.orders import Outcome
from gate.passage.records import Record
from gate.passage.screen import Guidance, Screen


@dataclass(frozen=True, slots=True)
class Write:
    """Write a record. `awaited`: the machine stands still until `Recorded` or `NotRecorded`; otherwise it is owed,
    written as soon as the log takes it, and never waited for.
    """

    record: Record
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class StartCrossing:
    """Read the chip and open the camera, side by side."""

    crossing: str


@dataclass(frozen=True, slots=True)
class LookAtLane:
    """Ask the barrier controller now; the answer comes as `LaneSeen`."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Let one person through. The only effect that opens for a traveller."""

    crossing: str
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take the grant back, now."""


@dataclass(frozen=True, slots=True)
class Release:
    """Open so that whoever is inside can leave, now."""


@dataclass(frozen=True, slots=True)
class EndEmergency:
    """Tell the controller that the emergency is over; it refuses while the fire input is active."""


@dataclass(frozen=True, slots=True)
class ClearAlarms:
    """Have the controller clear these alarms, as far as their cause is gone."""

    alarms: tuple[Alarm, ...]


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


@dataclass(frozen=True, slots=True)
class Erase:
    """End everything biometric of this crossing."""

    crossing: str


Effect = (
    Write | StartCrossing | LookAtLane | Grant | Revoke | Release | EndEmergency | ClearAlarms | Answer | Show | Erase
)
