"""A site's exchange, queried whether the same chip was read at another of its gates in the preceding minutes (docs/protocols/exchange.md).

    POST /reuse/key   {}                                    200  {"day":"2026-12-05","key":"9b1c…"}
    POST /reuse/mark  {"mark":"5d2e…","minutes":30}         200  {"mark":"5d2e…","answer":"none"}
                                                            200  {"mark":"5d2e…","answer":"hit","gate":"north-8","at":"14:05"}

It receives only the mark of a document, and keeps a question for the minutes in this gate's approved configuration.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Answer, Exchange, NoAnswerError, Question, WrongAnswerError, not_known


class DaySaid(msgspec.Struct, frozen=True):
    """The exchange's key and its day; other fields are ignored."""

    day: date
    key: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Said(msgspec.Struct, frozen=True):
    """The exchange's answer; other fields are ignored. `gate` and `at`, the minute of the site's local time, belong to a hit."""

    mark: str
    answer: Literal["none", "hit", "unsure"]
    gate: Annotated[str, msgspec.Meta(pattern=r"\A(?:[a-z0-9][a-z0-9-]{0,62})?\Z")] = ""
    at: Annotated[str, msgspec.Meta(pattern=r"\A(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?\Z")] = ""


class Reuse:
    """Fills `Adapter`. It keeps neither key nor mark."""

    def __init__(self, exchange: Exchange, minutes: int) -> None:
        self._exchange = exchange
        self._minutes = minutes

    async def day_key(self, today: date) -> bytes:
        """Return today's key for marks. Raises AdapterError; another day's key is a wrong answer."""
        try:
            said = msgspec.json.decode(await self._exchange("/reuse/key", b"{}"), type=DaySaid)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise WrongAnswerError("no day's key") from error
        if said.day != today:
            raise WrongAnswerError("the key of another day: its clock or time zone is not the gate's")
        return bytes.fromhex(said.key)

    async def ask(self, question: Question, today: date) -> Answer:  # noqa: ARG002 - the port's argument
        """Whether the chip was read elsewhere. Raises AdapterError."""
        if not question.mark:
            return not_known(RegisterCause.NOT_CALLED_FOR)
        asked = {"mark": question.mark, "minutes": self._minutes}
        try:
            said = msgspec.json.decode(await self._exchange("/reuse/mark", msgspec.json.encode(asked)), type=Said)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise WrongAnswerError("no answer about a mark") from error
        if said.mark != question.mark:
            raise WrongAnswerError("an answer to another question")
        match said.answer:
            case "none":
                return Answer(RegisterAnswer.NONE)
            case "unsure":
                raise NoAnswerError("it has not run for the minutes that it is asked about")
            case "hit":
                if not said.gate or not said.at:
                    raise WrongAnswerError("a hit without gate or minute")
                about = f"gate {said.gate} at {said.at}"
                return Answer(RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE, about=about)
