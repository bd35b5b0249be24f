"""The driver of a board on a serial line, by its profile: no other protocol's is loaded, since a lane that starts has no time for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.port import BarrierDriver
from drivers.links import Link

LineProfile = ModbusProfile | FramedProfile


def line_barrier(
    profile: LineProfile, *, open_link: Callable[[], Awaitable[Link]], baud: int, unit: int, entry_is_left: bool
) -> BarrierDriver:
    """The driver, not yet connected. Raises SetupError when the board can have no such number."""
    match profile:
        case ModbusProfile():
            from drivers.barrier.modbus.driver import ModbusBarrier  # noqa: PLC0415

            return ModbusBarrier(
                open_link=open_link, profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left
            )
        case FramedProfile():
            from drivers.barrier.framed.driver import FramedBarrier  # noqa: PLC0415

            return FramedBarrier(
                open_link=open_link, profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left
            )
