"""The two register maps of docs/protocols/sensors.md for a unit. Pure; all registers are read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hardware_sim.modbus import IllegalAddressError

if TYPE_CHECKING:
    from hardware_sim.sensors.unit import SensorUnit

IDENTITY = 0x5053
MAP_VERSION = 1
UNKNOWN = 0xFFFF
OBJECT_UNKNOWN = 2
_Cell = TypeVar("_Cell", bool, int)


class _ReadOnly:
    """The functions that neither map supports."""

    def __init__(self, unit: SensorUnit) -> None:
        self._unit = unit

    def read_holding(self, address: int, count: int) -> list[int]:
        """Raise IllegalAddressError: the unit has no holding registers."""
        del address, count
        raise IllegalAddressError

    def write_holding(self, address: int, values: list[int]) -> None:
        """Raise IllegalAddressError: the unit has no holding registers."""
        del address, values
        raise IllegalAddressError

    def read_coils(self, address: int, count: int) -> list[bool]:
        """Raise IllegalAddressError: the unit has no coils."""
        del address, count
        raise IllegalAddressError

    def write_coils(self, address: int, values: list[bool]) -> None:
        """Raise IllegalAddressError: the unit has no coils."""
        del address, values
        raise IllegalAddressError

    def _age(self, unit_ms: int) -> int:
        """Return the age in units of `unit_ms`, rounded down. UNKNOWN also stands for ages too large for a register."""
        age_ms = self._unit.age_ms
        return UNKNOWN if age_ms is None else min(age_ms // unit_ms, UNKNOWN)

    def _people(self) -> int:
        measured = self._unit.measured
        return UNKNOWN if measured is None or measured.people is None else measured.people


class SimRegisters(_ReadOnly):
    """Profile `portcullis-sim`: everything is in input registers."""

    def read_input(self, address: int, count: int) -> list[int]:
        """Return input registers (function 04). Raises IllegalAddressError."""
        unit, inside = self._unit, self._unit.inside
        left = None if unit.measured is None else unit.measured.object_left
        contacts = unit.call_shown | inside.cabinet_open << 1 | inside.mains << 2
        registers = [
            IDENTITY,
            MAP_VERSION,
            unit.session,
            self._age(1),
            self._people(),
            OBJECT_UNKNOWN if left is None else int(left),
            contacts,
            0,
        ]
        return _part(registers, address, count)

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Raise IllegalAddressError: the profile has no discrete inputs."""
        del address, count
        raise IllegalAddressError


class InputsRegisters(_ReadOnly):
    """Profile `inputs-8`: the counter in input registers, the contacts in discrete inputs, closed while normal."""

    def read_input(self, address: int, count: int) -> list[int]:
        """Return input registers (function 04). Raises IllegalAddressError."""
        return _part([self._people(), self._age(10), self._unit.session, 0], address, count)

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Return discrete inputs (function 02). Raises IllegalAddressError."""
        unit, inside = self._unit, self._unit.inside
        left = None if unit.measured is None else unit.measured.object_left
        inputs = [
            not unit.call_shown,
            not inside.cabinet_open,
            inside.mains,
            left is False,
            left is not None,
            *(False,) * 3,
        ]
        return _part(inputs, address, count)


def _part(cells: list[_Cell], address: int, count: int) -> list[_Cell]:
    if address + count > len(cells):
        raise IllegalAddressError
    return cells[address : address + count]
