"""The register map of docs/protocols/barrier-modbus.md for a controller. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import TTL_MS_MAX, TTL_MS_MIN, WATCHDOG_MS_MAX, WATCHDOG_MS_MIN, Alarm, Controller
from hardware_sim.modbus import IllegalAddressError, IllegalValueError, WrongStateError

if TYPE_CHECKING:
    from collections.abc import Sequence

IDENTITY = 0x504C
MAP_VERSION = 1
RELEASE_CODE = 0x5245
TTL, GRANT_ENTRY, GRANT_EXIT, WATCHDOG, LAMP, RELEASE, CLEAR_ALARMS, END_EMERGENCY = range(8)
LAMPS = 4
_ALLOWED: dict[int, Sequence[int]] = {
    TTL: range(TTL_MS_MIN, TTL_MS_MAX + 1),
    GRANT_ENTRY: range(2),
    GRANT_EXIT: range(2),
    WATCHDOG: range(WATCHDOG_MS_MIN, WATCHDOG_MS_MAX + 1),
    LAMP: range(LAMPS),
    RELEASE: (RELEASE_CODE,),
    CLEAR_ALARMS: range(0x10000),
    END_EMERGENCY: (1,),
}


class BarrierRegisters:
    """One controller's registers by address."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def read_input(self, address: int, count: int) -> list[int]:
        """Return input registers (function 04)."""
        return _part(self._inputs(), address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        """Return holding registers (function 03). An action's trigger reads as 0, a grant as its remaining passages."""
        barrier = self._controller
        return _part(
            [
                barrier.ttl_ms,
                barrier.granted(Way.ENTRY),
                barrier.granted(Way.EXIT),
                barrier.watchdog_ms,
                barrier.lamp,
                0,
                0,
                0,
            ],
            address,
            count,
        )

    def write_holding(self, address: int, values: list[int]) -> None:
        """Write holding registers (functions 06 and 16): all are checked before one is written."""
        writes = list(enumerate(values, address))
        for register, value in writes:
            self._check(register, value)
        for register, value in writes:
            self._write(register, value)

    def _check(self, register: int, value: int) -> None:
        allowed = _ALLOWED.get(register)
        if allowed is None:
            raise IllegalAddressError
        if value not in allowed:
            raise IllegalValueError
        if register == END_EMERGENCY and self._controller.fire:
            raise WrongStateError
        if register in {GRANT_ENTRY, GRANT_EXIT} and value and self._controller.emergency:
            raise WrongStateError  # in an emergency everyone may leave and no one is admitted

    def _write(self, register: int, value: int) -> None:
        barrier = self._controller
        if register == TTL:
            barrier.ttl_ms = value
        elif register in {GRANT_ENTRY, GRANT_EXIT}:
            barrier.set_grant(Way.ENTRY if register == GRANT_ENTRY else Way.EXIT, value)
        elif register == WATCHDOG:
            barrier.watchdog_ms = value
        elif register == LAMP:
            barrier.lamp = value
        elif register == RELEASE:
            barrier.release()
        elif register == CLEAR_ALARMS:
            barrier.clear_alarms(Alarm(value & sum(Alarm)))
        else:
            barrier.end_emergency()

    def _inputs(self) -> list[int]:
        barrier = self._controller
        first, middle, last = barrier.broken
        return [
            IDENTITY,
            MAP_VERSION,
            barrier.leaf.state,
            first | middle << 1 | last << 2,
            barrier.bodies,
            *divmod(barrier.passages[Way.ENTRY], 0x10000),
            *divmod(barrier.passages[Way.EXIT], 0x10000),
            barrier.alarms,
            int(barrier.fire),
            int(barrier.emergency),
            barrier.granted(Way.ENTRY),
            barrier.granted(Way.EXIT),
            barrier.grant_left_ms,
            barrier.power_ups,
            barrier.host_left_ms,
        ]


def _part(registers: list[int], address: int, count: int) -> list[int]:
    if address + count > len(registers):
        raise IllegalAddressError
    return registers[address : address + count]
