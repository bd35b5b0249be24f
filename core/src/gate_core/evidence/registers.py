"""Answers of lists and registers about a traveller's document, and the objections that follow. Pure.

A register is a signed local list, or is queried online. Each required register without an answer gives an objection: no
check is skipped because an address, list or key is missing. A register suspended for a day, by an approved dated
statement, is not asked on that day. Hits and unknown answers both refer the traveller, as every other reason does.

No personal data: queries and findings stay in the registers' program; `handle` is a random value of that program.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gate_core.evidence.reasons import Objection, Reason


class RegisterAnswer(enum.Enum):
    """A register's answer. Stored; never renamed."""

    NONE = "none"
    HIT = "hit"
    UNKNOWN = "unknown"


class RegisterCause(enum.Enum):
    """Cause of an answer. Stored; never renamed. `NONE_FOR`, `HIT_FOR`: causes of NONE, HIT; all others: of UNKNOWN."""

    # A hit
    NUMBER_LISTED = "number_listed"
    NAME_ALIKE = "name_alike"
    REPORTED_LOST = "reported_lost"
    STAY_EXCEEDED = "stay_exceeded"
    NO_STAY_LEFT = "no_stay_left"
    NO_ENTRY = "no_entry"
    NOT_REGISTERED = "not_registered"
    PRESENTED_ELSEWHERE = "presented_elsewhere"  # at another gate of the site, within the legal time
    # Not known
    NOT_REACHED = "not_reached"  # the program that asks
    NO_ANSWER = "no_answer"  # in time
    WRONG_ANSWER = "wrong_answer"
    NO_LIST = "no_list"
    LIST_NOT_IN_FORCE = "list_not_in_force"
    LIST_OLD = "list_old"
    NO_COPY = "no_copy"  # its owner does not (or no longer) allow a local copy
    NO_KEY = "no_key"  # or no certificate, if it needs one
    NO_ADDRESS = "no_address"
    NO_NUMBER = "no_number"  # the document has none that can be looked up
    NO_NAME = "no_name"
    NOT_CALLED_FOR = "not_called_for"  # nothing was read that can be looked up
    WITHHELD = "withheld"  # the traveller asked for an officer: no query leaves the gate
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
    """True if the cause fits the answer; for example, a missing list cannot cause NONE."""
    match answer:
        case RegisterAnswer.NONE:
            return cause in NONE_FOR
        case RegisterAnswer.HIT:
            return cause in HIT_FOR
        case RegisterAnswer.UNKNOWN:
            return cause not in NONE_FOR | HIT_FOR


@dataclass(frozen=True, slots=True)
class RegisterFinding:
    """One register's answer. `edition`: of a list. `handle`: to report a hit. `about`: instruction for officers."""

    register: str
    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: str = ""
    handle: str = ""
    about: str = ""

    @property
    def objection(self) -> Objection | None:
        """The objection of a hit or unknown answer; None for NONE."""
        if self.answer is RegisterAnswer.NONE:
            return None
        reason = Reason.REGISTER_HIT if self.answer is RegisterAnswer.HIT else Reason.REGISTER_UNKNOWN
        cause = "" if self.cause is None else self.cause.value
        return Objection(reason, ": ".join(part for part in (self.register, cause, self.about) if part))


@dataclass(frozen=True, slots=True)
class Suspension:
    """A register is not asked from `first` to `last`, inclusive. `basis`: the legal basis."""

    title: str
    basis: str
    first: date
    last: date

    def is_on(self, day: date | None) -> bool:
        """True on its days; False if the day is unknown."""
        return day is not None and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Register:
    """One register that must answer before the gate opens."""

    name: str
    suspended: tuple[Suspension, ...] = ()

    def is_asked(self, local: datetime | None) -> bool:
        """False only if it is certainly suspended today."""
        day = None if local is None else local.date()
        return not any(one.is_on(day) for one in self.suspended)


def asked(registers: tuple[Register, ...], local: datetime | None) -> tuple[str, ...]:
    """Return the registers that must answer at this local time of the site."""
    return tuple(one.name for one in registers if one.is_asked(local))


def unknown(names: tuple[str, ...], cause: RegisterCause) -> tuple[RegisterFinding, ...]:
    """Return an UNKNOWN finding for each register."""
    return tuple(RegisterFinding(name, RegisterAnswer.UNKNOWN, cause) for name in names)


def register_objections(
    registers: tuple[Register, ...], findings: tuple[RegisterFinding, ...] | None, local: datetime | None
) -> tuple[Objection, ...]:
    """Return all objections: hits, unknown answers, and required registers without an answer."""
    said = [one.objection for one in findings or () if one.objection is not None]
    answered = {one.register for one in findings or ()}
    silent = (name for name in asked(registers, local) if name not in answered)
    return (*said, *(Objection(Reason.REGISTER_UNKNOWN, name) for name in silent))
