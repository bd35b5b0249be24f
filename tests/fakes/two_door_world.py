"""The hostile world around a lane of two doors: people, failing boards, any order of officers, and events that no honest program sends."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from fakes.passage_examples import GENUINE, SAME_FACE
from fakes.two_door_lane import EMPTY

from gate.passage.effects import ClearAlarms, Effect, EndEmergency, Grant, Release, Revoke
from gate.passage.events import (
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    SensorsSeen,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.names import Disposition, RecordKind, TrackChange
from gate.passage.orders import Admit, Command, HandOver, Hold, LaneOrder
from gate_core.evidence.crossing import Alarm, CameraTrouble, Door
from gate_core.evidence.screen import Guidance

OPEN_MS = 3_000
BOARD_TROUBLES = ("deaf", "mute", "chatters", "anew", "burns", "forced", "alarm")
TROUBLES = (*BOARD_TROUBLES, "lies", "blind", "unit", "pressed", "restart", "busy")


@dataclass
class Person:
    """Somebody, and whether document and face are theirs and good."""

    good: bool
    crossing: str = ""
    place: str = "hall"
    goes: float = 0.2  # how likely they go through an open leaf, a step
    enclosed_ms: int = 0
    called_ms: int | None = None  # for how long, while the first door could be heard


@dataclass
class Board:
    """A door and its controller."""

    door: Door
    entry: int = 0
    exit: int = 0
    power_ups: int = 1
    grant_until: int = -1
    release_until: int = -1
    closes_at: int = -1
    forced_until: int = -1
    fire_until: int = -1
    emergency: bool = False
    bodies: int = 0
    alarms: set[Alarm] = field(default_factory=set)
    wire: list[tuple[int, Effect]] = field(default_factory=list)
    deaf_until: int = -1
    mute_until: int = -1
    chatters_until: int = -1
    told_ms: int = -(10**9)  # when it was last told to open, whether or not it heard
    heard_ms: int = 0
    lost: bool = False

    def is_open(self, now_ms: int) -> bool:
        """Where the leaf truly is."""
        ordered_open = now_ms < max(self.grant_until, self.release_until, self.closes_at)
        return self.emergency or ordered_open or now_ms < max(self.forced_until, self.fire_until)

    def obeys(self, now_ms: int) -> None:
        """Carry out the orders that have come."""
        for due in [one for one in self.wire if one[0] <= now_ms]:
            self.wire.remove(due)
            match due[1]:
                case Grant(_, ttl_ms):
                    self.grant_until = now_ms + ttl_ms
                case Revoke():
                    self.grant_until = -1
                case Release():
                    self.release_until = now_ms + OPEN_MS
                case EndEmergency():
                    self.emergency = now_ms < self.fire_until
                case ClearAlarms(some):
                    self.alarms -= set(some)
                case _:
                    pass
        self.emergency |= now_ms < self.fire_until

    def fails(self, how: str, until: int, rng: random.Random) -> None:
        """Something of `BOARD_TROUBLES` goes wrong with it."""
        match how:
            case "deaf":
                self.deaf_until = until
            case "mute":
                self.mute_until = until
            case "chatters":
                self.chatters_until = until
            case "anew":
                self.entry = self.exit = 0
                self.power_ups += 1
                self.grant_until = self.release_until = -1
            case "burns":
                self.fire_until = until
            case "forced":
                self.forced_until = until
                self.alarms.add(Alarm.FORCED)
            case _:
                self.alarms.add(rng.choice(list(Alarm)))

    def status(self, now_ms: int, rng: random.Random) -> DoorSeen:
        """What it says of itself."""
        closed = not self.is_open(now_ms)
        if now_ms < self.chatters_until:
            closed = rng.random() < 0.5
        return DoorSeen(
            closed=closed,
            bodies=self.bodies,
            passages_entry=self.entry,
            passages_exit=self.exit,
            power_ups=self.power_ups,
            grants_left=int(now_ms < self.grant_until),
            fire=now_ms < self.fire_until,
            emergency_open=self.emergency,
            alarms=tuple(alarm for alarm in Alarm if alarm in self.alarms),
            door=self.door,
        )


def any_command(rng: random.Random, waits: list[str], running: str) -> Command:
    """An order at the wrong time, mostly."""
    some: list[Command] = [
        *(4 * [Admit(rng.choice([*waits, running]))]),
        *(4 * [HandOver(rng.choice(waits), rng.choice(list(Disposition)))]),
        *(3 * [LaneOrder.OPEN]),
        *(3 * [LaneOrder.ACKNOWLEDGE]),
        *(3 * [LaneOrder.END_EMERGENCY]),
        Hold(running),
        LaneOrder.RELEASE,
        LaneOrder.PAUSE,
        LaneOrder.CLOSE,
        LaneOrder.MAINTAIN,
        LaneOrder.CONSENT,
    ]
    return LaneOrder.OPEN_EMERGENCY if rng.random() < 0.02 else rng.choice(some)


def any_lie(rng: random.Random, running: str, others: list[str]) -> Event:
    """What no honest neighbour says: of another crossing, of another door, of nothing that was asked."""
    crossing = rng.choice([running, *others, "x"])
    kind = rng.choice([one for one in RecordKind if one is not RecordKind.OPENED])
    own = crossing == running
    told: list[Event] = [
        Recorded("x" if own else crossing, kind),
        NotRecorded(crossing, kind),
        GrantFailed(crossing, rng.choice(list(Door))),
        FaceSeen(crossing, rng.choice([0, 1, 2, 99]), Guidance.NONE, rng.randrange(9)),
        FaceCompared("x" if own else crossing, SAME_FACE, rng.randrange(9)),
        TrackChanged(crossing, rng.choice(list(TrackChange)), rng.randrange(9)),
        VideoDoubted(crossing, rng.choice(list(CameraTrouble))),
        DocumentRead("x" if own else crossing, GENUINE),
        DocumentRemoved(),
        PartLost(rng.choice([Part.READER, Part.LOG, Part.VISION, Part.CAMERA])),
        PartBack(rng.choice([Part.READER, Part.LOG, Part.VISION, Part.CAMERA])),
    ]
    return rng.choice(told)


def any_sensors(rng: random.Random, session: int) -> SensorsSeen:
    """What the unit says beside people, until it says something else."""
    return replace(
        EMPTY,
        session=session + (rng.random() < 0.3),
        object_left=rng.choice([False, False, True, None]),
        cabinet_open=rng.random() < 0.1,
        mains_present=rng.random() < 0.9,
    )
