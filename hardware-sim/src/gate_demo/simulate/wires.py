"""Connects a lane's drivers and orders to the boards of a hall."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.links import Link
from gate.programs.lane.parts import BarrierKeeper
from gate_core.evidence.crossing import Alarm
from gate_core.ports.memory_link import MemoryLink
from hardware_sim.hall.line import Line
from hardware_sim.hall.scene import Scene


@dataclass(frozen=True, slots=True)
class Tap:
    """The engine's orders to the barrier. The hall is informed of each order, whether or not it arrives."""

    scene: Scene
    keeper: BarrierKeeper
    door: str

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Grant one entry."""
        self.scene.ordered("grant", self.door)
        return self.keeper.grant(ttl_ms)

    def revoke(self) -> Awaitable[None]:
        """Revoke every grant."""
        self.scene.ordered("revoke", self.door)
        return self.keeper.revoke()

    def release(self) -> Awaitable[None]:
        """Open for the person inside."""
        self.scene.ordered("release", self.door)
        return self.keeper.release()

    def end_emergency(self) -> Awaitable[None]:
        """Send the end of the emergency to the controller."""
        return self.keeper.end_emergency()

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear alarms."""
        return self.keeper.clear_alarms(alarms)

    def look(self) -> None:
        """Ask for a fresh status now."""
        self.keeper.look()


class _Cable(MemoryLink):
    """The hall's end of the driver's cable: it sends on the line what the driver wrote."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def receive(self, payload: bytes) -> None:
        """Send the driver's bytes on the line."""
        self._line.send(payload)


def opener(line: Line) -> Callable[[], Awaitable[Link]]:
    """Return a function that opens the driver's end of a line."""

    async def open_link() -> Link:
        link = MemoryLink()
        link.peer = _Cable(line)
        line.deliver = link.receive
        return link

    return open_link
