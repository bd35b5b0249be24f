"""What the tasks of the log program work with, made once by `gate.programs.log.program`, and how often they look."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from gate.audit.inbox import Inbox, MirrorKeys
from gate.audit.writer import Outcome, Wanted, Writer
from gate.programs.log.spool_publisher import Publisher, Worker
from gate_core.audit_format.record import Happening, canonical_json, time_text
from gate_core.audit_format.spool import Spool
from gate_core.programs import clock

MIRROR_SAID_MAX: Final = timedelta(days=1)
STEP_MIN: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Step:
    """What the clock would have shown, and what it shows. `running`: it was looked at all the time; else what was written last is later than now."""

    before: datetime
    after: datetime
    running: bool

    @property
    def step_ms(self) -> int:
        """How far, backwards with a minus."""
        return round((self.after - self.before) / timedelta(milliseconds=1))

    def fields(self) -> dict[str, object]:
        """As it is written down."""
        return {
            "before": time_text(self.before),
            "after": time_text(self.after),
            "step_ms": self.step_ms,
            "running": self.running,
        }


class Steps:
    """Follows one clock against CLOCK_MONOTONIC, from look to look. A step is told again until it is `taken`.

    A clock that is slewed, by 500 ppm at most, makes no step; one that is set does. What was set while nobody looked is seen at the first look
    only if it now stands before something that was written already.
    """

    def __init__(self) -> None:
        self._at: tuple[datetime, int] | None = None

    def look(self, wall: datetime, monotonic_ms: int, latest: datetime | None) -> Step | None:
        """What has happened since the last look, if it is a step. `latest` is when a record was written last, at the first look."""
        if self._at is None:
            if latest is not None and wall < latest:
                return Step(latest, wall, running=False)
            self._at = wall, monotonic_ms
            return None
        then, then_ms = self._at
        expected = then + timedelta(milliseconds=monotonic_ms - then_ms)
        if abs(wall - expected) >= STEP_MIN:
            return Step(expected, wall, running=True)
        self._at = wall, monotonic_ms
        return None

    def taken(self, wall: datetime, monotonic_ms: int) -> None:
        """The step is written down: from here on it is the clock."""
        self._at = wall, monotonic_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The pauses between the program's own doings, and how long a proof counts, in seconds."""

    proof_every_s: float = 5.0
    proof_again_s: float = 1.0  # while there is no proof
    proven_max_s: float = 15.0
    proof_answer_max_s: float = 10.0
    receipts_every_s: float = 1.0
    erasures_every_s: float = 5.0
    publish_again_s: float = 1.0  # after the spool could not be written
    clock_every_s: float = 1.0
    keys_every_s: float = 3600.0  # keys are moved to their days, and days forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The clocks, and this boot's name."""

    wall: Callable[[], datetime]
    monotonic_ms: Callable[[], int]
    boot: str


def borne_out(wall: datetime, *, synchronised: bool, cosigned_s: int | None, built: datetime) -> date | None:
    """The day of today, for whoever files and forgets by it; None while the wall clock is nobody's word but its own: one that was set forward would
    forget everything. None, too, where it stands before the program's build, or a day before what the mirror signed: then the time service is wrong.
    """
    mirror = None if cosigned_s is None else datetime.fromtimestamp(cosigned_s, UTC)
    if wall < built or (mirror is not None and mirror - wall > MIRROR_SAID_MAX):
        return None
    if synchronised or (mirror is not None and wall - mirror <= MIRROR_SAID_MAX):
        return wall.astimezone(UTC).date()
    return None


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """The log's own records, by its own clocks."""

    writer: Writer
    in_store: Worker
    now: Now

    def today(self) -> date | None:
        """The day that the time service or the mirror bears out, None while nobody does."""
        is_synchronised, cosigned_s = clock.is_synchronised(), self.writer.standing.left.cosigned_s
        return borne_out(self.now.wall(), synchronised=is_synchronised, cosigned_s=cosigned_s, built=clock.built())

    def wanted(self, kind: str, fields: Mapping[str, object]) -> Wanted:
        """A record of now."""
        happening = Happening(
            id=os.urandom(16),
            kind=kind,
            about="administration",
            crossing=None,
            monotonic_ms=self.now.monotonic_ms(),
            boot=self.now.boot,
            time=time_text(self.now.wall()),
        )
        return Wanted.of(happening, canonical_json(fields))

    async def say(self, kind: str, fields: Mapping[str, object]) -> Outcome:
        """Write a record."""
        wanted, dated = self.wanted(kind, fields), self.today() is not None
        (outcome,) = await self.in_store(self.writer.append, [wanted], self.now.monotonic_ms(), dated=dated)
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class LogContext:
    """The log, and the folders beside it. Database, spool and inbox have a worker thread each, so that none waits for another.

    `origin` names the log. `mirror` is the central server's key, None without one. `approvers` is the list beside the configuration, which counts
    until a lane has begun with one. `say` and `today` are those of `OwnRecords`.
    """

    origin: str
    approvers: Path
    now: Now
    writer: Writer
    publisher: Publisher
    spool: Spool
    inbox: Inbox
    mirror: MirrorKeys | None
    in_store: Worker
    in_spool: Worker
    in_inbox: Worker
    say: Callable[[str, Mapping[str, object]], Awaitable[Outcome]]
    today: Callable[[], date | None]
