"""One question, put to every register that it is for, side by side, each within the same deadline.

Whatever a register does, slow, wrong or hostile, costs its own answer and no other's: what did not come in time is not known, and so is what is no
answer. Nothing of a question is kept, and none is in a log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from gate.lists.adapters.port import Adapter, NoAnswerError, WrongAnswerError
from gate.lists.question import Answer, Question, not_known
from gate.passage.registers import RegisterAnswer, RegisterCause
from gate.programs.registers.held import HeldLists
from gate.programs.shared.trouble import Trouble

log = logging.getLogger("registers")


@dataclass(slots=True)
class Online:
    """A register that is asked online. `adapter` None: `missing` says what it lacks."""

    name: str
    adapter: Adapter | None
    missing: RegisterCause | None = None
    not_for: frozenset[str] = frozenset()
    trouble: Trouble = field(init=False)

    def __post_init__(self) -> None:
        """Each has troubles of its own."""
        self.trouble = Trouble(
            log, begins="register_lost", ends="register_back", each=False, about={"register": self.name}
        )

    async def ask(self, question: Question, today: date) -> Answer:
        """What it says, whatever it does."""
        if question.nationality and question.nationality in self.not_for:
            return Answer(RegisterAnswer.NONE, RegisterCause.NOT_CONCERNED)
        if self.adapter is None:
            return not_known(self.missing or RegisterCause.NO_ADDRESS)
        try:
            answer = await self.adapter.ask(question, today)
        except NoAnswerError as error:
            self.trouble.is_now(str(error))
            return not_known(RegisterCause.NO_ANSWER)
        except WrongAnswerError as error:
            self.trouble.is_now(str(error))
            return not_known(RegisterCause.WRONG_ANSWER)
        except Exception as error:  # noqa: BLE001 - an adapter may be anybody's; what it raised is in no log, for it may hold the question
            self.trouble.is_now(f"the adapter failed: {type(error).__name__}")
            return not_known(RegisterCause.WRONG_ANSWER)
        self.trouble.is_now("")
        return answer


class Registers:
    """Every list and register of a gate."""

    def __init__(self, lists: HeldLists, online: Mapping[str, Online]) -> None:
        self._lists = lists
        self._online = online

    async def ask(
        self, names: Sequence[str], question: Question, *, deadline_s: float, now: datetime, today: date
    ) -> dict[str, Answer]:
        """The answer of each register that is named, within the deadline."""
        answers = {name: self._lists.ask(name, question, now) for name in names if name not in self._online}
        asking = {
            name: asyncio.ensure_future(self._online[name].ask(question, today))
            for name in dict.fromkeys(names)
            if name in self._online
        }
        try:
            if asking:
                await asyncio.wait(asking.values(), timeout=deadline_s)
            for name, task in asking.items():
                if task.done():
                    answers[name] = task.result()
                else:
                    self._online[name].trouble.is_now(f"no answer within {deadline_s:g} s")
                    answers[name] = not_known(RegisterCause.NO_ANSWER)
        finally:
            for task in asking.values():
                task.cancel()
            await asyncio.gather(*asking.values(), return_exceptions=True)
        return answers
