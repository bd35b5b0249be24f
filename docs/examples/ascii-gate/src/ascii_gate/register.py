"""An adapter to a register of wanted documents, asked by issuer and number.

POST /wanted  UTO;L898902C3
200           no  or  yes;<what the officer is to do>
"""

from __future__ import annotations

from datetime import date

from gate_core.ports.drivers import DriverSettings
from gate_core.ports.registers import (
    Adapter,
    Answer,
    Exchange,
    Question,
    RegisterAnswer,
    RegisterCause,
    WrongAnswerError,
    not_known,
)


class Wanted(DriverSettings, frozen=True, kw_only=True):
    """The keys of [registers.online.NAME.code.settings]."""

    path: str = "/wanted"

    def open(self, exchange: Exchange) -> Adapter:
        """Return the adapter."""
        return WantedRegister(exchange, self.path)


class WantedRegister:
    """Fills `gate_core.ports.registers.Adapter`."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        self._exchange, self._path = exchange, path

    async def ask(self, question: Question, today: date) -> Answer:  # noqa: ARG002 - the port's argument
        if not question.issuer or not question.number:
            return not_known(RegisterCause.NO_NUMBER)
        body = await self._exchange(self._path, f"{question.issuer};{question.number}".encode())
        match body.decode("utf-8", "replace").strip().split(";", 1):
            case ["no"]:
                return Answer(RegisterAnswer.NONE)
            case ["yes", about]:
                try:
                    return Answer(RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, about=about)
                except ValueError as error:
                    raise WrongAnswerError("words that cannot be shown") from error
            case _:
                raise WrongAnswerError("no answer about a document")
