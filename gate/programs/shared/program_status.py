"""The programs' status answers, with types, for `gate status`, the degraded modes and the metrics.

A program that does not answer, or answers with an invalid message, counts as failed.
"""

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
    """Why a program's status is missing; shown instead of it."""

    AWAY = "away"  # no program listens, or it does not answer in time
    NO_RIGHT = "no_right"  # this user may not connect


class Alarm(TypedDict):
    """An alarm of the barrier. `waits`: not acknowledged by an officer yet."""

    alarm: str
    standing: bool
    waits: bool


class Stage(msgspec.Struct, frozen=True):
    """Histogram of a duration: counts by upper bound in seconds, total count, sum in seconds."""

    buckets: dict[str, int]
    count: int
    sum_s: float


class Leaf(msgspec.Struct, frozen=True):
    """A door leaf's times in milliseconds; None if the board does not report them. `slow`: slower than before."""

    opening_ms: int | None = None
    closing_ms: int | None = None
    slow: bool = False


class Counters(msgspec.Struct, frozen=True):
    """The lane's counters since its start."""

    crossings: dict[str, int] = {}
    reasons: dict[str, int] = {}
    incidents: dict[str, int] = {}
    stages: dict[str, Stage] = {}
    orders: dict[str, Stage] = {}  # from the cause of a revocation or release to the board's confirmation
    guidance: dict[str, int] = {}
    pages_read: int = 0
    pages_unread: int = 0
    chips_read: int = 0
    chips_failed: int = 0
    orders_refused: int = 0
    last: dict[str, float] = {}  # stages of the last ended crossing, in seconds since the document was presented


class WrittenRules(msgspec.Struct, frozen=True):
    """The site's written rules, and the days until the first of today's rules expires; None without rules."""

    version: str = ""
    days_left: int | None = None


class Lane(msgspec.Struct, frozen=True, rename={"blockers": "hinders"}):
    """The lane's status."""

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
    """The log as found at this boot, whether it is confirmed as the newest, and the seconds since then."""

    state: Head
    entries: Annotated[int, msgspec.Meta(ge=0)]
    root: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    age_s: float | None = None


class LogTimes(msgspec.Struct, frozen=True):
    """Lower bounds of the time: the latest hour of a record, and the mirror's last signature."""

    written: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    cosigned: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class LogKeys(msgspec.Struct, frozen=True):
    """Retention of keys to sealed records: days by class (None: never deleted), the oldest day with keys by class, the
    number of holds, and whether the clock is confirmed.
    """

    kept_days: dict[str, int | None] = {}
    oldest: dict[str, date] = {}
    held: int = 0
    clock_borne_out: bool = False
    problem: str | None = None


class LogKept(msgspec.Struct, frozen=True):
    """The first stored entry, and the days that an entry is kept after central has it (None: never deleted)."""

    first: int = 0
    days: int | None = None
    problem: str | None = None


class Log(msgspec.Struct, frozen=True):
    """The log's status."""

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


class Vision(msgspec.Struct, frozen=True):
    """Vision's status."""

    camera: str = ""
    sensor: str = ""  # the PAD sensor
    hot: list[str] = []


class Import(msgspec.Struct, frozen=True):
    """State of the lists' import."""

    problem: str | None = None


class Sync(msgspec.Struct, frozen=True):
    """Sync's status."""

    head: int | None = None
    pending: int | None = None
    problem: str | None = None
    certificate_days_left: float | None = None
    lists: Import | None = None


class ConsoleState(msgspec.Struct, frozen=True):
    """The service for consoles: SHA-256 of the gate's key, number of watching consoles, and its fault, if any."""

    key: str | None = None
    streams: int = 0
    problem: str | None = None


class Screens(msgspec.Struct, frozen=True):
    """Screens' status. `console`: None if the gate serves no consoles."""

    pages: int = 0
    page: str = ""
    console: ConsoleState | None = None


class RegisterState(msgspec.Struct, frozen=True):
    """State of a list or register: `ready`, `suspended` today, or why it answers UNKNOWN; and a list's edition."""

    state: str = ""
    edition: int | None = None


class Registers(msgspec.Struct, frozen=True):
    """Registers' status. `problem`: of new editions or of reports to owners, of which `outbox` files wait."""

    registers: dict[str, RegisterState] = {}
    problem: str | None = None
    outbox: int = 0


Said = TypeVar("Said", Lane, Log, Vision, Sync, Screens, Registers)


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """The status of all programs, or why it is missing."""

    answers: Mapping[str, Status | Silence]
    lane: Lane
    log: Log
    vision: Vision
    sync: Sync
    screens: Screens
    registers: Registers

    @classmethod
    def of(cls, answers: Mapping[str, Status | Silence]) -> ProgramStatus:
        """Build from the answers by program name."""
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
        """True if the program answered."""
        return isinstance(self.answers.get(program), Status)

    @property
    def ok(self) -> bool:
        """True if every program answers, the log is ready and the lane in service (`gate status`, `gate selftest`)."""
        all_say = all(isinstance(one, Status) for one in self.answers.values())
        return all_say and self.lane.in_service and self.states()["log"] == "ready"

    def is_away(self, program: str) -> bool:
        """True if the program does not answer; False also if this user may not connect."""
        return self.answers.get(program) is Silence.AWAY

    def details(self) -> dict[str, dict[str, object]]:
        """Return each program's untyped detail."""
        return {name: one.detail if isinstance(one, Status) else {} for name, one in self.answers.items()}

    def states(self) -> dict[str, str]:
        """Return each program's state."""
        return {name: one.state if isinstance(one, Status) else one.value for name, one in self.answers.items()}


def _said(answers: Mapping[str, Status | Silence], program: str, kind: type[Said]) -> Said:
    answer = answers.get(program)
    try:
        return msgspec.convert(answer.detail, kind) if isinstance(answer, Status) else kind()
    except msgspec.ValidationError:
        return kind()
