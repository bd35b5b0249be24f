"""A captured trace of a board's line, as text: docs/protocols/barrier-trace.md.

A head in TOML, then one event per line: milliseconds since the beginning, kind, content. Traces are untrusted files:
they have limits and are parsed strictly; every error names file and line.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import tomli_w

from drivers.profile_file import ProfileFile, Table
from gate_core.errors import DriverError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import BarrierStatus, Direction, LampColour
from gate_core.settings.base import Baud
from gate_core.settings.toml_file import TomlFile

FIRST_LINE = "# portcullis barrier trace 1"
END_OF_HEAD = "--"
TRACE_BYTES_MAX = 4 * 1024 * 1024
EVENTS_MAX = 100_000
BYTES_A_LINE_MAX = 512
_EVENT = re.compile(r"(?P<at>\d{1,8}\.\d{3}) (?P<kind>[><!=|#])(?: (?P<what>[^#]*?))?(?: *# (?P<note>.*))?")
_HEX = re.compile(r"(?:[0-9A-F]{2} )*[0-9A-F]{2}")
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_PRINTABLE)]


class Kind(enum.Enum):
    """An event's kind."""

    TO_BOARD = ">"
    FROM_BOARD = "<"
    CALL = "!"  # the driver's call
    OUTCOME = "="  # what came of it
    LOST = "|"  # the line went away, or could not be opened
    REMARK = "#"


class Head(Table, frozen=True, kw_only=True):
    """A trace's origin. `simulated`: there was no hardware; the recorder sets it."""

    board: Words
    firmware: Words
    profile: Words
    protocol: Literal["framed", "modbus-rtu"]
    baud: Baud
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)]
    entry_is_left: bool
    simulated: bool
    captured_by: Words
    captured_at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `what`: hexadecimal bytes for traffic, text otherwise."""

    at_ms: float
    kind: Kind
    what: str = ""
    note: str = ""

    @property
    def wire(self) -> bytes:
        """The bytes on the line."""
        return bytes.fromhex(self.what)

    def spelt(self) -> str:
        """The event as a line of the file."""
        words = [f"{self.at_ms:.3f} {self.kind.value}", *([self.what] if self.what else [])]
        return " ".join([*words, *([f"# {self.note}"] if self.note else [])])


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace. `first_line`: the file's line with the first event."""

    name: str
    head: Head
    events: tuple[Event, ...]
    first_line: int

    def where(self, at: int) -> str:
        """Return an event's file and line."""
        return f"{self.name}:{self.first_line + at}"


def one_line(text: str) -> str:
    """Return text that fits into one event."""
    return "".join(letter if letter.isprintable() and letter != "#" else " " for letter in text)[:400].strip()


def spelt(head: Head) -> str:
    """Return the file's head, up to the first event."""
    return f"{FIRST_LINE}\n{tomli_w.dumps(msgspec.to_builtins(head))}{END_OF_HEAD}\n"


def read_trace(file: ProfileFile) -> Trace:
    """Parse a trace. Raises SetupError with file and line."""
    lines = file.text.split("\n")
    if lines[0] != FIRST_LINE:
        raise SetupError(f"{file.name}:1: is no barrier trace: it must begin with {FIRST_LINE!r}")
    if END_OF_HEAD not in lines:
        raise SetupError(f"{file.name}:{len(lines)}: the head has no end: a line of {END_OF_HEAD!r}")
    end = lines.index(END_OF_HEAD)
    text = TomlFile(file.name, "\n".join(lines[:end]))
    head = text.fitted(text.table(), Head)
    body = lines[end + 1 :]
    if body and not body[-1]:
        body.pop()  # the last line's end
    if len(body) > EVENTS_MAX:
        raise SetupError(f"{file.name}: has {len(body)} events; {EVENTS_MAX} are the most")
    return Trace(file.name, head, tuple(_events(file.name, body, end + 2)), end + 2)


def _events(name: str, body: list[str], first_line: int) -> Iterator[Event]:
    before_ms = 0.0
    for number, line in enumerate(body, first_line):
        found = _EVENT.fullmatch(line)
        if found is None or not line.isprintable():
            raise SetupError(
                f"{name}:{number}: is no event: milliseconds with three decimals, one of > < ! = | #, and what"
            )
        event = Event(float(found["at"]), Kind(found["kind"]), found["what"] or "", found["note"] or "")
        if event.kind in {Kind.TO_BOARD, Kind.FROM_BOARD}:
            if not _HEX.fullmatch(event.what):
                raise SetupError(
                    f"{name}:{number}: bytes are two hexadecimal digits each, in capitals, with a blank between"
                )
            if len(event.what) > 3 * BYTES_A_LINE_MAX:
                raise SetupError(f"{name}:{number}: more than {BYTES_A_LINE_MAX} bytes in one line")
        if event.at_ms < before_ms:
            raise SetupError(f"{name}:{number}: is earlier than the line above it")
        before_ms = event.at_ms
        yield event


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call: a status, done without one, or an error."""

    call: str
    status: BarrierStatus | None = None
    error: DriverError | None = None

    @property
    def ok(self) -> bool:
        """True if it was done."""
        return self.error is None

    def spelt(self) -> str:
        """Return the result as a trace has it, with a status's complete content."""
        if self.error is not None:
            return one_line(f"{type(self.error).__name__}: {self.error}")
        return "done" if self.status is None else described(self.status)


def described(status: BarrierStatus) -> str:
    """Return a status as text."""
    inputs = [name for name, on in (("fire", status.fire), ("emergency", status.emergency_open)) if on]
    alarms = sorted(alarm.value for alarm in status.alarms)
    return (
        f"{status.position.value}, bodies {status.bodies}, counted {status.count_entry} in {status.count_exit} out, "
        f"granted {status.grants_left_entry} in {status.grants_left_exit} out, power-ups {status.restarts}"
        + "".join(f", {word}" for word in (*inputs, *alarms))
    )


_PLAIN: Mapping[str, Callable[[BarrierDriver], Awaitable[BarrierStatus | None]]] = {
    "connect": lambda barrier: barrier.connect(),
    "status": lambda barrier: barrier.status(),
    "revoke": lambda barrier: barrier.revoke(),
    "release": lambda barrier: barrier.release(),
    "clear-alarms": lambda barrier: barrier.clear_alarms(tuple(Alarm)),
    "end-emergency": lambda barrier: barrier.end_emergency(),
}
WORDS = (*_PLAIN, "grant entry MILLISECONDS", "grant exit MILLISECONDS", "lamp COLOUR")


def understood(call: str) -> Callable[[BarrierDriver], Awaitable[BarrierStatus | None]]:
    """Return the function of a call. Raises ValueError for words that are no call."""
    match call.split():
        case [word] if word in _PLAIN:
            return _PLAIN[word]
        case ["grant", direction, ttl_ms]:
            way, lives_ms = Direction(direction), int(ttl_ms)
            return lambda barrier: barrier.grant(way, lives_ms)
        case ["lamp", shade]:
            colour = LampColour(shade)
            return lambda barrier: barrier.lamp(colour)
        case _:
            raise ValueError(f"{call!r} is none of: {', '.join(WORDS)}")


async def carry_out(barrier: BarrierDriver, call: str) -> Outcome:
    """Carry out a call; a time to live that the board does not accept is refused. Raises ValueError for words that are no call."""
    doing = understood(call)
    try:
        return Outcome(call, status=await doing(barrier))
    except DriverError as error:
        return Outcome(call, error=error)
    except ValueError as error:
        return Outcome(call, error=RefusedError(str(error)))
