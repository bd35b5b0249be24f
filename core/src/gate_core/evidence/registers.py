"""What lists and registers said about a document, and which of them must answer before a gate opens. Pure; nothing is personal.

A required register without an answer is an objection, unless it is suspended that day. A hit and an unknown both lead to an officer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gate_core.evidence.reasons import Objection, Reason


class RegisterAnswer(enum.Enum):
    """What a register said. Stored; never renamed."""

    NONE = "none"
    HIT = "hit"
    UNKNOWN = "unknown"


class RegisterCause(enum.Enum):
    """Why it said so. Stored; never renamed. `NONE_FOR` and `HIT_FOR` say which go with which answer; every other is why nothing is known."""

    # A hit
    NUMBER_LISTED = "number_listed"
    NAME_ALIKE = "name_alike"
    REPORTED_LOST = "reported_lost"
    STAY_EXCEEDED = "stay_exceeded"
    NO_STAY_LEFT = "no_stay_left"
    NO_ENTRY = "no_entry"
    NOT_REGISTERED = "not_registered"
    PRESENTED_ELSEWHERE = "presented_elsewhere"  # at another gate of the site, within the minutes that a law allows
    # Not known
    NOT_REACHED = "not_reached"  # the program that asks
    NO_ANSWER = "no_answer"  # in time
    WRONG_ANSWER = "wrong_answer"
    NO_LIST = "no_list"
    LIST_NOT_IN_FORCE = "list_not_in_force"
    LIST_OLD = "list_old"
    NO_COPY = "no_copy"  # its owner does not allow one here, or not any more
    NO_KEY = "no_key"  # nor certificate, where it takes one
    NO_ADDRESS = "no_address"
    NO_NUMBER = "no_number"  # the document has none that could be looked up
    NO_NAME = "no_name"
    NOT_CALLED_FOR = "not_called_for"  # nothing was read that could be asked about
    WITHHELD = "withheld"  # the traveller asked for an officer: nothing about them leaves the gate
    # None
    WITHDRAWN = "withdrawn"  # by its owner
    NOT_CONCERNED = "not_concerned"  # the register is not about nationals of this state


NONE_FOR: Final = frozenset({None, RegisterCause.WITHDRAWN, RegisterCause.NOT_CONCERNED})
HIT_FOR: Final = frozenset(
    {
        RegisterCause.NUMBER_LISTED,
        RegisterCause.NAME_ALIKE,
        RegisterCause.REPORTED_LOST,
        RegisterCause.STAY_EXCEEDED,
        RegisterCause.NO_STAY_LEFT,
        RegisterCause.NO_ENTRY,
        RegisterCause.NOT_REGISTERED,
        RegisterCause.PRESENTED_ELSEWHERE,
    }
)


def agree(answer: RegisterAnswer, cause: RegisterCause | None) -> bool:
    """True when this can be why a register gave this answer; a "none" for want of a list, say, is no answer."""
    match answer:
        case RegisterAnswer.NONE:
            return cause in NONE_FOR
        case RegisterAnswer.HIT:
            return cause in HIT_FOR
        case RegisterAnswer.UNKNOWN:
            return cause not in NONE_FOR | HIT_FOR


@dataclass(frozen=True, slots=True)
class RegisterFinding:
    """The answer of one register. `edition` is that of a list, `handle` what a hit is told back by, `about` what its owner would have the officer do."""

    register: str
    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: str = ""
    handle: str = ""
    about: str = ""

    @property
    def objection(self) -> Objection | None:
        """Why whoever it is about is referred, if they are."""
        if self.answer is RegisterAnswer.NONE:
            return None
        reason = Reason.REGISTER_HIT if self.answer is RegisterAnswer.HIT else Reason.REGISTER_UNKNOWN
        cause = "" if self.cause is None else self.cause.value
        return Objection(reason, ": ".join(part for part in (self.register, cause, self.about) if part))


@dataclass(frozen=True, slots=True)
class Suspension:
    """A named state of the site: a register is not asked from the first of these days to the last, both included. `basis` is the legal basis."""

    title: str
    basis: str
    first: date
    last: date

    def is_on(self, day: date | None) -> bool:
        """True on its days. What day it is must be known."""
        return day is not None and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Register:
    """One register that must answer before the gate opens."""

    name: str
    suspended: tuple[Suspension, ...] = ()

    def is_asked(self, local: datetime | None) -> bool:
        """False only where it is certain that it is suspended today."""
        day = None if local is None else local.date()
        return not any(one.is_on(day) for one in self.suspended)


def asked(registers: tuple[Register, ...], local: datetime | None) -> tuple[str, ...]:
    """The registers that must answer at this time, on the site's own wall clock."""
    return tuple(one.name for one in registers if one.is_asked(local))


def unknown(names: tuple[str, ...], cause: RegisterCause) -> tuple[RegisterFinding, ...]:
    """Of each of these, that nothing is known."""
    return tuple(RegisterFinding(name, RegisterAnswer.UNKNOWN, cause) for name in names)


def register_objections(
    registers: tuple[Register, ...], findings: tuple[RegisterFinding, ...] | None, local: datetime | None
) -> tuple[Objection, ...]:
    """Everything the registers object to: hits, what is not known, and each required register that said nothing."""
    said = [one.objection for one in findings or () if one.objection is not None]
    answered = {one.register for one in findings or ()}
    silent = (name for name in asked(registers, local) if name not in answered)
    return (*said, *(Objection(Reason.REGISTER_UNKNOWN, name) for name in silent))
