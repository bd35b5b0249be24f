"""A register of entries and exits, of people who may stay for 90 days in any 180 (as Regulation (EU) 2017/2226 has one).

    POST /entry-exit  {"issuer":"UTO","number":"L898902C3","nationality":"UTO","entry":true}
    200               {"registered":true,"stays":[{"first":"2026-10-01","last":"2026-10-20"}],"refused":false,"reference":"E-3"}

Whoever enters must be registered, must not have been refused entry, and must have a day left; whoever leaves must be registered, and not have stayed too long. Anything
else is an officer's. The days are counted here, from the stays: a register's own count is not believed. Enrolment, and what is written
into the register, are not a gate's: it asks, and an officer's place does the rest, to which the lane refers whoever it must be written of (`rules.without_entry_record`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from gate.lists.adapters import stay
from gate.lists.adapters.port import Exchange, WrongAnswerError
from gate.lists.question import Answer, Question, not_known
from gate_core.evidence.registers import RegisterAnswer, RegisterCause

STAYS_MAX = 1000


class Stayed(msgspec.Struct, frozen=True):
    """One stay in the register's words."""

    first: date
    last: date | None = None


class Said(msgspec.Struct, frozen=True):
    """The register's answer; what it says beside this is passed over."""

    registered: bool
    stays: Annotated[list[Stayed], msgspec.Meta(max_length=STAYS_MAX)]
    refused: bool
    reference: Annotated[str, msgspec.Meta(max_length=64)] = ""


class EntryExit:
    """Fills `port.Adapter`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def ask(self, question: Question, today: date) -> Answer:
        """Whether whoever has this document may enter, or leaves in time. Raises AdapterError."""
        if not question.issuer or not question.number:
            return not_known(RegisterCause.NO_NUMBER)
        asked = {
            "issuer": question.issuer,
            "number": question.number,
            "nationality": question.nationality,
            "entry": question.entry,
        }
        try:
            said = msgspec.json.decode(await self._exchange("/entry-exit", msgspec.json.encode(asked)), type=Said)
            stays = [stay.Stay(one.first, one.last) for one in said.stays]
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise WrongAnswerError("no answer about entries and exits") from error
        if any(one.first > today or (one.last is not None and one.last > today) for one in stays):
            raise WrongAnswerError("a stay that is still to come")
        cause = _objection(said, stays, question, today)
        if cause is None:
            return Answer(RegisterAnswer.NONE)
        try:
            return Answer(RegisterAnswer.HIT, cause, reference=said.reference)
        except ValueError as error:
            raise WrongAnswerError("a reference that cannot be shown") from error


def _objection(said: Said, stays: list[stay.Stay], question: Question, today: date) -> RegisterCause | None:
    if not said.registered:
        return RegisterCause.NOT_REGISTERED
    if said.refused:
        return RegisterCause.NO_ENTRY
    if question.entry:
        return None if stay.days_left(stays, today) > 0 else RegisterCause.NO_STAY_LEFT
    return RegisterCause.STAY_EXCEEDED if stay.overstayed(stays, today) else None
