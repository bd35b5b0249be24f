"""The scene of a two-door lane: both boards, the sensor unit, their lines, and the people between the doors."""

from __future__ import annotations

import functools

from hardware_sim.barrier.device import Barrier
from hardware_sim.hall.judge import ViolationError
from hardware_sim.hall.lane import EMERGENCY, FIRST, LAST, SENSORS, LaneReport, Word
from hardware_sim.hall.line import Device, Line
from hardware_sim.hall.officer import ADMITS_MAX, ADMITTED_SHARE, DECIDES_S, Officer
from hardware_sim.hall.plan import VALID, Crossing, Fault, Kind
from hardware_sim.hall.scene import Scene
from hardware_sim.hall.troubles import Troubles
from hardware_sim.hall.two_doors.between import Between
from hardware_sim.hall.two_doors.judge import TwoDoorJudge
from hardware_sim.sensors import unit

SLOW_EVERY = 8  # in one crossing of this many the officer is busy elsewhere while a person waits inside
SLOW_S = 36.0  # longer than a person inside has to wait for the way back
TAKES_S = 5.0  # time to carry out a bag
EVACUATES_S = 6.0  # time until everyone is out


class TwoDoorScene(Scene):
    """One scene on the running loop. The boards are in the order in which travellers reach them."""

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
        """Return True when the lane is empty, both leaves are closed, and an officer is there."""
        is_there = self.clock() - self.judge.present_s < self.judge.presence_max_s
        return is_there and self.between.empty and all(board.leaf_closed for board in self.boards.values())

    def pass_time(self) -> None:
        """Move all walking people to their present place, and let the sensors measure."""
        super().pass_time()
        self.between.pass_time(self.clock() * 1000)

    def way_out_is_open(self, door: str) -> bool:
        """Return True while a leaf is open for the person inside."""
        controller = self.boards[door].controller
        return controller.emergency or controller.releasing

    def _reported(self, event: str, *, at_ms: int, door: str = LAST, **fields: str | int | bool) -> None:
        if event == "passed":
            self.between.passed(door, str(fields["traveller"]), str(fields["direction"]))
        super()._reported(event, at_ms=at_ms, door=door, **fields)

    def _measured(self, event: str, *, at_ms: int, **fields: str | int | bool) -> None:
        self.trace(f"sensors {event} {at_ms} {fields}")

    def violate(self, error: BaseException) -> None:
        """End everything at the first violation, with the people inside."""
        if isinstance(error, ViolationError):
            self.trace(f"inside: {', '.join(self.between.inside) or 'nobody'}")
        super().violate(error)


class TwoDoorTroubles(Troubles):
    """The faults of one crossing: of a board, of the sensor unit, or of one of their lines."""

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


class TwoDoorOfficer(Officer):
    """One officer: looks between the doors before an admission, carries out lost objects, answers calls."""

    def __init__(self, scene: TwoDoorScene) -> None:
        super().__init__(scene)
        self._hall = scene
        self._evacuated_s = 0.0

    def answered(self, word: Word, outcome: str) -> None:
        """Note the answer to an order."""
        super().answered(word, outcome)
        judge = self._hall.judge
        match word:
            case Word.SEND_BACK | Word.TAKE_OVER | Word.PAUSE if outcome == "done":
                judge.sent_back()
            case _ if outcome != "ordered":
                pass
            case Word.ACKNOWLEDGE:
                judge.calls = False
            case Word.FREE:
                judge.freed()
            case Word.EVACUATE:
                judge.evacuating, self._evacuated_s = True, self._hall.clock()
            case Word.END_EMERGENCY:
                judge.evacuating = False
            case _:
                pass

    def _may_end_emergency(self, report: LaneReport) -> bool:
        is_one = report.emergency or self._hall.screen == EMERGENCY
        is_over = self._hall.clock() - self._evacuated_s > EVACUATES_S
        return is_one and is_over and not self._hall.any_fire

    def _look_after(self, report: LaneReport) -> None:
        """Ask a caller what they need, and take away a bag without an owner."""
        if "help_called" in report.notices and not self._hall.between.inside:
            self._order_again(Word.ACKNOWLEDGE)
        since_ms = self._hall.between.bag_since_ms
        if "left_object" in report.notices and since_ms is not None and self._hall.clock() - since_ms / 1000 > TAKES_S:
            self._hall.between.take()

    def _take_word_back(self, name: str) -> None:
        super()._take_word_back(name)
        self._hall.judge.let_in.discard(name)

    @property
    def _decides_s(self) -> float:
        crossing = self._hall.crossing
        is_slow = crossing is not None and crossing.number % SLOW_EVERY == 0 and bool(self._hall.between.inside)
        return SLOW_S if is_slow else DECIDES_S

    def _settle(self, name: str) -> None:
        """Admit a person only when they are alone between the doors, and let no one in while a person is there."""
        hall, tries = self._hall, self._tries.get(name, 0)
        crossing, inside = hall.crossing, hall.between.inside
        is_theirs = crossing is not None and crossing.intention in VALID and crossing.drawn < ADMITTED_SHARE
        is_here = inside == (name,) or (not inside and hall.standing == name and name not in hall.judge.through)
        if not (is_theirs and is_here and tries < ADMITS_MAX):
            hall.order(Word.SEND_BACK if inside else Word.TAKE_OVER, name)
            return
        self._tries[name] = tries + 1
        self._admits = name
        (hall.judge.by_officer if inside else hall.judge.let_in).add(name)
        hall.order(Word.ADMIT, name)
