"""Client of the registers program: queries about a document and a chip, and reports of what officers decided on hits.

A document is queried as soon as it is known, in parallel to all else; the site's exchange, when its chip was read. If
the registers program is slow, silent, wrong or lost, its answer is unknown, which refers; no crossing is lost. Each
query has its own connection. Closing it withdraws the query: at the crossing's end, and as soon as the traveller asks
for an officer (`is_shielded`), before and after sending. The lane keeps no query. It keeps a hit's handle until an
officer has settled the crossing, and repeats the report until it is stored. The log has the latest hits for a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gate.channel import register_messages
from gate.channel.errors import ChannelClosedError, ChannelError
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.passage.events import Event, RegistersAnswered
from gate.passage.records import Record, Settled
from gate.programs.lane.engine import LaneInSight
from gate.programs.lane.records import Hit, hits_in
from gate.programs.shared.aligned_timer import beat
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.evidence.registers import RegisterCause, RegisterFinding, agree, unknown
from gate_core.evidence.registers import asked as registers_asked
from gate_core.evidence.service_scope import BorderDirection

SLACK_S: Final = 0.3  # beyond the deadline of the registers program
LOOK_S: Final = 0.05  # interval to check whether the traveller asked for an officer
DAY_KEY_S: Final = 0.3  # to get the day's key; then the crossing starts without it
TELL_AGAIN_S: Final = 5.0
HITS_MAX: Final = 256  # limit of waiting hits, and of those to report; the oldest is dropped, the log has it

log = logging.getLogger("lane")


@dataclass(frozen=True, slots=True, repr=False)
class _Asked:
    """One query about a crossing, to the site's exchange or to all other registers."""

    crossing: str
    question: register_messages.DocumentQuestion
    to_exchange: bool


