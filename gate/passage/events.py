"""Events of a lane. The lane program makes them; `gate.passage.machine` answers with effects."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from gate.passage.draws import Draw
from gate.passage.names import RecordKind, TrackChange, Wish
from gate.passage.orders import Ordered, Said
from gate_core.evidence.crossing import Alarm, CameraTrouble, DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.names import Head
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import InsideStatus


class Part(enum.Enum):
    """The parts that a lane needs. `BARRIER` is the last door's; only a lane of two doors has `FIRST_BARRIER` and `SENSORS`.
    `SCREEN`: the traveller's page, as painted; `STATE`: the lane's own state file (`gate.passage.lasting_state`).
    """

    BARRIER = "barrier"
    FIRST_BARRIER = "first_barrier"
    SENSORS = "sensors"
    VISION = "vision"
    CAMERA = "camera"
    READER = "reader"
    LOG = "log"
    SCREEN = "screen"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class DocumentPresented:
    """The reader gave a machine-readable zone. `crossing` is fresh and random."""

    crossing: str


@dataclass(frozen=True, slots=True)
class DocumentRemoved:
    """The document left the chip reader."""


@dataclass(frozen=True, slots=True)
class PageGuided:
    """Guidance for laying the document on the page camera, before there is a crossing."""

    guidance: Guidance


@dataclass(frozen=True, slots=True)
class TravellerAsked:
    """A traveller's request on the page. `crossing` is fresh and random; it is opened if no crossing of theirs is running."""

    crossing: str
    wish: Wish


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """The inspection ended, with or without success."""

    crossing: str
    evidence: DocumentEvidence


@dataclass(frozen=True, slots=True)
class RegistersAnswered:
    """Answers of lists and registers about the document, or that nothing is known: each once, not all at the same time."""

    crossing: str
    findings: tuple[RegisterFinding, ...]


@dataclass(frozen=True, slots=True)
class FaceSeen:
    """What the camera sees, and guidance for the traveller.

    `session`, here and below, identifies vision's look at the traveller: each opening of the camera draws a new one. A
    person seen in one session is not known to be the person compared in another.
    """

    crossing: str
    faces: int
    guidance: Guidance
    session: int = 0


@dataclass(frozen=True, slots=True)
class FaceCompared:
    """The tracked face was compared with the chip's portrait."""

    crossing: str
    evidence: FaceEvidence
    session: int = 0


@dataclass(frozen=True, slots=True)
class TrackChanged:
    """The tracked face is no longer the compared one. `seen_ago_ms`: since it last was; `grown`: its height then, by the comparison's."""

    crossing: str
    change: TrackChange
    session: int = 0
    seen_ago_ms: int | None = None
    grown: float | None = None


@dataclass(frozen=True, slots=True)
class VideoDoubted:
    """The camera's video is not trustworthy."""

    crossing: str
    trouble: CameraTrouble


@dataclass(frozen=True, slots=True)
class Counters:
    """Passages in both directions since the controller's power-up number `power_ups`, absolute."""

    entry: int
    exit: int
    power_ups: int


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """A fresh status of a door's barrier controller. `passages` counts each direction since the latest power-up; `power_ups` counts these.

    `unknown`: the leaf's position is unknown, which is never closed. `may_be_old`: the line is late, or
    the controller has not taken the latest release: the leaf's position says nothing of that order.
    """

    closed: bool
    bodies: int
    passages_entry: int
    passages_exit: int
    power_ups: int
    grants_left: int
    fire: bool
    emergency_open: bool
    alarms: tuple[Alarm, ...]
    door: Door = Door.LAST
    unknown: bool = False
    may_be_old: bool = False

    @property
    def counters(self) -> Counters:
        """The controller's counters, absolute."""
        return Counters(self.passages_entry, self.passages_exit, self.power_ups)


@dataclass(frozen=True, slots=True)
class SensorsSeen(InsideStatus):
    """A fresh status of the sensors between the doors and in the cabinet."""

    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class LampAnswered:
    """The controller began to refuse orders to the lamp, or follows them again."""

    shown: bool


@dataclass(frozen=True, slots=True)
class GrantFailed:
    """The controller refused the grant, or its line is lost."""

    crossing: str
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Recorded:
    """An awaited record is durable."""

    crossing: str
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """An awaited record is not durable."""

    crossing: str
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class RecordReplaced:
    """The log refused a record permanently. A small record of its kind that states so replaces it."""

    crossing: str | None
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class PartLost:
    """A part of the gate was lost."""

    part: Part


@dataclass(frozen=True, slots=True)
class PartBack:
    """A part of the gate works again."""

    part: Part


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """The age of the trust lists (None: there are none), whether the clock is sure, and the site's local time."""

    trust_age_days: float | None
    clock_sure: bool
    local: datetime | None = None


@dataclass(frozen=True, slots=True)
class DrawDue:
    """The draw from now on; None: none."""

    draw: Draw | None


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """The log's head at this boot of the machine: number of entries, root (hex), who confirms it, and the age of the
    latest confirmation (None: nothing was written in this boot yet).
    """

    head: Head
    entries: int
    root: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """A refused order that officers must see: one to free people (`frees`), or one with an expired key. `said`: who
    gave it and what it lacked; None if no certified key signed it.
    """

    frees: bool
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


OfTraveller = DocumentPresented | DocumentRemoved | PageGuided | TravellerAsked | DocumentRead | RegistersAnswered
OfLook = FaceSeen | FaceCompared | TrackChanged
OfDevice = VideoDoubted | DoorSeen | SensorsSeen | LampAnswered | GrantFailed | PartLost | PartBack
OfLog = Recorded | NotRecorded | RecordReplaced | HeadSeen
Event = OfTraveller | OfLook | OfDevice | OfLog | SiteSeen | DrawDue | Ordered | OrderRefused | Tick
