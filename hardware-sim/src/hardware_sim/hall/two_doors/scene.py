"""The scene of a lane of two doors: both boards, the sensor unit, their lines, and who is between the doors."""

from __future__ import annotations

import functools

from hardware_sim.barrier.device import Barrier
from hardware_sim.hall.judge import ViolationError
from hardware_sim.hall.lane import FIRST, LAST, SENSORS
from hardware_sim.hall.line import Device, Line
from hardware_sim.hall.scene import Scene
from hardware_sim.hall.two_doors.between import Between
from hardware_sim.hall.two_doors.judge import TwoDoorJudge


class TwoDoorScene(Scene):
    """One scene on the running loop. The boards stand in the order in which travellers come to them."""

    def __init__(self, *, presence_max_s: float) -> None:
        super().__init__(presence_max_s=presence_max_s)
        self.boards = {door: Barrier(functools.partial(self._reported, door=door)) for door in (FIRST, LAST)}
        self.board = self.boards[LAST]
        self.between = Between(self.boards, self._measured)
        devices: dict[str, Device] = {**self.boards, SENSORS: self.between}
        self.lines = {name: Line(device, self.clock, self.hit) for name, device in devices.items()}
        self.judge: TwoDoorJudge = TwoDoorJudge(
            boards=self.boards,
            between=self.between,
            disk=self.disk,
            clock=self.clock,
            presence_max_s=presence_max_s,
        )

    def at_rest(self) -> bool:
        """True when nobody and nothing is in the lane, both leaves are closed, and an officer is there."""
        is_there = self.clock() - self.judge.present_s < self.judge.presence_max_s
        return is_there and self.between.empty and all(board.leaf_closed for board in self.boards.values())

    def pass_time(self) -> None:
        """Whoever walks has come so far, and the sensors look."""
        super().pass_time()
        self.between.pass_time(self.clock() * 1000)

    def way_out_is_open(self, door: str) -> bool:
        """True while a leaf stands open for whoever is inside."""
        controller = self.boards[door].controller
        return controller.emergency or controller.releasing

    def _reported(self, event: str, *, at_ms: int, door: str = LAST, **fields: str | int | bool) -> None:
        if event == "passed":
            self.between.passed(door, str(fields["traveller"]), str(fields["direction"]))
        super()._reported(event, at_ms=at_ms, door=door, **fields)

    def _measured(self, event: str, *, at_ms: int, **fields: str | int | bool) -> None:
        self.trace(f"sensors {event} {at_ms} {fields}")

    def violate(self, error: BaseException) -> None:
        """The first violation, with who is inside."""
        if isinstance(error, ViolationError):
            self.trace(f"inside: {', '.join(self.between.inside) or 'nobody'}")
        super().violate(error)
