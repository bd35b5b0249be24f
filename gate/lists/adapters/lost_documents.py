"""A register of documents reported lost, stolen or invalid, queried by issuer and number.

POST /lost-documents  {"document_type":"P","issuer":"UTO","number":"L898902C3"} 200
{"answer":"not_reported"}  or  {"answer":"reported","reference":"A-17","instructions":"Keep the document."}
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Answer, Exchange, Question, WrongAnswerError, not_known


class Said(msgspec.Struct, frozen=True):
    """The register's answer; other fields are ignored."""

    answer: Literal["reported", "not_reported"]
    reference: Annotated[str, msgspec.Meta(max_length=64)] = ""
    instructions: Annotated[str, msgspec.Meta(max_length=300)] = ""


class LostDocuments:
    """Fills `Adapter`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def ask(self, question: Question, today: date) -> Answer:  # noqa: ARG002 - the port's argument
        """Whether the document was reported. Raises AdapterError."""
        if not question.issuer or not question.number:
            return not_known(RegisterCause.NO_NUMBER)
        asked = {"document_type": question.document_type, "issuer": question.issuer, "number": question.number}
        try:
            said = msgspec.json.decode(await self._exchange("/lost-documents", msgspec.json.encode(asked)), type=Said)
            if said.answer == "not_reported":
                return Answer(RegisterAnswer.NONE)
            lost = RegisterCause.REPORTED_LOST
            return Answer(RegisterAnswer.HIT, lost, about=said.instructions, reference=said.reference)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise WrongAnswerError("no answer about a document") from error
