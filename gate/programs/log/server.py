"""The log's server: takes records, answers, publishes, proves that it can write, and runs receipts, keys and erasures.

Waiting appends share one transaction. Publishing follows the answer and never delays it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, assert_never

import msgspec

from gate.audit.key_days import KeyDays
from gate.audit.writer import Outcome, Refused, Unknown, Wanted
from gate.channel import log_messages
from gate.channel.message import Status, StatusRequest, words
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.names import RecordKind
from gate.programs.log.context import LogContext, Steps, Timing, found_head
from gate.programs.log.erasures import Erasures
from gate.programs.log.pruning import Pruning
from gate.programs.log.receipts import Receipts
from gate.programs.log.retention import Kept, Retention
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.status import serve_status
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.record import Happening, time_text
from gate_core.audit_format.resume_state import Approved
from gate_core.programs.task_groups import wait_at_most

VALUE_BYTES: Final = 16


class Probe:
    """Calls `probe` every few seconds to write a random value and read it back; it returns True on success."""

    def __init__(self, probe: Callable[[bytes], Awaitable[bool]], timing: Timing) -> None:
        self._probe = probe
        self._timing = timing
        self._proven_at_s: float | None = None
        self._asked_at_s: float | None = None
        self._doubted = asyncio.Event()

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            self._asked_at_s = loop_s()
            self._doubted.clear()
            is_proven = await self._probe(secrets.token_bytes(VALUE_BYTES))
            self._proven_at_s = loop_s() if is_proven and not self._doubted.is_set() else None
            self._asked_at_s = None
            if self._proven_at_s is not None:
                await wait_at_most(self._doubted, self._timing.proof_every_s)
            if self._proven_at_s is None:
                await asyncio.sleep(self._timing.proof_again_s)

    def doubt(self) -> None:
        """Drop the proof: a record was refused."""
        self._proven_at_s = None
        self._doubted.set()

    @property
    def is_able(self) -> bool:
        """True while the last proof is recent."""
        return self._proven_at_s is not None and loop_s() - self._proven_at_s <= self._timing.proven_max_s

    @property
    def is_alive(self) -> bool:
        """False if a proof has been pending too long: any answer shows that the writer lives."""
        return self._asked_at_s is None or loop_s() - self._asked_at_s <= self._timing.proof_answer_max_s


WAITING_MAX = 256  # appends waiting for the disk; one more is refused
BATCH_MAX = 8  # appends in one transaction
ANSWERS_MAX = 256  # pending answers of a connection; then it is not read
NO_APPROVAL = "a lane on trial or in service begins on an approval"
LOOK_MS_MAX = 100  # a slower reading of both clocks, on a busy machine, is ignored
QUIET_S = 0.02  # publishing starts after so long without a record
PUBLISH_DELAY_MAX_S = 0.2  # or so long after the first record
SEEN_MIN_S: Final = 3_600.0
EVERY_S: Final = 600.0
KEPT: Final = 7 * 24 * 6  # a week
_DAY_S: Final = 86_400.0

log = logging.getLogger("gate.log")


@dataclass(slots=True)
class Growth:
    """Estimates when the log's disk will be full, from its free space every ten minutes since the program's start.

    Other data on the disk counts too. There is no estimate in the first hour, or while the disk does not fill.
    """

    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def see(self, at_s: float, free_bytes: int) -> None:
        """Note the free bytes at a monotonic time."""
        if not self._seen or at_s - self._seen[-1][0] >= EVERY_S:
            self._seen.append((at_s, free_bytes))

    def days_left(self, at_s: float, free_bytes: int) -> float | None:
        """Return the days until nothing is free; None if there is no estimate."""
        if not self._seen:
            return None
        since_s, free_then = self._seen[0]
        taken = free_then - free_bytes
        if at_s - since_s < SEEN_MIN_S or taken <= 0:
            return None
        return free_bytes / taken * (at_s - since_s) / _DAY_S


@dataclass(frozen=True, slots=True)
class _Pending:
    """An append that waits for the disk, and its future answer. An invalid record already has its refusal."""

    wanted: list[Wanted | log_messages.NotRecorded]
    answer: asyncio.Future[log_messages.FromLog]


class LogServer:
    """Takes records, answers them, and runs the program's other tasks."""

    def __init__(self, config: Config, log_context: LogContext, key_days: KeyDays, timing: Timing) -> None:
        self._config, self._timing = config, timing
        self._log, self._now = log_context, log_context.now
        kept, names = Kept.by(config), config.audit.profile != "basic"
        self._receipts = Receipts(log_context, every_s=timing.receipts_every_s)
        self._retention = Retention(log_context, kept, key_days)
        self._erasures = Erasures(log_context, kept, names=names)
        self._pruning = Pruning(log_context, config.audit.mirrored_kept_days)
        self._probe = Probe(lambda value: log_context.in_store(log_context.writer.probe, value), timing)
        self._growth = Growth()
        self._waiting: asyncio.Queue[_Pending] = asyncio.Queue(WAITING_MAX)
        self._written = asyncio.Event()
        self._trouble = FaultLatch(log, begins="writing_failed", ends="writing_resumed", level=logging.CRITICAL)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then write and publish waiting records."""
        await self._receipts.begin()
        self._report()
        self._written.set()
        async with asyncio.TaskGroup() as tasks:
            taking = (self._write(), self._publish(), self._receipts.run(self._report))
            watching = (self._probe.run(), self._keep_keys(), self._watch_clock())
            loops = [tasks.create_task(loop) for loop in (*taking, *watching)]
            async with (
                serve_status(self._config, "log", self._status),
                serve(CHANNELS.log, self._config.socket("log"), self._attend),
            ):
                await stop.wait()
            await self._waiting.join()
            for one in loops:
                one.cancel()
        await self._receipts.end()
        await self._log.publisher.catch_up()

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self) -> None:
        while True:
            batch: list[_Pending] = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < BATCH_MAX:
                batch.append(self._waiting.get_nowait())
            wanted = [one for pending in batch for one in pending.wanted if isinstance(one, Wanted)]
            now_ms, dated = self._now.monotonic_ms(), self._log.today() is not None
            outcomes = iter(await self._log.in_store(self._log.writer.append, wanted, now_ms, dated=dated))
            for pending in batch:
                answers = [_answer(next(outcomes)) if isinstance(one, Wanted) else one for one in pending.wanted]
                if any(
                    isinstance(one, log_messages.NotKnown) or (isinstance(one, log_messages.NotRecorded) and one.again)
                    for one in answers
                ):
                    self._probe.doubt()
                if not pending.answer.done():  # cancelled: the caller is gone, the records stay
                    pending.answer.set_result(log_messages.Appended(answers))
                self._waiting.task_done()
            self._report()
            self._written.set()

    def _take(self, message: log_messages.Append, answer: asyncio.Future[log_messages.FromLog]) -> None:
        """Queue an append; `answer` is set when it is written, or now if the queue is full."""
        time = time_text(self._now.wall())
        try:
            self._waiting.put_nowait(_Pending([self._wanted(record, time) for record in message.records], answer))
        except asyncio.QueueFull:
            refusal = log_messages.NotKnown(f"{WAITING_MAX} appends wait for the disk already", tried=False)
            answer.set_result(log_messages.Appended([refusal] * len(message.records)))

    def _wanted(self, record: log_messages.NewRecord, time: str) -> Wanted | log_messages.NotRecorded:
        if record.kind is RecordKind.STARTED and record.approved is None and self._config.purpose != "demo":
            return log_messages.NotRecorded(NO_APPROVAL, again=True)
        try:
            happening = Happening(
                id=record.id,
                kind=record.kind.value,
                about=record.about.value,
                crossing=record.crossing,
                monotonic_ms=record.monotonic_ms,
                boot=self._now.boot,
                time=time,
                leads_to_admission=record.leads_to_admission,
                ends_crossing=record.ends_crossing,
                urgent=record.urgent,
                remember=record.remember,
                awaits_officer=record.awaits_officer,
                approved=None if record.approved is None else Approved(*msgspec.structs.astuple(record.approved)),
                accepts_head=record.accepts_head,
            )
            return Wanted.of(happening, record.body, record.bytes_min)
        except BadFormatError as error:
            return log_messages.NotRecorded(words(error), again=False)

    # ── conversations ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _attend(self, connection: Connection[log_messages.ToLog]) -> None:
        """Answer one peer in sequence; one that does not read delays no other."""
        answers: asyncio.Queue[asyncio.Future[log_messages.FromLog] | None] = asyncio.Queue(ANSWERS_MAX)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_send_all(connection, answers))
            async for message in connection:
                await answers.put(self._answer(message))
            await answers.put(None)

    def _answer(self, message: log_messages.ToLog) -> asyncio.Future[log_messages.FromLog]:
        answer: asyncio.Future[log_messages.FromLog] = asyncio.get_running_loop().create_future()
        match message:
            case log_messages.Append():
                self._take(message, answer)
            case log_messages.OpenCrossingsRequest():
                standing = self._log.writer.standing
                left = log_messages.OpenCrossings(
                    list(standing.left.open_crossings),
                    standing.left.remembered,
                    list(standing.left.referred),
                    None
                    if (one := standing.left.approved) is None
                    else log_messages.Approved(one.serial, one.sha256, one.approvers),
                    int(datetime.fromisoformat(written).timestamp()) if (written := standing.left.written) else 0,
                )
                answer.set_result(left)
            case StatusRequest():
                answer.set_result(self._status())
            case _:
                assert_never(message)
        return answer

    def _status(self) -> Status:
        standing, publisher = self._log.writer.standing, self._log.publisher
        checkpoint = standing.checkpoint
        problem = standing.problem or publisher.trouble.words or self._retention.trouble.words or None
        detail: dict[str, object] = {
            "entries": checkpoint.size if checkpoint else 0,
            "root": checkpoint.root.hex() if checkpoint else None,
            "published": publisher.published,
            "mirrored": standing.mirrored,
            "head": self._head(),
            "times": self._times(),
            "keys": self._retention.detail(),
            "kept": self._pruning.detail(),
            "receipts_refused": self._receipts.refused,
            "open_crossings": len(standing.left.open_crossings),
            **self._disk(),
            "disk_full": standing.is_full,
            "problem": problem,
            "takes_admissions": standing.problem is None and self._probe.is_able,
        }
        able = problem is None and self._probe.is_able
        return Status("log", "ready" if able else "degraded", detail, alive=self._probe.is_alive)

    def _head(self) -> dict[str, object]:
        """Return the log at this boot, its confirmation, and that confirmation's age."""
        found = found_head(self._log.writer.standing, self._now.boot)
        age_s = None if found.heard_ms is None else max(0, self._now.monotonic_ms() - found.heard_ms) / 1000
        return {"state": found.state.value, "entries": found.size, "root": found.root.hex(), "age_s": age_s}

    def _times(self) -> dict[str, object]:
        """Return times that the wall clock cannot be before: the latest record's hour, the mirror's last signature."""
        standing = self._log.writer.standing
        signed_s = standing.left.cosigned_s
        cosigned = None if signed_s is None else time_text(datetime.fromtimestamp(signed_s, UTC))
        return {"written": standing.left.written or None, "cosigned": cosigned}

    def _disk(self) -> dict[str, object]:
        try:
            disk = shutil.disk_usage(self._config.paths.state)
        except OSError:
            return {"disk_free_bytes": None, "disk_total_bytes": None, "disk_days_left": None}
        now_s = loop_s()
        self._growth.see(now_s, disk.free)
        days_left = self._growth.days_left(now_s, disk.free)
        return {
            "disk_free_bytes": disk.free,
            "disk_total_bytes": disk.total,
            "disk_days_left": None if days_left is None else round(days_left, 1),
        }

    # ── in the background ────────────────────────────────────────────────────────────────────────────────────────────

    async def _publish(self) -> None:
        """Publish after each burst of records, or during a long one."""
        loop = asyncio.get_running_loop()
        while True:
            await self._written.wait()
            latest_s = loop.time() + PUBLISH_DELAY_MAX_S
            while self._written.is_set() and loop.time() < latest_s:
                self._written.clear()
                await asyncio.sleep(QUIET_S)
            self._written.clear()
            if not await self._log.publisher.catch_up():
                self._written.set()
                await asyncio.sleep(self._timing.publish_again_s)
            await self._log.in_store(self._log.writer.tidy, self._now.monotonic_ms())
            await self._retention.move()
            self._report()

    async def _keep_keys(self) -> None:
        """Delete expired and erased keys and old entries; then publish the records of that."""
        clock_s = asyncio.get_running_loop().time
        while True:
            await self._retention.look()
            await self._pruning.look()
            self._written.set()
            again_s = clock_s() + self._timing.keys_every_s
            while clock_s() < again_s:
                if await self._erasures.look() or await self._erasures.elsewhere.look():
                    self._written.set()
                await asyncio.sleep(self._timing.erasures_every_s)

    async def _watch_clock(self) -> None:
        """Record each step of the wall clock; retry if it cannot be recorded now."""
        steps = Steps()
        while True:
            before_ms, wall, now_ms = self._now.monotonic_ms(), self._now.wall(), self._now.monotonic_ms()
            if now_ms - before_ms < LOOK_MS_MAX:
                written = self._log.writer.standing.left.written
                step = steps.look(wall, now_ms, datetime.fromisoformat(written) if written else None)
                if step is not None and isinstance(await self._log.say("clock_stepped", step.fields()), int):
                    steps.taken(wall, now_ms)
                    log.warning("clock_stepped", extra={"step_ms": step.step_ms, "running": step.running})
                    self._written.set()
            await asyncio.sleep(self._timing.clock_every_s)

    def _report(self) -> None:
        self._trouble.is_now(self._log.writer.standing.problem or "")


async def _send_all(
    connection: Connection[log_messages.ToLog], answers: asyncio.Queue[asyncio.Future[log_messages.FromLog] | None]
) -> None:
    while (answer := await answers.get()) is not None:
        await connection.send(await answer)


def _answer(outcome: Outcome) -> log_messages.Recorded | log_messages.NotRecorded | log_messages.NotKnown:
    match outcome:
        case Refused(reason):
            return log_messages.NotRecorded(words(reason), again=True)
        case Unknown(reason, tried):
            return log_messages.NotKnown(words(reason), tried)
        case int():
            return log_messages.Recorded(outcome)
