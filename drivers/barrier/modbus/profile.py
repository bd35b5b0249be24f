"""Register maps: what is where in one kind of Modbus barrier controller, and how a grant ends there without us.

A profile is data (drivers/profiles/barrier/*.toml, or a site's file), read strictly: an unknown key, a wrong type or a contradiction is
a SetupError. So is a board whose grants never end by themselves: it cannot be put into service (safety invariant 5).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from drivers.barrier.profile_file import BoardProfile, Milliseconds, Table, Wrong
from drivers.values import BarrierAlarm, LampColour, LeafPosition

REGISTERS_READ_MAX = 125  # Modbus Application Protocol V1.1b3 §6.4
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Value = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Offset = Annotated[int, msgspec.Meta(ge=0, lt=REGISTERS_READ_MAX)]
Bit = Annotated[int, msgspec.Meta(ge=0, le=15)]


class Identity(Table, frozen=True):
    """Input registers that say what board and map this is, and what they must hold."""

    address: Address
    expected: Annotated[tuple[Value, ...], msgspec.Meta(min_length=1, max_length=8)]


class StatusBlock(Table, frozen=True):
    """One block of input registers. All places are offsets within it; counters take two registers, high word first.

    `registers_spare` registers behind the block may be read besides, so that two answers differ in length.
    """

    address: Address
    registers: Annotated[int, msgspec.Meta(ge=1, lt=REGISTERS_READ_MAX)]
    registers_spare: Annotated[int, msgspec.Meta(ge=1, le=8)]
    position: Offset
    positions: dict[int, LeafPosition]
    bodies: Offset
    passages_left: Offset
    passages_right: Offset
    alarms: Offset
    alarm_bits: Annotated[tuple[BarrierAlarm, ...], msgspec.Meta(max_length=16)]
    inputs: Offset
    fire_bit: Bit
    mode: Offset
    mode_emergency: Value
    granted_left: Offset
    granted_right: Offset
    restarts: Offset

    @property
    def last_offset(self) -> int:
        """The highest offset in use."""
        single = (
            self.position,
            self.bodies,
            self.alarms,
            self.inputs,
            self.mode,
            self.granted_left,
            self.granted_right,
        )
        return max(*single, self.restarts, self.passages_left + 1, self.passages_right + 1)


class GrantBlock(Table, frozen=True):
    """Three holding registers, written in one request: time to live in milliseconds, passages left, passages right."""

    address: Address
    ttl_ms_min: Milliseconds
    ttl_ms_max: Milliseconds


class Watchdog(Table, frozen=True):
    """The holding register of the host watchdog, and the time that we write there."""

    address: Address
    ms: Milliseconds


class Lamp(Table, frozen=True):
    """The holding register of the lamp and the value of each colour."""

    address: Address
    colours: dict[LampColour, Value]


class Command(Table, frozen=True):
    """A holding register that carries out a command when `value` is written."""

    address: Address
    value: Value


class AlarmCommand(Table, frozen=True):
    """A holding register that takes a mask of alarms to clear."""

    address: Address


class ModbusProfile(BoardProfile, frozen=True, kw_only=True, tag="modbus-rtu"):
    """The whole map of one kind of board."""

    turnaround_ms_max: Annotated[int, msgspec.Meta(ge=1, le=2000)]
    identity: Identity
    status: StatusBlock
    grant: GrantBlock
    watchdog: Watchdog
    lamp: Lamp
    release: Command
    clear_alarms: AlarmCommand
    end_emergency: Command

    @property
    def ttl_ms(self) -> range:
        """The times to live that the board takes."""
        return range(self.grant.ttl_ms_min, self.grant.ttl_ms_max + 1)

    def contradictions(self) -> list[Wrong]:
        """Everything that types alone do not see."""
        found = BoardProfile.contradictions(self)
        if self.status.last_offset >= self.status.registers:
            found.append(
                Wrong("status.registers", f"{self.status.registers} leaves out offset {self.status.last_offset}")
            )
        if missing := set(LampColour) - set(self.lamp.colours):
            found.append(Wrong("lamp.colours", f"lacks {', '.join(sorted(colour.value for colour in missing))}"))
        if self.grant.ttl_ms_min > self.grant.ttl_ms_max:
            found.append(Wrong("grant.ttl_ms_min", "is above grant.ttl_ms_max"))
        return found
