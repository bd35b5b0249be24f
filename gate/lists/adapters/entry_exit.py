"""A register of entries and exits, for people who may stay 90 days in any 180 (as Regulation (EU) 2017/2226 has one).

    POST /entry-exit  {"issuer":"UTO","number":"L898902C3","nationality":"UTO","entry":true}
    200               {"registered":true,"stays":[{"first":"2026-10-01","last":"2026-10-20"}],"refused":false,"reference":"E-3"}

On entry a person must be registered, not refused, and have a day left; on exit registered, without an overstay. The
days are counted here from the stays: a register's own count is ignored. A gate writes nothing into the register.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final

import msgspec

from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Answer, Exchange, Question, WrongAnswerError, not_known

STAYS_MAX: Final = 1000
DAYS_MAX: Final = 90
WINDOW_DAYS: Final = 180
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """From the day of entry to the day of exit, both included; `last` None: still staying."""

    first: date
    last: date | None = None

    def __post_init__(self) -> None:
        """Refuse a stay that ends before it begins."""
        if self.last is not None and self.last < self.first:
            raise ValueError("a stay ends before it begins")


class Said(msgspec.Struct, frozen=True):
    """The register's answer; other fields are ignored."""

    registered: bool
    stays: Annotated[list[Stay], msgspec.Meta(max_length=STAYS_MAX)]
    refused: bool
    reference: Annotated[str, msgspec.Meta(max_length=64)] = ""


class EntryExit:
    """Fills `Adapter`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def ask(self, question: Question, today: date) -> Answer:
        """Return whether the document's holder may enter, or leaves in time. Raises AdapterError."""
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
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise WrongAnswerError("no answer about entries and exits") from error
        if any(one.first > today or (one.last is not None and one.last > today) for one in said.stays):
            raise WrongAnswerError("a stay that is still to come")
        cause = _objection(said, question, today)
        if cause is None:
            return Answer(RegisterAnswer.NONE)
        try:
            return Answer(RegisterAnswer.HIT, cause, reference=said.reference)
        except ValueError as error:
            raise WrongAnswerError("a reference that cannot be shown") from error


def _objection(said: Said, question: Question, today: date) -> RegisterCause | None:
    if not said.registered:
        return RegisterCause.NOT_REGISTERED
    if said.refused:
        return RegisterCause.NO_ENTRY
    if question.entry:
        return None if days_left(said.stays, today) > 0 else RegisterCause.NO_STAY_LEFT
    return RegisterCause.STAY_EXCEEDED if overstayed(said.stays, today) else None


# ── short stays: 90 days in any 180 (Regulation (EU) 2016/399, Article 6(1)) ──────────────────────────────────────────
# The day of entry and the day of exit are days of stay, and on each day of a stay the 180 days that end with it are looked at (Article 6(2)).


def merged(stays: Iterable[Stay], today: date) -> tuple[tuple[date, date], ...]:
    """Return the days of stay until today as separate spans: a day in two stays counts once."""
    spans = sorted(
        (one.first, min(today if one.last is None else one.last, today)) for one in stays if one.first <= today
    )
    found: list[tuple[date, date]] = []
    for first, last in spans:
        if found and first <= found[-1][1] + _DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def used(spans: Sequence[tuple[date, date]], day: date) -> int:
    """Return the number of days of stay among the 180 that end with this one."""
    begin = day - timedelta(days=WINDOW_DAYS - 1)
    return sum(max(0, (min(last, day) - max(first, begin)).days + 1) for first, last in spans)


def days_left(stays: Iterable[Stay], first_day: date) -> int:
    """Return for how many days, from this one on, a person may stay without a day on which 90 are exceeded; 0: not today.

    Earlier stays count as they were; from this day on every day is one of stay. The number of used days never falls during a
    stay, so bisection finds the last permitted day.
    """
    spans = merged(stays, first_day - _DAY)

    def used_on_the_last_of(days: int) -> int:
        last = first_day + timedelta(days=days - 1)
        return used((*spans, (first_day, last)), last)

    return bisect.bisect_right(range(1, DAYS_MAX + 1), DAYS_MAX, key=used_on_the_last_of)


def overstayed(stays: Iterable[Stay], today: date) -> int:
    """Return the number of days beyond the limit on the day of exit; 0: within it."""
    return max(0, used(merged(stays, today), today) - DAYS_MAX)
