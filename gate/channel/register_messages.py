"""Messages between the lane and the registers, on channel `registers`. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gate.channel.message import Message, Status, StatusRequest
from gate.passage.names import Disposition
from gate_core.evidence.registers import RegisterAnswer, RegisterCause

REGISTERS_MAX = 16
RegisterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Handle = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{32})?$")]
OfMrz = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9< ]{0,44}$")]
Mark = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{80})?$")]  # protocols/exchange.md
DAY_KEY_BYTES = 32


class DocumentQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document in its MRZ's letters, without fillers. Names and `born` (YYYY-MM-DD, or empty) are empty if no
    register needs them. With `mark`, which is for a site's exchange, everything else is empty.
    """

    document_type: OfMrz
    issuer: OfMrz
    number: OfMrz
    nationality: OfMrz
    surname: OfMrz = ""
    given: OfMrz = ""
    born: Annotated[str, msgspec.Meta(pattern=r"^(?:\d{4}-\d{2}-\d{2})?$")] = ""
    mark: Mark = ""

    def __repr__(self) -> str:
        """Never shows a field: they are personal data."""
        return "DocumentQuestion(…)"


class AskRegisters(Message, frozen=True):
    """Query these registers about a document within this number of milliseconds. Closing the connection cancels it, and
    stops further queries. `entry`: the lane's direction over the border is entry. One question per connection.
    """

    registers: Annotated[list[RegisterName], msgspec.Meta(min_length=1, max_length=REGISTERS_MAX)]
    deadline_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)]
    entry: bool
    question: DocumentQuestion


class RegisterFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One register's answer, as `gate_core.evidence.registers.RegisterFinding` has it."""

    register: RegisterName
    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: Annotated[str, msgspec.Meta(max_length=32)] = ""
    handle: Handle = ""
    about: Annotated[str, msgspec.Meta(max_length=300)] = ""


class RegistersSaid(Message, frozen=True):
    """Each register's answer, or that nothing is known."""

    found: Annotated[list[RegisterFound], msgspec.Meta(max_length=REGISTERS_MAX)]


class HitSettled(Message, frozen=True):
    """An officer's disposition after a register's hit, for its owner. Answered by `SettlementKept` when it is durable."""

    register: RegisterName
    handle: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    disposition: Disposition


class SettlementKept(Message, frozen=True):
    """It is durable, or the register is no longer configured."""


class DayKeyWanted(Message, frozen=True):
    """Request the key for today's marks of chips."""


class DayKeyIs(Message, frozen=True):
    """The day's key of the site's exchange; empty if there is none now."""

    key: Annotated[bytes, msgspec.Meta(max_length=DAY_KEY_BYTES)]

    def __post_init__(self) -> None:
        """Refuse an incomplete key."""
        if len(self.key) not in {0, DAY_KEY_BYTES}:
            raise ValueError("a key of another length")

    def __repr__(self) -> str:
        """Never shows the key."""
        return "DayKeyIs(…)"


ToRegisters = AskRegisters | HitSettled | DayKeyWanted | StatusRequest
FromRegisters = RegistersSaid | SettlementKept | DayKeyIs | Status