class RegistersClient:
    """Queries the registers program. `names`: registers that must answer now. `entry`: True if the lane serves entry.
    `exchange`: the name of the register that is queried by a chip's mark, if any.
    """

    def __init__(
        self,
        path: Path,
        *,
        answer_ms: int,
        post: Callable[[Event], None],
        names: Callable[[], tuple[str, ...]],
        entry: Callable[[], bool],
        is_shielded: Callable[[str], bool],
        exchange: str | None = None,
        left: Sequence[Hit] = (),
        forget: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`left`: hits of an earlier run to report. `forget`: called with the handle of a reported hit."""
        self._path = path
        self._answer_ms = answer_ms
        self._post = post
        self._names = names
        self._entry = entry
        self._is_shielded = is_shielded
        self._exchange_name = exchange
        self._keyless = ""  # the crossing that started without the day's key
        self._questions: asyncio.Queue[_Asked] = asyncio.Queue(maxsize=2)
        self._running: list[tuple[str, asyncio.Task[None]]] = []
        self._ended = ""
        self._forget = forget
        self._waiting: deque[Hit] = deque((one for one in left if one.disposition is None), maxlen=HITS_MAX)
        self._settled: deque[Hit] = deque((one for one in left if one.disposition is not None), maxlen=HITS_MAX)
        self._is_settled = asyncio.Event()
        self._trouble = FaultLatch(log, begins="registers_lost", ends="registers_back", each=False)

    @classmethod
    def of(
        cls, config: Config, *, lane: LaneInSight, left: Sequence[Hit], forget: Callable[[str], None]
    ) -> RegistersClient | None:
        """Build the client of the configured registers; None without registers."""
        asked = config.registers
        if asked is None:
            return None
        return cls(
            config.socket("registers"),
            answer_ms=asked.answer_ms,
            post=lane.post,
            names=lambda: registers_asked(asked.required, lane.context.local),
            exchange=None if asked.reuse is None else asked.reuse[0],
            entry=lambda: lane.context.direction is BorderDirection.ENTRY,
            is_shielded=lambda crossing: crossing in lane.context.shielded,
            left=left,
            forget=forget,
        )

    @property
    def problem(self) -> str:
        """The last query's problem; empty if there was none."""
        return self._trouble.words

    def ask(self, crossing: str, question: register_messages.DocumentQuestion) -> None:
        """Query the registers about a crossing's document; the answer is posted as `RegistersAnswered`."""
        self._put(_Asked(crossing, question, to_exchange=False))

    def ask_marked(self, crossing: str, mark: str) -> None:
        """Query the site's exchange, if any, about a chip. Without a mark the answer is unknown: there was no key of
        the day, or the chip had nothing to mark.
        """
        if not mark and (names := self._asked_now(to_exchange=True)):
            cause = RegisterCause.NO_KEY if crossing == self._keyless else RegisterCause.NOT_CALLED_FOR
            self._post(RegistersAnswered(crossing, unknown(names, cause)))
        elif mark:
            self._put(_Asked(crossing, register_messages.DocumentQuestion("", "", "", "", mark=mark), to_exchange=True))

    async def day_key(self, crossing: str) -> bytes:
        """Return today's key for chips' marks; empty without a key, or if no exchange must answer now."""
        key = b""
        if self._asked_now(to_exchange=True):
            with contextlib.suppress(ChannelError, TimeoutError):
                async with asyncio.timeout(DAY_KEY_S):
                    answer = await self._said_to(register_messages.DayKeyWanted())
                    key = answer.key if isinstance(answer, register_messages.DayKeyIs) else b""
        self._keyless = "" if key else crossing
        return key

    def _put(self, asked: _Asked) -> None:
        try:
            self._questions.put_nowait(asked)
        except asyncio.QueueFull:
            names = self._asked_now(to_exchange=asked.to_exchange)
            self._post(RegistersAnswered(asked.crossing, unknown(names, RegisterCause.NO_ANSWER)))

    def _asked_now(self, *, to_exchange: bool) -> tuple[str, ...]:
        """Return the registers that must answer now: the exchange, or all others."""
        return tuple(name for name in self._names() if (name == self._exchange_name) is to_exchange)

    def end(self, crossing: str) -> None:
        """Cancel the crossing's queries: it is over, or with an officer."""
        self._ended = crossing
        for whose, task in self._running:
            if whose == crossing:
                task.cancel()

    def record(self, record: Record) -> None:
        """Note hits, and officers' dispositions of them."""
        self._waiting.extend(one for one in hits_in(record) if one not in self._waiting)
        if isinstance(record, Settled):
            settled = [one for one in self._waiting if one.crossing == record.crossing]
            for one in settled:
                self._waiting.remove(one)
            self._settled.extend(replace(one, disposition=record.disposition) for one in settled)
            self._is_settled.set()

    async def run(self) -> None:
        """Send queries and reports until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            while True:
                asked = await self._questions.get()
                task = tasks.create_task(self._one(asked))
                self._running = [*(one for one in self._running if not one[1].done()), (asked.crossing, task)]
                del asked

    async def _one(self, asked: _Asked) -> None:
        names = self._asked_now(to_exchange=asked.to_exchange)
        if names and asked.crossing != self._ended:
            self._post(RegistersAnswered(asked.crossing, await self._said(asked, names)))

    async def _said(self, asked: _Asked, names: tuple[str, ...]) -> tuple[RegisterFinding, ...]:
        if self._is_shielded(asked.crossing):
            return unknown(names, RegisterCause.WITHHELD)
        message = register_messages.AskRegisters(
            list(names), self._answer_ms, entry=self._entry(), question=asked.question
        )
        asking = asyncio.ensure_future(self._said_to(message, about=asked.crossing))
        try:
            async with asyncio.timeout(self._answer_ms / 1000 + SLACK_S):
                while not asking.done():
                    await asyncio.wait((asking,), timeout=LOOK_S)
                    if self._is_shielded(asked.crossing):
                        return unknown(names, RegisterCause.WITHHELD)
            findings = findings_of(asking.result(), names)
        except ChannelError as error:
            self._trouble.is_now(type(error).__name__)
            return unknown(names, RegisterCause.NOT_REACHED)
        except TimeoutError:
            self._trouble.is_now("no answer in time")
            return unknown(names, RegisterCause.NO_ANSWER)
        finally:
            asking.cancel()  # closes the connection
            await asyncio.gather(asking, return_exceptions=True)
        self._trouble.is_now("")
        return findings

    async def _said_to(
        self, message: register_messages.ToRegisters, about: str = ""
    ) -> register_messages.FromRegisters:
        """Return the answer, over a new connection. Raises ChannelError, also if an officer is called meanwhile."""
        connection = await connect(CHANNELS.registers, self._path)
        try:
            if about and self._is_shielded(about):
                raise ChannelClosedError("the query was withdrawn")
            await connection.send(message)
            return await connection.receive()
        finally:
            connection.close()

    async def _tell(self) -> None:
        """Report dispositions, each until the registers program has stored it; a failed one moves to the end."""
        while True:
            self._is_settled.clear()
            while self._settled:
                hit = self._settled[0]
                is_told = await self._is_told(hit)
                with contextlib.suppress(ValueError):  # it was dropped meanwhile
                    self._settled.remove(hit)
                    if not is_told:
                        self._settled.append(hit)
                if is_told:
                    self._forget(hit.handle)
                else:
                    await beat(TELL_AGAIN_S)
            await self._is_settled.wait()

    async def _is_told(self, hit: Hit) -> bool:
        assert hit.disposition is not None, "only settled hits are reported"
        with contextlib.suppress(ChannelError, TimeoutError):
            async with asyncio.timeout(self._answer_ms / 1000 + SLACK_S):
                answer = await self._said_to(register_messages.HitSettled(hit.register, hit.handle, hit.disposition))
                return isinstance(answer, register_messages.SettlementKept)
        return False


def findings_of(answer: register_messages.FromRegisters, names: tuple[str, ...]) -> tuple[RegisterFinding, ...]:
    """Return the answer as evidence, in its sequence. Missing, repeated or contradictory registers are unknown."""
    if not isinstance(answer, register_messages.RegistersSaid):
        return unknown(names, RegisterCause.WRONG_ANSWER)
    said = [one.register for one in answer.found]
    found = [
        RegisterFinding(one.register, one.answer, one.cause, one.edition, one.handle, one.about)
        for one in answer.found
        if one.register in names and said.count(one.register) == 1 and is_answer(one)
    ]
    heard = {one.register for one in found}
    return (*found, *unknown(tuple(name for name in names if name not in heard), RegisterCause.WRONG_ANSWER))


def is_answer(found: register_messages.RegisterFound) -> bool:
    """True unless it contradicts itself or has text that is not printable on an officer's page."""
    return agree(found.answer, found.cause) and f"{found.edition}{found.about}".isprintable()
