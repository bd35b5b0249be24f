"""The lane's way to lists and registers: a question as soon as a document is known, beside everything else, another to the exchange of the site
when its chip was read, and what became of a hit.

The registers' program is a neighbour like every other: whatever it does, slow, silent, wrong or gone, costs its answer and never a crossing. What it does not
say in time is not known, which refers. A question has a connection of its own, and hanging up withdraws it: at the end of its crossing, and as soon as
the traveller asks for an officer (`is_shielded`), before it leaves and after. The lane keeps nothing of a question; what a hit is told back by, it keeps
until an officer has settled the crossing, and says it again until it is written down. The log remembers the latest of these for the lane's next start.
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

from gate.channel import messages
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

SLACK_S: Final = 0.3  # beyond the deadline that the registers' program has
LOOK_S: Final = 0.05  # at whether the traveller asked for an officer meanwhile
DAY_KEY_S: Final = 0.3  # for the day's key, which the registers' program holds or not: a crossing begins without
TELL_AGAIN_S: Final = 5.0
HITS_MAX: Final = 256  # that wait for an officer, and as many whose dispositions are on their way; the oldest is forgotten, and the log has it

log = logging.getLogger("lane")


@dataclass(frozen=True, slots=True, repr=False)
class _Asked:
    """One question, of one crossing: to the exchange of the site, or to everybody else."""

    crossing: str
    question: messages.DocumentQuestion
    to_exchange: bool


class RegistersClient:
    """Asks the registers' program. `names` says which must answer now, `entry` which way over the border the lane serves; `exchange` is the name of
    the one among them that is asked by a chip's mark, if there is one.
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
        """`left` is what an earlier run had to tell; `forget` is told the handle of what was told."""
        self._path = path
        self._answer_ms = answer_ms
        self._post = post
        self._names = names
        self._entry = entry
        self._is_shielded = is_shielded
        self._exchange_name = exchange
        self._keyless = ""  # the crossing that began without the day's key
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
        """The client of the configured registers; None where there are none to be asked."""
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
        """What was wrong with the last question, empty when all was well."""
        return self._trouble.words

    def ask(self, crossing: str, question: messages.DocumentQuestion) -> None:
        """Have the registers asked about the document of a crossing; the answer comes as `RegistersAnswered`."""
        self._put(_Asked(crossing, question, to_exchange=False))

    def ask_marked(self, crossing: str, mark: str) -> None:
        """Have the exchange of the site asked about a chip that was read, if there is one. Without a mark nothing is known: there was no key of the
        day to make it with, or the chip said nothing that could be marked.
        """
        if not mark and (names := self._asked_now(to_exchange=True)):
            cause = RegisterCause.NO_KEY if crossing == self._keyless else RegisterCause.NOT_CALLED_FOR
            self._post(RegistersAnswered(crossing, unknown(names, cause)))
        elif mark:
            self._put(_Asked(crossing, messages.DocumentQuestion("", "", "", "", mark=mark), to_exchange=True))

    async def day_key(self, crossing: str) -> bytes:
        """The key that a chip's mark is made with today; empty where no exchange must answer now, or there is no key."""
        key = b""
        if self._asked_now(to_exchange=True):
            with contextlib.suppress(ChannelError, TimeoutError):
                async with asyncio.timeout(DAY_KEY_S):
                    answer = await self._said_to(messages.DayKeyWanted())
                    key = answer.key if isinstance(answer, messages.DayKeyIs) else b""
        self._keyless = "" if key else crossing
        return key

    def _put(self, asked: _Asked) -> None:
        try:
            self._questions.put_nowait(asked)
        except asyncio.QueueFull:
            names = self._asked_now(to_exchange=asked.to_exchange)
            self._post(RegistersAnswered(asked.crossing, unknown(names, RegisterCause.NO_ANSWER)))

    def _asked_now(self, *, to_exchange: bool) -> tuple[str, ...]:
        """Who must answer now: the exchange, or everybody else."""
        return tuple(name for name in self._names() if (name == self._exchange_name) is to_exchange)

    def end(self, crossing: str) -> None:
        """The crossing is over, or an officer's: nothing is asked about it any more."""
        self._ended = crossing
        for whose, task in self._running:
            if whose == crossing:
                task.cancel()

    def record(self, record: Record) -> None:
        """Take note of hits, and of what officers make of them."""
        self._waiting.extend(one for one in hits_in(record) if one not in self._waiting)
        if isinstance(record, Settled):
            settled = [one for one in self._waiting if one.crossing == record.crossing]
            for one in settled:
                self._waiting.remove(one)
            self._settled.extend(replace(one, disposition=record.disposition) for one in settled)
            self._is_settled.set()

    async def run(self) -> None:
        """Carry questions and dispositions for ever."""
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
        message = messages.AskRegisters(list(names), self._answer_ms, entry=self._entry(), question=asked.question)
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
            asking.cancel()  # which hangs up
            await asyncio.gather(asking, return_exceptions=True)
        self._trouble.is_now("")
        return findings

    async def _said_to(self, message: messages.ToRegisters, about: str = "") -> messages.FromRegisters:
        """The answer, over a connection of its own. Raises ChannelError, also when an officer is called meanwhile."""
        connection = await connect(CHANNELS.registers, self._path)
        try:
            if about and self._is_shielded(about):
                raise ChannelClosedError("it is not asked any more")
            await connection.send(message)
            return await connection.receive()
        finally:
            connection.close()

    async def _tell(self) -> None:
        """Say what became of hits, each until the registers' program has it on the disk; what it cannot take now waits behind the others."""
        while True:
            self._is_settled.clear()
            while self._settled:
                hit = self._settled[0]
                is_told = await self._is_told(hit)
                with contextlib.suppress(ValueError):  # it was pushed out meanwhile
                    self._settled.remove(hit)
                    if not is_told:
                        self._settled.append(hit)
                if is_told:
                    self._forget(hit.handle)
                else:
                    await beat(TELL_AGAIN_S)
            await self._is_settled.wait()

    async def _is_told(self, hit: Hit) -> bool:
        assert hit.disposition is not None, "it waits among those that were settled"
        with contextlib.suppress(ChannelError, TimeoutError):
            async with asyncio.timeout(self._answer_ms / 1000 + SLACK_S):
                answer = await self._said_to(messages.HitSettled(hit.register, hit.handle, hit.disposition))
                return isinstance(answer, messages.SettlementKept)
        return False


def findings_of(answer: messages.FromRegisters, names: tuple[str, ...]) -> tuple[RegisterFinding, ...]:
    """The answer as evidence: of each register that was asked, in the program's order; what is missing, said twice or contradicts itself is not known."""
    if not isinstance(answer, messages.RegistersSaid):
        return unknown(names, RegisterCause.WRONG_ANSWER)
    said = [one.register for one in answer.found]
    found = [
        RegisterFinding(one.register, one.answer, one.cause, one.edition, one.handle, one.about)
        for one in answer.found
        if one.register in names and said.count(one.register) == 1 and is_answer(one)
    ]
    heard = {one.register for one in found}
    return (*found, *unknown(tuple(name for name in names if name not in heard), RegisterCause.WRONG_ANSWER))


def is_answer(found: messages.RegisterFound) -> bool:
    """True unless it contradicts itself, or has words that an officer's page could not show as they are."""
    return agree(found.answer, found.cause) and f"{found.edition}{found.about}".isprintable()
