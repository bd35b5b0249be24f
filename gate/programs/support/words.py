"""What of a status, a line of the journal or a configuration may leave a gate: numbers, and words of closed vocabularies. Pure.

Promise: text that a person, a device, a document or a peer can have put somewhere does not pass, whatever it says: who would tell a name
from a reason? So nothing is looked for and taken out; what is not known to be a word of ours stays here.
"""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from gate.channel import errors as channel_errors
from gate.channel.row import PROGRAMS
from gate.channel.table import CHANNELS
from gate.passage import states
from gate.passage.events import Part, RecordKind
from gate.passage.orders import Disposition, Outcome
from gate.passage.records import ClosedAs, IncidentKind
from gate.programs.shared import program_status
from gate.programs.shared.degraded_modes import MODES, OWN_WORDS, Lane
from gate.programs.shared.program_status import Silence
from gate_core import errors as driver_errors
from gate_core.evidence.crossing import Alarm, CheckId, CheckResult, Door, Notice
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.evidence.service_scope import BorderDirection
from gate_core.ports.values import LampColour, LeafPosition
from gate_core.programs.journal import EVENTS

LEFT_OUT: Final = "(left out)"
_VOCABULARIES: Final[tuple[type[enum.Enum], ...]] = (
    Alarm, BorderDirection, CheckId, CheckResult, ClosedAs, Disposition, Door, Guidance, IncidentKind, LampColour, Lane, LeafPosition, Notice,
    Outcome, Part, Purpose, Reason, RecordKind, Screen, Silence,
)  # fmt: skip
# Of the drivers' counters, the programs' states, the status and the journal.
_OTHERS: Final = (
    "requests silences bytes_passed_over strangers unasked connects looks pulses pulse_ms_max edges_forgotten ready degraded starting up down shown "
    "warm warming closed open importing failing all eu gate shadow first last swipe page count overdue certificates revocation_lists age_days kind "
    "well busy no_right wrong"
)
_KEPT_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?|[0-9.]{1,8}")


def _words() -> Iterator[str]:
    for vocabulary in _VOCABULARIES:
        yield from (str(one.value) for one in vocabulary)
    for state in typing.get_args(states.State):
        yield from (state.__name__, state.__name__.lower())
    for module in (driver_errors, channel_errors):
        yield from (name for name in vars(module) if name.endswith("Error"))
    yield from (
        *PROGRAMS,
        *(channel.name for channel in CHANNELS.every()),
        *EVENTS,
        *(mode.name for mode in MODES),
        *_OTHERS.split(),
    )
    yield from OWN_WORDS
    for kind in vars(program_status).values():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from kind.__struct_fields__


WORDS: Final = frozenset(_words())


def kept(value: object) -> object:
    """What of plain data may leave: its shape, its numbers, its words of ours. Keys that are no words go with what they name."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if _is_ours(value) else LEFT_OUT
        case list() | tuple():
            return [kept(one) for one in value]
        case Mapping():
            return {key: kept(one) for key, one in value.items() if isinstance(key, str) and _is_ours(key)}
        case _:
            return LEFT_OUT


def _is_ours(text: str) -> bool:
    """True for a word of ours, two of them joined by a colon, a date, or a short number."""
    reason, _, detail = text.partition(":")
    joined = reason in WORDS and (not detail or detail in WORDS)
    return joined or _KEPT_TEXT.fullmatch(text) is not None


def event_kept(line: Mapping[str, object]) -> dict[str, object] | None:
    """What of a journal's entry may leave (`journalctl -o json`): when, which program's, which event, and its numbers and words of ours.

    None for a line that is no event. Which crossing it was stays here: the audit log says more about that.
    """
    name, program = line.get("GATE_EVENT"), line.get("GATE_PROGRAM")
    event = EVENTS.get(name) if isinstance(name, str) else None
    if event is None or program not in {*PROGRAMS, "central"}:
        return None
    fields: dict[str, object] = {"event": name, "program": program}
    for key, source in (("realtime_us", "__REALTIME_TIMESTAMP"), ("priority", "PRIORITY")):
        fields[key] = _number(line.get(source))
    for field in event.fields:
        if field != "crossing":
            given = line.get(f"GATE_{field.upper()}")
            number = _number(given)
            fields[field] = number if number is not None else kept(given)
    return {key: value for key, value in fields.items() if value is not None}


def _number(value: object) -> int | None:
    """A count or a time; nothing as long as a document's number might be, but for a time."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and (len(text) <= 7 or len(text) == 16) else None
