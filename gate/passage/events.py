"""What may happen to a lane, as values. The lane program makes them; `gate.passage.machine` answers with effects."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from gate.passage.draws import Draw
from gate.passage.orders import Ordered, Said
from gate_core.evidence.crossing import Alarm, CameraTrouble, DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.names import Head
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import InsideStatus


class RecordClass(enum.Enum):
    """What a record is about, as the log says in clear."""

    CROSSING = "crossing"  # it belongs to a traveller's crossing, whatever its kind
    DEVICE = "device"
    ADMINISTRATION = "administration"


class RecordKind(enum.Enum):
    """The kinds of audit records. Stored; never renamed."""

    STARTED = "started"
    OPENED = "opened"
    ENTRY_DECIDED = "entry_decided"
    DECIDED = "decided"
    OVERRULED = "overruled"
    GRANTED = "granted"
    PASSED = "passed"
    COUNTED = "counted"
    REVOKED = "revoked"
    GRANT_ENDED = "grant_ended"
    CLOSED = "closed"
    DISPOSITION = "disposition"
    INCIDENT = "incident"
    RELEASE = "release"
    EMERGENCY_BEGAN = "emergency_began"
    EMERGENCY_ENDED = "emergency_ended"
    ALARM_ENDED = "alarm_ended"
    PRESENCE = "presence"
    OBEYED = "obeyed"
    VIEWED = "viewed"
    WOULD_ADMIT = "would_admit"
    FLAGGED = "flagged"
    LISTS_UPDATED = "lists_updated"
    NOTICE_SHOWN = "notice_shown"
    RULES_STATED = "rules_stated"
    DRAW_COMMITTED = "draw_committed"
    DRAW_REVEALED = "draw_revealed"
    GROUPS_COUNTED = "groups_counted"
    STOPPED = "stopped"
    ASKED = "asked"
    HEAD_ACCEPTED = "head_accepted"


class Wish(enum.Enum):
    """What a traveller may ask for on the page. Stored; never renamed."""

    HELP = "help"  # an officer
    PROTECTION = "protection"  # an officer, and that nothing about them leaves the gate
    MORE_TIME = "more_time"


class TrackChange(enum.Enum):
    """What became of the tracked face after the comparison."""

    LOST = "lost"
    SWITCHED = "switched"
    SEVERAL = "several"


class Part(enum.Enum):
    """The parts of the gate that a lane cannot do without. `BARRIER` is the last door's, `FIRST_BARRIER` and `SENSORS` a lane of two doors has.
    `SCREEN` is the traveller's page, as painted, `STATE` the lane's own state file (`gate.passage.lasting_state`).
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
    """How the traveller can help the camera over the page, before there is a crossing."""

    guidance: Guidance


@dataclass(frozen=True, slots=True)
class TravellerAsked:
    """Somebody asks for something on the page. `crossing` is fresh and random: it is opened for whoever calls while none of theirs runs."""

    crossing: str
    wish: Wish


@dataclass(frozen=True, slots=True)
class DocumentRead:
    """The inspection ended, well or not."""

    crossing: str
    evidence: DocumentEvidence


@dataclass(frozen=True, slots=True)
class RegistersAnswered:
    """What lists and registers say of the document of this crossing, or that nothing is known: each once, some of them later than others."""

    crossing: str
    findings: tuple[RegisterFinding, ...]


@dataclass(frozen=True, slots=True)
class FaceSeen:
    """What the camera sees, and how the traveller can help.

    `session`, here and below, is the look at the traveller that it comes from: vision draws a new one whenever it opens the camera, so
    whoever was compared in one is not known to be the one who is seen in another.
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
    """The tracked face is no longer the one that was compared. It was last proved to be it so long ago, and was `grown` times as tall then. None: not known."""

    crossing: str
    change: TrackChange
    session: int = 0
    seen_ago_ms: int | None = None
    grown: float | None = None


@dataclass(frozen=True, slots=True)
class VideoDoubted:
    """The camera's video cannot be believed."""

    crossing: str
    trouble: CameraTrouble


@dataclass(frozen=True, slots=True)
class Counters:
    """Passages in both directions since the controller was powered up for the `power_ups`th time, absolute."""

    entry: int
    exit: int
    power_ups: int


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """A fresh status of a door's barrier controller. `passages` counts each direction since its latest power-up, `power_ups` these.

    `unknown`: where the leaf is cannot be told, which is never closed. `may_be_old`: it cannot because the line is late.
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
        """What the controller counted, absolute."""
        return Counters(self.passages_entry, self.passages_exit, self.power_ups)


@dataclass(frozen=True, slots=True)
class SensorsSeen(InsideStatus):
    """A fresh look of the sensors between the doors and in the cabinet."""

    age_ms: int = 0


@dataclass(frozen=True, slots=True)
class LampAnswered:
    """The controller began to refuse the lamp's orders, or obeys them again."""

    shown: bool


@dataclass(frozen=True, slots=True)
class GrantFailed:
    """The controller said no, or the way to it is gone."""

    crossing: str
    door: Door = Door.LAST


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that was waited for is durable."""

    crossing: str
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """A record that was waited for is not durable."""

    crossing: str
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class RecordReplaced:
    """The log refused a record for good. A small one of its kind that says so takes its place."""

    crossing: str | None
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class PartLost:
    """A part of the gate is gone."""

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
    """From now on this is drawn by; None: nobody is drawn any more."""

    draw: Draw | None


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """What the log says of its head: how many entries, with which root (hex), this boot of the machine found, who bears that out, and how long
    ago the latest word of it came (None: nothing was written in this boot yet).
    """

    head: Head
    entries: int
    root: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """An order was refused that an officer must hear of: one to free people (`frees`), or one under a key whose shift is over. `said` is who gave
    it and what it lacked; None where no certified key has signed it.
    """

    frees: bool
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


OfTraveller = DocumentPresented | DocumentRemoved | PageGuided | TravellerAsked | DocumentRead | RegistersAnswered
OfLook = FaceSeen | FaceCompared | TrackChanged
OfDevice = VideoDoubted | DoorSeen | SensorsSeen | LampAnswered | GrantFailed | PartLost | PartBack
OfLog = Recorded | NotRecorded | RecordReplaced | HeadSeen
Event = OfTraveller | OfLook | OfDevice | OfLog | SiteSeen | DrawDue | Ordered | OrderRefused | Tick
