"""The book of cases: travellers' requests, their deadlines, and the answers with their authors. An append-only file.

Each line is JSON and holds the SHA-256 of the line before, which detects a change in the middle. A kept line count and last SHA-256 (see `gate rights
list`) detect any other. The next line replaces a last one cut off by a power failure. No traveller's name is in it: a case has a crossing's number, or none.

Limits: LINE_BYTES_MAX a line, LINES_MAX lines; a full book is closed, and a new one begun.
"""

from __future__ import annotations

import calendar
import enum
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final, assert_never

import msgspec

from gate_core import durable

LINE_BYTES_MAX: Final = 8 * 1024
LINES_MAX: Final = 200_000
WORDS_MAX: Final = 1_000
ANSWER_MONTHS: Final = 1  # GDPR Article 12(3)
MORE_MONTHS: Final = 2  # once; the person is given the reason within the first month
BEGINS: Final = "0" * 64


class BookError(ValueError):
    """The book is malformed, or an event is not allowed in it; the message has the reason."""


class Kind(enum.Enum):
    """The kind of request. Stored; never renamed."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    COMPLAINT = "complaint"


class Outcome(enum.Enum):
    """How a case ends. Stored; never renamed."""

    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"
    NOTHING_HELD = "nothing_held"


@dataclass(frozen=True, slots=True)
class Received:
    """A case begins. `words` is the request in short, without a name."""

    kind: Kind
    crossing: str
    received: date
    words: str = ""


@dataclass(frozen=True, slots=True)
class Extended:
    """The deadline is two months later; the person who asked is informed."""

    on: date
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exported:
    """The records of the crossing were given to the controller: each file's SHA-256."""

    on: date
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer, its author, and its reason."""

    on: date
    by: str
    outcome: Outcome
    reason: str


Event = Received | Extended | Exported | Answered
_KINDS: Final[Mapping[object, type[Event]]] = {
    "received": Received,
    "extended": Extended,
    "exported": Exported,
    "answered": Answered,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Case:
    """One case in its present state."""

    number: int
    begun: Received
    due: date
    extended: bool = False
    exports: int = 0
    answer: Answered | None = None

    def days_left(self, today: date) -> int | None:
        """Return how many days are left, negative when late; None for an answered case."""
        return None if self.answer is not None else (self.due - today).days

    def is_late(self, today: date) -> bool:
        """Return True for an unanswered case whose day is over."""
        return (self.days_left(today) or 0) < 0

    @property
    def ends(self) -> str:
        """The answer, or the day on which it is due, for people."""
        return f"due {self.due}" if self.answer is None else f"answered {self.answer.on}: {self.answer.outcome.value}"

    def line(self, today: date) -> str:
        """Return the case for people."""
        late = ", LATE" if self.is_late(today) else ""
        crossing = self.begun.crossing or "no crossing"
        return f"{self.number}  {self.begun.kind.value}  {crossing}  {self.ends}{late}"

    def fields(self, today: date) -> dict[str, object]:
        """Return the case for JSON."""
        return {
            "case": self.number,
            "kind": self.begun.kind.value,
            "crossing": self.begun.crossing,
            "received": self.begun.received.isoformat(),
            "due": self.due.isoformat(),
            "days_left": self.days_left(today),
            "extended": self.extended,
            "exports": self.exports,
            "outcome": None if self.answer is None else self.answer.outcome.value,
            "answered": None if self.answer is None else self.answer.on.isoformat(),
        }


@dataclass(slots=True)
class Book:
    """A book as read from its file."""

    path: Path
    lines: int = 0
    size_bytes: int = 0
    last: str = BEGINS
    torn_bytes: int = 0  # behind the last line, of one that was never finished
    cases: dict[int, Case] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Book:
        """Read a book; a missing file is an empty book. Raises BookError and OSError."""
        book = cls(path)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return book
        with file:
            for raw in iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""):
                if raw.endswith(b"\n") or len(raw) > LINE_BYTES_MAX:
                    book._take(raw)
                else:
                    book.torn_bytes = len(raw)
        return book

    def add(self, number: int | None, event: Event) -> Case:
        """Write the next event durably; `number` None begins a case. Raises BookError for an event that is not allowed, and OSError."""
        at = max(self.cases, default=0) + 1 if number is None else number
        case = self._after(at, event)
        line = _line(at, event, self.last)
        if len(line) > LINE_BYTES_MAX or self.lines >= LINES_MAX:
            raise BookError("this book is full, or the line too long")
        self._append(line)
        self.lines, self.last, self.cases[at] = self.lines + 1, _sha256(line), case
        self.size_bytes += len(line)
        return case

    def _append(self, line: bytes) -> None:
        """Append the line and sync it to disk. Raises BookError when another process wrote since this was read, and
        OSError, which leaves the book as it was.
        """
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size != self.size_bytes + self.torn_bytes:
                raise BookError("somebody else wrote into this book meanwhile; do it again")
            if self.torn_bytes:
                os.ftruncate(descriptor, self.size_bytes)
                self.torn_bytes = 0
            try:
                left = line
                while left:
                    left = left[file.write(left) :]
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, self.size_bytes)
                raise
        durable.sync(self.path.parent)

    def _take(self, raw: bytes) -> None:
        where = f"line {self.lines + 1}"
        if not raw.endswith(b"\n") or len(raw) > LINE_BYTES_MAX or self.lines >= LINES_MAX:
            raise BookError(f"{where}: is cut off, too long or one too many")
        try:
            told = json.loads(raw)
            number, before, event = told["case"], told["before"], _event(told)
            canonical = _line(number, event, before)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BookError(f"{where}: is no line of a book") from error
        if canonical != raw or type(number) is not int or before != self.last:
            raise BookError(f"{where}: does not follow from the line before: something was changed or taken out")
        try:
            self.cases[number] = self._after(number, event)
        except BookError as error:
            raise BookError(f"{where}: {error}") from error
        self.lines, self.last, self.size_bytes = self.lines + 1, _sha256(raw), self.size_bytes + len(raw)

    def _after(self, number: int, event: Event) -> Case:
        case = self.cases.get(number)
        if isinstance(event, Received):
            if case is not None or number != max(self.cases, default=0) + 1:
                raise BookError(f"case {number} does not follow")
            return Case(number, event, months_after(event.received, ANSWER_MONTHS))
        if case is None:
            raise BookError(f"there is no case {number}")
        if case.answer is not None:
            raise BookError(f"case {number} was answered on {case.answer.on}")
        if event.on < case.begun.received:
            raise BookError(f"case {number} began on {case.begun.received}, which is later")
        match event:
            case Extended(on):
                if case.extended or on > case.due:
                    raise BookError(f"case {number} can be extended once, and until {case.due}")
                return replace(case, extended=True, due=months_after(case.due, MORE_MONTHS))
            case Exported():
                return replace(case, exports=case.exports + 1)
            case Answered():
                return replace(case, answer=event)
            case _:
                assert_never(event)


def months_after(day: date, months: int) -> date:
    """Return the same day `months` later, or that month's last day. Raises BookError beyond the calendar's end."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    if year > date.max.year:
        raise BookError(f"no calendar has a day {months} months after {day}")
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _line(number: int, event: Event, before: str) -> bytes:
    fields: dict[str, object] = msgspec.to_builtins(event)
    if any(isinstance(value, str) and len(value) > WORDS_MAX for value in fields.values()):
        raise BookError(f"words of more than {WORDS_MAX} letters")
    told = {"schema": 1, "case": number, "event": _NAMES[type(event)], "before": before, **fields}
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _event(told: Mapping[str, object]) -> Event:
    """Return the event. Raises ValueError, KeyError and TypeError for a malformed one."""
    return msgspec.convert(told, _KINDS[told["event"]])


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
