"""What the programs say of themselves, with its types. One that is silent, or says something else, has said nothing."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, TypedDict, TypeVar

import msgspec

from gate.channel.message import Status
from gate_core.evidence.names import Head


class Silence(enum.Enum):
    """Why a program does not say how it is; shown in the place of what it would say."""

    AWAY = "away"  # nobody listens there, or whoever does says nothing in time
    NO_RIGHT = "no_right"  # the kernel does not let this user ask


class Alarm(TypedDict):
    """An alarm of the barrier; `waits`: for an officer to acknowledge it."""

    alarm: str
    standing: bool
    waits: bool


class Stage(msgspec.Struct, frozen=True):
    """How long one stage of crossings took: how many took up to so many seconds, of all how many, and their sum."""

    buckets: dict[str, int]
    count: int
    sum_s: float


class Leaf(msgspec.Struct, frozen=True):
    """How a door's leaf moves, in milliseconds; None where its board does not tell. `slow`: than it was."""

    opening_ms: int | None = None
    closing_ms: int | None = None
    slow: bool = False


class Counters(msgspec.Struct, frozen=True):
    """What the lane has counted since it started."""

    crossings: dict[str, int] = {}
    reasons: dict[str, int] = {}
    incidents: dict[str, int] = {}
    stages: dict[str, Stage] = {}
    guidance: dict[str, int] = {}
    pages_read: int = 0
    pages_unread: int = 0
    chips_read: int = 0
    chips_failed: int = 0
    orders_refused: int = 0
    last: dict[str, float] = {}  # of the last crossing that ended: its stages, in seconds from laying the document


class WrittenRules(msgspec.Struct, frozen=True):
    """The site's written rules, and how many days more all of those are in force that are today; None where none is."""

    version: str = ""
    days_left: int | None = None


class Lane(msgspec.Struct, frozen=True, rename={"blockers": "hinders"}):
    """Of the lane."""

    state: str | None = None
    in_service: bool = False
    lost: list[str] = []
    blockers: list[str] = []
    alarms: list[Alarm] = []
    notices: list[str] = []
    officer_seen_ago_s: float | None = None
    closed_by: str | None = None
    direction: str | None = None
    travellers: str | None = None
    trust_age_days: float | None = None
    lists: dict[str, object] = {}
    rules: WrittenRules | None = None
    clock_sure: bool | None = None
    readers: dict[str, bool] = {}
    chip: str = "up"
    lag_ms: int = 0
    late: bool = False
    frames_per_second: float | None = None
    records_owed: int = 0
    barrier_line: dict[str, int] = {}
    first_barrier_line: dict[str, int] = {}
    sensors_line: dict[str, int] = {}
    leaves: dict[str, Leaf] = {}
    counters: Counters = Counters()
    warnings: list[str] = []


class LogHead(msgspec.Struct, frozen=True):
    """The log as this boot of the machine found it, who bears out that it is the newest, and how long ago that was heard."""

    state: Head
    entries: Annotated[int, msgspec.Meta(ge=0)]
    root: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    age_s: float | None = None


class LogTimes(msgspec.Struct, frozen=True):
    """Times that the wall clock cannot stand before: the latest hour of any record, and when the mirror signed last."""

    written: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    cosigned: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class LogKeys(msgspec.Struct, frozen=True):
    """How long keys to sealed records are kept, in days by the class of the records (None: for good), the oldest day that there are keys of, how many
    holds there are, and whether somebody bears the clock out by which they go.
    """

    kept_days: dict[str, int | None] = {}
    oldest: dict[str, date] = {}
    held: int = 0
    clock_borne_out: bool = False
    problem: str | None = None


class LogKept(msgspec.Struct, frozen=True):
    """The first entry that is here, and how many days after the central server had it an entry stays (None: for good)."""

    first: int = 0
    days: int | None = None
    problem: str | None = None


class Log(msgspec.Struct, frozen=True):
    """Of the log."""

    entries: int = 0
    published: int = 0
    mirrored: int = 0
    head: LogHead | None = None
    keys: LogKeys | None = None
    kept: LogKept | None = None
    receipts_refused: int = 0
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_days_left: float | None = None
    disk_full: bool = False
    problem: str | None = None
    takes_admissions: bool = False


class Vision(msgspec.Struct, frozen=True):
    """Of vision."""

    camera: str = ""
    sensor: str = ""  # the one that gives a verdict of its own
    hot: list[str] = []


class Import(msgspec.Struct, frozen=True):
    """How the import of lists goes."""

    problem: str | None = None


class Sync(msgspec.Struct, frozen=True):
    """Of sync."""

    head: int | None = None
    pending: int | None = None
    problem: str | None = None
    certificate_days_left: float | None = None
    lists: Import | None = None


class Road(msgspec.Struct, frozen=True):
    """How the consoles' road is served: the SHA-256 of the gate's key, how many consoles watch, and why it is not."""

    key: str | None = None
    streams: int = 0
    problem: str | None = None


class Screens(msgspec.Struct, frozen=True):
    """Of screens. `console`: None of a gate that serves no console."""

    pages: int = 0
    page: str = ""
    console: Road | None = None


class RegisterState(msgspec.Struct, frozen=True):
    """How one list or register is: `ready`, `suspended` today, or why it says that nothing is known; and which edition of a list is held."""

    state: str = ""
    edition: int | None = None


class Registers(msgspec.Struct, frozen=True):
    """Of registers. `problem` is about new editions and what is to be told to owners, of which `outbox` files wait."""

    registers: dict[str, RegisterState] = {}
    problem: str | None = None
    outbox: int = 0


Said = TypeVar("Said", Lane, Log, Vision, Sync, Screens, Registers)


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """Everything that the programs say, or why they do not."""

    answers: Mapping[str, Status | Silence]
    lane: Lane
    log: Log
    vision: Vision
    sync: Sync
    screens: Screens
    registers: Registers

    @classmethod
    def of(cls, answers: Mapping[str, Status | Silence]) -> ProgramStatus:
        """These answers, by the programs' names."""
        return cls(
            answers,
            _said(answers, "lane", Lane),
            _said(answers, "log", Log),
            _said(answers, "vision", Vision),
            _said(answers, "sync", Sync),
            _said(answers, "screens", Screens),
            _said(answers, "registers", Registers),
        )

    def says(self, program: str) -> bool:
        """True when the program says how it is."""
        return isinstance(self.answers.get(program), Status)

    @property
    def ok(self) -> bool:
        """True when every program answers, the log is ready and the lane is in service: what `gate status` and `gate selftest` call well."""
        all_say = all(isinstance(one, Status) for one in self.answers.values())
        return all_say and self.lane.in_service and self.states()["log"] == "ready"

    def is_away(self, program: str) -> bool:
        """True when a program that this gate runs does not answer; False as well when this user may not ask it."""
        return self.answers.get(program) is Silence.AWAY

    def details(self) -> dict[str, dict[str, object]]:
        """All that was said, as it was said."""
        return {name: one.detail if isinstance(one, Status) else {} for name, one in self.answers.items()}

    def states(self) -> dict[str, str]:
        """A word a program."""
        return {name: one.state if isinstance(one, Status) else one.value for name, one in self.answers.items()}


def _said(answers: Mapping[str, Status | Silence], program: str, kind: type[Said]) -> Said:
    answer = answers.get(program)
    try:
        return msgspec.convert(answer.detail, kind) if isinstance(answer, Status) else kind()
    except msgspec.ValidationError:
        return kind()
