"""The parts that the log program's tasks share, made by `gate.programs.log.program`, and the tasks' intervals."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, Self, TypeVar

from gate.audit.inbox import Inbox, MirrorKeys
from gate.audit.writer import Outcome, Wanted, Writer
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import StoreError
from gate_core.audit_format.merkle import EMPTY_ROOT
from gate_core.audit_format.record import Happening, canonical_json, time_text
from gate_core.audit_format.resume_state import Boot
from gate_core.audit_format.spool import Spool, handover_path
from gate_core.audit_format.tiles import pieces_between
from gate_core.evidence.names import Head
from gate_core.programs import clock


@dataclass(frozen=True, slots=True)
class FoundHead:
    """The log as this boot found it. `heard_ms` is None before the first record of the boot."""

    state: Head
    size: int
    root: bytes
    heard_ms: int | None


def found_head(boot: Boot | None, name: str, checkpoint: Checkpoint | None, mirrored: int) -> FoundHead:
    """Return the head's state in the boot `name`. `mirrored`: number of entries that the mirror has signed."""
    if boot is None or boot.name != name:
        size, root = (0, EMPTY_ROOT) if checkpoint is None else (checkpoint.size, checkpoint.root)
        return FoundHead(Head.UNCONFIRMED, size, root, None)
    state = Head.CONFIRMED if mirrored > boot.size else Head.ACCEPTED if boot.accepted else Head.UNCONFIRMED
    return FoundHead(state, boot.size, boot.root, boot.heard_ms)


MIRROR_SAID_MAX: Final = timedelta(days=1)
STEP_MIN: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the clock. `running`: it was seen while running; else `before` is the time of the last record."""

    before: datetime
    after: datetime
    running: bool

    @property
    def step_ms(self) -> int:
        """The step in milliseconds, negative if backwards."""
        return round((self.after - self.before) / timedelta(milliseconds=1))

    def fields(self) -> dict[str, object]:
        """Return the fields to record."""
        return {
            "before": time_text(self.before),
            "after": time_text(self.after),
            "step_ms": self.step_ms,
            "running": self.running,
        }


class Steps:
    """Detects steps of the wall clock against CLOCK_MONOTONIC between calls. Returns a step until it is `taken`.

    A slewed clock (at most 500 ppm) makes no step; a set one does. A step before the first call is detected only if the
    clock is now before an existing record.
    """

    def __init__(self) -> None:
        self._at: tuple[datetime, int] | None = None

    def look(self, wall: datetime, monotonic_ms: int, latest: datetime | None) -> Step | None:
        """Return a step since the last call, or None. `latest`: time of the last record, used at the first call."""
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
        """Accept the clock after its step is recorded."""
        self._at = wall, monotonic_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The intervals of the program's tasks, and the lifetime of a proof, in seconds."""

    proof_every_s: float = 5.0
    proof_again_s: float = 1.0  # while there is no proof
    proven_max_s: float = 15.0
    proof_answer_max_s: float = 10.0
    receipts_every_s: float = 1.0
    erasures_every_s: float = 5.0
    publish_again_s: float = 1.0  # after the spool could not be written
    clock_every_s: float = 1.0
    keys_every_s: float = 3600.0  # for retention of keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The clocks, whether the time service has set the wall clock, and the boot id."""

    wall: Callable[[], datetime]
    monotonic_ms: Callable[[], int]
    boot: str
    synchronised: Callable[[], bool] = clock.is_synchronised


def borne_out(wall: datetime, *, synchronised: bool, cosigned_s: int | None, built: datetime) -> date | None:
    """Return today's date if the wall clock is confirmed by a time service or the mirror, else None: a clock set
    forward would delete all keys. Also None before the program's build, or a day before the mirror's signature.
    """
    mirror = None if cosigned_s is None else datetime.fromtimestamp(cosigned_s, UTC)
    if wall < built or (mirror is not None and mirror - wall > MIRROR_SAID_MAX):
        return None
    if synchronised or (mirror is not None and wall - mirror <= MIRROR_SAID_MAX):
        return wall.astimezone(UTC).date()
    return None


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """The log's own records, with its own clocks."""

    writer: Writer
    in_store: Worker
    now: Now

    def today(self) -> date | None:
        """Return today's date if the time service or the mirror confirms it, else None."""
        is_synchronised, cosigned_s = self.now.synchronised(), self.writer.standing.left.cosigned_s
        return borne_out(self.now.wall(), synchronised=is_synchronised, cosigned_s=cosigned_s, built=clock.built())

    def wanted(self, kind: str, fields: Mapping[str, object]) -> Wanted:
        """Build a record with the current time."""
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
    """The log and its folders. Database, spool and inbox have one worker thread each, so that none waits for another.

    `origin` names the log. `mirror`: the central server's key, or None. `approvers`: the configuration's list, which
    counts until a lane has started with one. `say`, `today`: of `OwnRecords`.
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


log = logging.getLogger("gate.log")

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One thread for blocking work of one kind, in sequence of the calls."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in the thread; cancelling the caller does not stop it."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(work, *args, **kwargs))


class Publisher:
    """Publishes new records to the spool, in pauses between records."""

    def __init__(self, writer: Writer, spool: Spool, in_store: Worker, in_spool: Worker, *, published: int) -> None:
        self._writer = writer
        self._spool = spool
        self._in_store = in_store
        self._in_spool = in_spool
        self.published = published
        # Held while a piece is read and written, and while keys are deleted: else a deleted key could be written again.
        self.between_pieces = asyncio.Lock()
        self._handovers = 0
        self._trouble = FaultLatch(
            log, begins="publishing_failed", ends="publishing_resumed", level=logging.ERROR, each=False
        )

    @property
    def problem(self) -> str:
        """Why the last attempt failed; empty if it succeeded."""
        return self._trouble.words

    async def catch_up(self) -> bool:
        """Publish what is missing; False if that failed and must be tried again."""
        standing = self._writer.standing
        # With a faulty database or full disk, the remaining space is for records.
        if standing.problem is not None or standing.checkpoint is None or standing.note is None:
            return standing.problem is None
        size, published, words = standing.checkpoint.size, self.published, self._writer.handovers
        try:
            if len(words) > self._handovers:
                new = {handover_path(number): word for number, word in enumerate(words)}
                await self._in_spool(self._spool.write, new)
                self._handovers = len(words)
            for piece in pieces_between(published, size):
                async with self.between_pieces:
                    files = await self._in_store(self._writer.files, piece, published)
                    await self._in_spool(self._spool.write, files)
            if published < size:
                files = await self._in_store(self._writer.upper_tiles, published, size)
                await self._in_spool(self._spool.write, files)
                await self._in_spool(self._spool.release, standing.note)
        except (OSError, StoreError) as error:
            self._trouble.is_now(f"the spool cannot be written: {error}")
            return False
        self.published = size
        self._trouble.is_now("")
        return True
