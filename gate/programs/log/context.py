"""What the tasks of the log program work with, made once by `gate.programs.log.program`, and how often they look."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gate.audit.writer import Outcome, Wanted
from gate_core.audit_format.record import Happening, canonical_json, time_text
from gate_core.programs import clock

if TYPE_CHECKING:
    from pathlib import Path

    from gate.audit.inbox import Inbox, MirrorKeys
    from gate.audit.writer import Writer
    from gate.programs.log.spool_publisher import Publisher, Worker
    from gate_core.audit_format.spool import Spool

MIRROR_SAID_MAX: Final = timedelta(days=1)


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
