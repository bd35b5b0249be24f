"""Queries all registers concerned in parallel, within one deadline. Stores and logs nothing of a question."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final

from gate.lists.adapters.reuse import Reuse
from gate.programs.registers.held import HeldLists
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import (
    Adapter,
    AdapterError,
    Answer,
    NoAnswerError,
    Question,
    WrongAnswerError,
    not_known,
)
from gate_core.programs.task_groups import wait_at_most

GIVEN_UP_S: Final = 0.1  # for an adapter to release its resources

log = logging.getLogger("registers")
LOOK_S: Final = 5.0  # interval to check whether the day has ended


@dataclass(eq=False, repr=False, slots=True)
class DayKey:
    """The day's key of a site's exchange: fetched in advance, in memory only, deleted at the end of the site's day.

    There is today's key or none; without one no chip is marked, and travellers are referred. `today`: the site's day,
    None on days when the exchange is not queried. `deadline_s`: of one attempt.
    """

    exchange: Reuse
    trouble: FaultLatch
    today: Callable[[], date | None] = field(kw_only=True)
    deadline_s: float = field(kw_only=True)
    _held: tuple[date, bytes] | None = field(default=None, init=False)
    _doubted: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def now(self) -> bytes:
        """Return today's key; empty if there is none, which is then fetched at once."""
        held = self._held
        if held is not None and held[0] == self.today():
            return held[1]
        self._doubted.set()
        return b""

    def doubt(self) -> None:
        """Fetch the key again: the exchange gave no answer and may have another key."""
        self._doubted.set()

    async def keep(self) -> None:
        """Keep today's key until cancelled."""
        is_doubted = False
        while True:
            await self.look(is_doubted=is_doubted)
            is_doubted = await wait_at_most(self._doubted, LOOK_S)
            self._doubted.clear()

    async def look(self, *, is_doubted: bool) -> None:
        """Delete an expired key, and fetch a missing or doubted one."""
        today = self.today()
        if self._held is not None and self._held[0] != today:
            self._held = None
        if today is None or (self._held is not None and not is_doubted):
            return
        try:
            async with asyncio.timeout(self.deadline_s):
                self._held = (today, await self.exchange.day_key(today))
        except TimeoutError:
            self.trouble.is_now(f"no day's key within {self.deadline_s:g} s")
        except AdapterError as error:
            self.trouble.is_now(str(error))
        except Exception as error:  # noqa: BLE001 - as for every adapter: its exceptions must not affect other answers
            self.trouble.is_now(f"the adapter failed: {type(error).__name__}")
        else:
            self.trouble.is_now("")


@dataclass(slots=True)
class Online:
    """A register that is queried online. `adapter` None: `missing` is the reason."""

    name: str
    adapter: Adapter | None
    missing: RegisterCause | None = None
    not_for: frozenset[str] = frozenset()
    trouble: FaultLatch = field(init=False)

    def __post_init__(self) -> None:
        self.trouble = FaultLatch(
            log, begins="register_lost", ends="register_back", each=False, about={"register": self.name}
        )

    async def ask(self, question: Question, today: date) -> Answer:
        """Return its answer; every failure counts as unknown."""
        if question.nationality and question.nationality in self.not_for:
            return Answer(RegisterAnswer.NONE, RegisterCause.NOT_CONCERNED)
        if self.adapter is None:
            return not_known(self.missing or RegisterCause.NO_ADDRESS)
        try:
            answer = _an_answer(await self.adapter.ask(question, today))
        except (NoAnswerError, WrongAnswerError) as error:
            self.trouble.is_now(str(error))
            is_none = isinstance(error, NoAnswerError)
            return not_known(RegisterCause.NO_ANSWER if is_none else RegisterCause.WRONG_ANSWER)
        except Exception as error:  # noqa: BLE001 - adapters may be of third parties; the exception may contain the question, so it is not logged
            self.trouble.is_now(f"the adapter failed: {type(error).__name__}")
            return not_known(RegisterCause.WRONG_ANSWER)
        self.trouble.is_now("")
        return answer


def _an_answer(said: object) -> Answer:
    """Return an adapter's result if it is an Answer. Raises WrongAnswerError."""
    if not isinstance(said, Answer):
        raise WrongAnswerError("the adapter returned no answer")
    return said


class Registers:
    """All lists and registers of a gate."""

    def __init__(self, lists: HeldLists, online: Mapping[str, Online]) -> None:
        self._lists = lists
        self._online = online
        self._stuck: dict[str, asyncio.Task[Answer]] = {}  # adapters that still run after cancellation

    async def ask(
        self, names: Sequence[str], question: Question, *, deadline_s: float, now: datetime, today: date
    ) -> dict[str, Answer]:
        """Return the answer of each named register, within the deadline."""
        answers = {name: self._lists.ask(name, question, now) for name in names if name not in self._online}
        online = [name for name in dict.fromkeys(names) if name in self._online]
        free = [name for name in online if name not in self._stuck]
        asking = {name: asyncio.ensure_future(self._online[name].ask(question, today)) for name in free}
        try:
            if asking:
                await asyncio.wait(asking.values(), timeout=deadline_s)
            for name in online:
                task = asking.get(name)
                if task is not None and task.done() and not task.cancelled():
                    answers[name] = task.result()
                else:
                    self._online[name].trouble.is_now(f"no answer within {deadline_s:g} s")
                    answers[name] = not_known(RegisterCause.NO_ANSWER)
        finally:
            await self._give_up(asking)
        return answers

    async def _give_up(self, asking: Mapping[str, asyncio.Task[Answer]]) -> None:
        """Cancel pending queries. An adapter that continues delays nothing, and is not queried again until it ends."""
        for task in asking.values():
            task.cancel()
        if asking:
            await asyncio.wait(asking.values(), timeout=GIVEN_UP_S)
        for name, task in asking.items():
            if not task.done():
                self._stuck[name] = task
                task.add_done_callback(partial(self._unstuck, name))

    def _unstuck(self, name: str, _: asyncio.Task[Answer]) -> None:
        del self._stuck[name]
