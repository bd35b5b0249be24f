"""What goes wrong during one crossing of two doors: with a board, with the sensor unit, or with the line of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.hall.lane import SENSORS
from hardware_sim.hall.plan import Crossing, Fault, Kind
from hardware_sim.hall.troubles import Troubles
from hardware_sim.sensors import unit

if TYPE_CHECKING:
    from hardware_sim.hall.two_doors.scene import TwoDoorScene


class TwoDoorTroubles(Troubles):
    """The faults of one crossing."""

    def __init__(self, scene: TwoDoorScene, crossing: Crossing) -> None:
        super().__init__(scene, crossing)
        self._between = scene.between

    def _switch(self, fault: Fault, *, on: bool) -> None:
        if fault.kind is not Kind.BLIND_COUNTER:
            super()._switch(fault, on=on)
            return
        self._between.unit.fault = unit.Fault.BLIND if on else None
        self._scene.hit(fault.kind.value)

    def _be_busy(self, at: str, *, busy: bool) -> None:
        if at == SENSORS:
            self._between.be_busy(busy=busy)
        else:
            super()._be_busy(at, busy=busy)

    def _cycle_power(self, at: str) -> None:
        if at == SENSORS:
            self._scene.hit(Kind.POWER_CYCLE.value)
            self._between.unit.power_cycle()
        else:
            super()._cycle_power(at)
