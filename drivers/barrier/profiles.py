"""Loads the profile named in a barrier's settings, checks its protocol, and makes the board's driver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.links import Link
from drivers.profile_file import ProfileFile

if TYPE_CHECKING:
    from drivers.barrier.framed.driver import FramedBarrier
    from drivers.barrier.modbus.driver import ModbusBarrier

LineProfile = ModbusProfile | FramedProfile
BarrierProfile = LineProfile | ContactsProfile  # `protocol` picks


def load_profile(name: str) -> BarrierProfile:
    """Load a shipped profile by its name, or a site's by its absolute path. Raises SetupError."""
    profile: BarrierProfile = ProfileFile.open(name, room="barrier").profile(BarrierProfile)
    return profile


def line_barrier(
    profile: LineProfile, *, open_link: Callable[[], Awaitable[Link]], baud: int, unit: int, entry_is_left: bool
) -> ModbusBarrier | FramedBarrier:
    """Return the driver, not yet connected. Raises SetupError if the board cannot have this number."""
    match profile:
        case ModbusProfile():
            from drivers.barrier.modbus.driver import ModbusBarrier  # noqa: PLC0415 - a lane loads the driver that it has

            return ModbusBarrier(
                open_link=open_link, profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left
            )
        case FramedProfile():
            from drivers.barrier.framed.driver import FramedBarrier  # noqa: PLC0415

            return FramedBarrier(
                open_link=open_link, profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left
            )
