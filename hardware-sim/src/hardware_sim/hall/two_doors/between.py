"""The true state between two doors, and the sensor unit that measures it.

Positions are metres from the first leaf; the last one is at `LANE_M`. Each board's lane is a part of it: a walking
person is a body of one board or the other; a standing person is on the floor between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import GONE_M, LEAF_M, START_M
from hardware_sim.hall.lane import FIRST, LAST
from hardware_sim.modbus import Slave
from hardware_sim.sensors.inside import LANE_M, Person, Thing
from hardware_sim.sensors.registers import SimRegisters
from hardware_sim.sensors.unit import SensorUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.barrier.device import Barrier

UNIT = 1
STEP_MS_MAX = 20.0  # so that a press is seen even when the host polls rarely
_ZERO_M = {FIRST: -LEAF_M, LAST: LANE_M - LEAF_M}  # origin of a board's own metres
_STAND_M = (
    _ZERO_M[FIRST] + GONE_M,
    _ZERO_M[LAST] + START_M,
)  # where people stand, far enough apart for the counter
BAG, BAG_CM = "bag", 40.0


class Between:
    """The people of both boards and the unit between them. `report` receives the unit's events, like those of a board."""

    def __init__(self, boards: dict[str, Barrier], report: Callable[..., None]) -> None:
        self._boards = boards
        self._told = report
        self.unit = SensorUnit(self._report)
        registers = SimRegisters(self.unit)
        self._slave = Slave(UNIT, registers, registers)
        self._now_ms: float | None = None
        self._inside: dict[str, float] = {}  # the people between the doors, and their positions while they stand
        self.bag_since_ms: float | None = None

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes from the host; return the reply."""
        self.pass_time(now_ms)
        return self._slave.receive(received, now_ms)

    def be_busy(self, *, busy: bool) -> None:
        """Make the unit answer requests with exception 06, busy."""
        self._slave.busy = busy

    def pass_time(self, now_ms: float) -> None:
        """Let the unit measure the present people and things."""
        began_ms = now_ms if self._now_ms is None else self._now_ms
        steps = int((now_ms - began_ms) / STEP_MS_MAX)
        self.unit.inside.people = {name: Person(at_m, at_m) for name, at_m in self._positions().items()}
        for step in range(1, steps + 1):
            self.unit.step(began_ms + step * STEP_MS_MAX)
        self._now_ms = began_ms + steps * STEP_MS_MAX

    def _report(self, event: str, **fields: str | int | bool) -> None:
        self._told(event, at_ms=int(self._now_ms or 0.0), **fields)

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def inside(self) -> tuple[str, ...]:
        """Return the people between the doors, in the order of their arrival."""
        return tuple(self._inside)

    @property
    def empty(self) -> bool:
        """Return True when no person or thing is there or on the way there."""
        return not self._inside and self.bag_since_ms is None and all(board.empty for board in self._boards.values())

    def passed(self, door: str, name: str, direction: str) -> None:
        """Note that a person passed a leaf."""
        if (door == FIRST) is (direction == "entry"):
            taken = set(self._inside.values())
            self._inside[name] = next((at_m for at_m in _STAND_M if at_m not in taken), _STAND_M[0])
        else:
            self._inside.pop(name, None)

    def walks_at(self, name: str) -> str | None:
        """Return the door whose board has this person as a body; None for a standing or absent person."""
        return next((door for door, board in self._boards.items() if name in board.bodies_m), None)

    def is_inside(self, name: str) -> bool:
        """Return True when the person is between the leaves."""
        return name in self._inside

    def _positions(self) -> dict[str, float]:
        if not self._inside:
            return {}
        walking = {
            name: _ZERO_M[door] + at_m for door, board in self._boards.items() for name, at_m in board.bodies_m.items()
        }
        return {name: walking.get(name, stands_m) for name, stands_m in self._inside.items()}

    # ── things ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def lay(self, now_ms: float) -> None:
        """Put a bag on the floor."""
        self.unit.inside.things[BAG] = Thing(_STAND_M[0], BAG_CM)
        self.bag_since_ms = now_ms

    def take(self) -> None:
        """Take the bag away, if it is there."""
        self.unit.inside.things.pop(BAG, None)
        self.bag_since_ms = None

    def press(self, *, pressed: bool) -> None:
        """Press or release the call button."""
        self.unit.inside.button.move(pressed=pressed, now_ms=self.unit.now_ms)
