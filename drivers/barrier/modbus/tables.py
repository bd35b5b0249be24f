"""The tables of a Modbus barrier board's profile: what a status says, how passages are granted.

A key without a default is what every board has. What contradicts what is the whole profile's business (`profile.py`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from drivers.modbus.tables import Address, Place, Value
from drivers.profile_file import Milliseconds, Table
from gate_core.ports.values import LampColour, LeafPosition

TTL_MS_MAX = 30_000
TimeToLive = Annotated[int, msgspec.Meta(ge=1000, le=TTL_MS_MAX)]


class Status(Table, frozen=True, kw_only=True):
    """What the board says. The leaf by a `position` with its values, by a contact that is `closed`, or not at all.

    A board that does not tell of its leaf has it closed while nothing is granted and nothing is wrong. Whoever stands in the zone is counted by
    the board (`bodies`) or seen by beams, a body each (`presence`).
    """

    passages_left: Place
    passages_right: Place
    position: Place | None = None
    positions: dict[int, LeafPosition] = msgspec.field(default_factory=dict)
    closed: Place | None = None
    bodies: Place | None = None
    presence: Annotated[tuple[Place, ...], msgspec.Meta(max_length=8)] = ()
    fire: Place | None = None
    emergency: Place | None = None
    granted_left: Place | None = None
    granted_right: Place | None = None
    restarts: Place | None = None


class Timed(Table, frozen=True, kw_only=True, tag_field="kind", tag="timed"):
    """Three holding registers, written in one request: time to live in milliseconds, passages left, passages right. Absolute."""

    holding: Address
    ttl_ms_min: TimeToLive
    ttl_ms_max: TimeToLive


class Passages(Table, frozen=True, kw_only=True, tag_field="kind", tag="passages"):
    """Two holding registers: passages that remain, left and right. Absolute. The holding register `timer` takes their time to live."""

    holding: Address
    timer: Address
    timer_unit_ms: Milliseconds
    ttl_ms_min: TimeToLive
    ttl_ms_max: TimeToLive


class Pulse(Table, frozen=True, kw_only=True, tag_field="kind", tag="pulse"):
    """Three coils before a gate that takes pulses: left, right, stop. The gate ends a passage that was not begun after `lasts_ms`."""

    coil: Address
    pulse_ms: Annotated[int, msgspec.Meta(ge=100, le=500)]
    lasts_ms: TimeToLive


class Watchdog(Table, frozen=True, kw_only=True):
    """The holding register of the host watchdog, and the time that we write there. `proof` is a coil that moves nothing."""

    holding: Address
    ms: Annotated[int, msgspec.Meta(ge=500, le=5000)]
    unit_ms: Milliseconds = 1
    proof: Address | None = None

    @property
    def value(self) -> int:
        """What is written."""
        return self.ms // self.unit_ms


class Setting(Table, frozen=True, kw_only=True):
    """A holding register that must hold a value."""

    holding: Address
    value: Value


class Lamp(Table, frozen=True, kw_only=True):
    """The holding register of the lamp, or its first coil of `count`, and the value of each colour: of coils, a bit each, the first the lowest."""

    holding: Address | None = None
    coil: Address | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    colours: dict[LampColour, Value]


class Command(Table, frozen=True, kw_only=True):
    """A holding register that carries out a command when `value` is written."""

    holding: Address
    value: Value


class AlarmCommand(Table, frozen=True, kw_only=True):
    """A holding register that takes a mask of alarms to clear."""

    holding: Address
