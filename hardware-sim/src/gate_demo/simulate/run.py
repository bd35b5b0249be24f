"""One run of a simulation: crossings from a seed through one lane, to the end or to the first violation."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from gate.programs.shared.virtual_time import run_virtual
from gate_demo.simulate.lane import PRESENCE_MAX_S, SimulatedLane
from hardware_sim.hall import plan, travellers
from hardware_sim.hall.hall import Hall, Tally
from hardware_sim.hall.judge import ViolationError
from hardware_sim.hall.officer import Officer
from hardware_sim.hall.plan import Crossing, Doors, Kind
from hardware_sim.hall.scene import Scene
from hardware_sim.hall.troubles import Troubles
from hardware_sim.hall.two_doors import plan as two_door_plan
from hardware_sim.hall.two_doors import travellers as two_door_travellers
from hardware_sim.hall.two_doors.officer import TwoDoorOfficer
from hardware_sim.hall.two_doors.scene import TwoDoorScene
from hardware_sim.hall.two_doors.troubles import TwoDoorTroubles

LANES = {doors.value: doors for doors in Doors}  # by their words
KINDS = {  # of fault that a lane may meet, by their words
    Doors.ONE: {kind.value: kind for kind in (*plan.DEALT, Kind.BIT_ERRORS)},
    Doors.TWO: {kind.value: kind for kind in (*two_door_plan.KINDS, Kind.BIT_ERRORS)},
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be run: these crossings of a seed, with faults of these kinds, through a lane of so many doors."""

    seed: int
    numbers: tuple[int, ...]
    faults: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)
    doors: Doors = Doors.ONE

    def crossings(self) -> list[Crossing]:
        """All of them, drawn."""
        draw = plan.crossing if self.doors is Doors.ONE else two_door_plan.crossing
        return [draw(self.seed, number, faults=self.faults, kinds=self.kinds) for number in self.numbers]

    def falls_to(self, number: int) -> frozenset[Kind]:
        """The kinds of fault that this crossing meets."""
        falls = plan.falls_to if self.doors is Doors.ONE else two_door_plan.falls_to
        return frozenset(falls(self.seed, number)) & self.met

    @property
    def met(self) -> frozenset[Kind]:
        """The kinds of fault that may be met at all."""
        return self.kinds & frozenset(KINDS[self.doors].values()) if self.faults else frozenset()

    def only(self, numbers: tuple[int, ...]) -> Wishes:
        """The same with these crossings alone."""
        return replace(self, numbers=numbers)


@dataclass(frozen=True, slots=True)
class Violation:
    """The first one: its kind, what happened, and in which crossing."""

    kind: str
    why: str
    crossing: int


@dataclass(slots=True)
class Run:
    """What came of a run. `cpu_s` is the processor's time; `lines` are the last of the trace, whose digest is of all of it."""

    wishes: Wishes
    tally: Tally = field(default_factory=Tally)
    exchanges: int = 0
    wire_bytes: int = 0
    orders_again: int = 0
    records: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    digest: str = ""
    lines: tuple[str, ...] = ()
    violation: Violation | None = None


def run(wishes: Wishes, done: Callable[[int], None] = lambda _: None) -> Run:
    """Run them. `done` hears of each crossing that is over."""
    result = Run(wishes)
    began_s = time.process_time()
    with _quiet():
        run_virtual(_run(wishes, result, done))
    result.cpu_s = time.process_time() - began_s
    return result


async def _run(wishes: Wishes, result: Run, done: Callable[[int], None]) -> None:
    hall = _hall(wishes.doors)
    scene = hall.scene
    scene.lane = lane = SimulatedLane(scene, random.Random(f"{wishes.seed}/lane"))
    began_s = scene.clock()
    try:
        await hall.run(wishes.crossings(), lambda crossing: done(crossing.number))
    except ViolationError as error:
        number = -1 if scene.crossing is None else scene.crossing.number
        result.violation = Violation(error.kind.value, error.why, number)
    result.tally = hall.tally
    result.exchanges = lane.exchanges
    result.wire_bytes = sum(line.bytes_sent + line.bytes_received for line in scene.lines.values())
    result.orders_again = sum(line.orders_again for line in scene.lines.values())
    result.records = scene.disk.records
    result.virtual_s = scene.clock() - began_s
    result.digest = scene.digest
    result.lines = tuple(scene.newest)


def _hall(doors: Doors) -> Hall[Scene] | Hall[TwoDoorScene]:
    """A hall before a lane of so many doors."""
    if doors is Doors.ONE:
        scene = Scene(presence_max_s=PRESENCE_MAX_S)
        return Hall(scene, officer=Officer(scene), visit=travellers.visit, troubles=Troubles)
    hall = TwoDoorScene(presence_max_s=PRESENCE_MAX_S)
    return Hall(hall, officer=TwoDoorOfficer(hall), visit=two_door_travellers.visit, troubles=TwoDoorTroubles)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the lane says in its journal is of no use here, a hundred times a second."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
