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
from hardware_sim.hall.two_doors.scene import TwoDoorOfficer, TwoDoorScene, TwoDoorTroubles

LANES = {doors.value: doors for doors in Doors}  # by their names
KINDS = {  # kinds of fault for each lane, by their names
    Doors.ONE: {kind.value: kind for kind in (*plan.DEALT, Kind.BIT_ERRORS)},
    Doors.TWO: {kind.value: kind for kind in (*two_door_plan.KINDS, Kind.BIT_ERRORS)},
}
CPU_S_MAX = 60.0  # no further run begins then: the shortest so far is good enough
END_MAX = 1_024  # crossings before a violation that may have caused it; otherwise the whole run is replayed
DROPPED_MAX = 16  # crossings of which each is left out once


@dataclass(frozen=True, slots=True)
class Wishes:
    """The run: these crossings of a seed, with faults of these kinds, through a lane with this many doors."""

    seed: int
    numbers: tuple[int, ...]
    faults: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)
    doors: Doors = Doors.ONE

    def crossings(self) -> list[Crossing]:
        """Return all crossings, drawn from the seed."""
        draw = plan.crossing if self.doors is Doors.ONE else two_door_plan.crossing
        return [draw(self.seed, number, faults=self.faults, kinds=self.kinds) for number in self.numbers]

    def falls_to(self, number: int) -> frozenset[Kind]:
        """Return the kinds of fault in this crossing."""
        falls = plan.falls_to if self.doors is Doors.ONE else two_door_plan.falls_to
        return frozenset(falls(self.seed, number)) & self.met

    @property
    def met(self) -> frozenset[Kind]:
        """Return the kinds of fault that can occur."""
        return self.kinds & frozenset(KINDS[self.doors].values()) if self.faults else frozenset()

    def only(self, numbers: tuple[int, ...]) -> Wishes:
        """Return the same run with only these crossings."""
        return replace(self, numbers=numbers)


@dataclass(frozen=True, slots=True)
class Violation:
    """The first violation: its kind, what happened, and the crossing."""

    kind: str
    why: str
    crossing: int


@dataclass(slots=True)
class Run:
    """The result of a run. `cpu_s` is processor time; `lines` end the trace, `digest` is of the whole trace."""

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
    """Play the crossings. `done` receives the number of each finished one."""
    result = Run(wishes)
    began_s = time.process_time()
    with _quiet():
        run_virtual(_run(wishes, result, done))
    result.cpu_s = time.process_time() - began_s
    return result


async def _run(wishes: Wishes, result: Run, done: Callable[[int], None]) -> None:
    hall = make_hall(wishes.doors)
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


def make_hall(doors: Doors) -> Hall[Scene] | Hall[TwoDoorScene]:
    """Return a hall before a lane with this many doors."""
    if doors is Doors.ONE:
        scene = Scene(presence_max_s=PRESENCE_MAX_S)
        return Hall(scene, officer=Officer(scene), visit=travellers.visit, troubles=Troubles)
    hall = TwoDoorScene(presence_max_s=PRESENCE_MAX_S)
    return Hall(hall, officer=TwoDoorOfficer(hall), visit=two_door_travellers.visit, troubles=TwoDoorTroubles)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the lane's journal, which has about a hundred lines a second."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@dataclass(frozen=True, slots=True)
class Shortest:
    """The shortest replay of the violation. `cut_short`: the search ended early, and there may be a shorter one."""

    wishes: Wishes
    cut_short: bool


def shortest(
    found: Run, again: Callable[[Wishes], Run] = run, cpu_s: Callable[[], float] = time.process_time
) -> Shortest:
    """Return the shortest run found that still shows the violation; that of `found` when no shorter one does.

    Seed and number alone determine a crossing, so a subset is unchanged. But the lane and the board lose the state from
    the crossings left out, so each shorter run must be tried.
    """
    best, ends_s = found, cpu_s() + CPU_S_MAX
    candidates = _shorter(best)
    while (wishes := next(candidates, None)) is not None:
        if cpu_s() >= ends_s:
            return Shortest(best.wishes, cut_short=True)
        shown = again(wishes)
        if shown.violation is not None and best.violation is not None and shown.violation.kind == best.violation.kind:
            best = shown
            candidates = _shorter(best)
    return Shortest(best.wishes, cut_short=False)


def _shorter(best: Run) -> Iterator[Wishes]:
    """Yield runs that may show the same violation: ends of doubling length, then without one crossing, without one kind."""
    wishes, violation = best.wishes, best.violation
    if violation is None or violation.crossing not in wishes.numbers:
        return
    upto = wishes.numbers[: wishes.numbers.index(violation.crossing) + 1]
    length = 1
    while length < len(wishes.numbers) and length <= END_MAX:
        yield wishes.only(upto[-length:])
        length *= 2
    if len(upto) <= DROPPED_MAX:
        for at in range(len(upto) - 1):
            yield wishes.only((*upto[:at], *upto[at + 1 :]))
    if not wishes.faults:
        return
    kinds = {kind for number in upto for kind in wishes.falls_to(number)}
    if kinds != wishes.met:
        yield replace(wishes, kinds=frozenset(kinds))
    for kind in sorted(kinds, key=lambda one: one.value):
        yield replace(wishes, kinds=frozenset(kinds - {kind}))


def replay_command(wishes: Wishes) -> str:
    """Return the command line that replays these crossings."""
    numbers = _ranges(wishes.numbers)
    kinds = ",".join(sorted(kind.value for kind in wishes.met))
    faults = f" --faults on --kinds {kinds or 'none'}" if wishes.faults else ""
    lane = "" if wishes.doors is Doors.ONE else f" --lane {wishes.doors.value}"
    return f"gate simulate --seed {wishes.seed} --only {numbers}{faults}{lane}"


def _ranges(numbers: tuple[int, ...]) -> str:
    """Return numbers as text, such as 3-5,9."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
