"""Which barrier driver a configuration means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import load_profile
from drivers.links import SerialLink

if TYPE_CHECKING:
    from drivers.barrier.settings import BarrierSettings


def barrier(settings: BarrierSettings) -> ModbusBarrier:
    """The barrier, not yet connected. Raises SetupError when it can never work."""
    return ModbusBarrier(
        open_link=lambda: SerialLink.open(settings.port, settings.baud),
        profile=load_profile(settings.profile),
        baud=settings.baud,
        unit=settings.unit,
        entry_is_left=settings.entry_is_left,
    )
