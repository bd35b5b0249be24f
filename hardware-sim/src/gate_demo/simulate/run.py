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

LANES = {doors.value: doors for doors in Doors}  # by their words
KINDS = {  # of fault that a lane may meet, by their words
    Doors.ONE: {kind.value: kind for kind in (*plan.DEALT, Kind.BIT_ERRORS)},
    Doors.TWO: {kind.value: kind for kind in (*two_door_plan.KINDS, Kind.BIT_ERRORS)},
}
CPU_S_MAX = 60.0  # then no other run is begun: the shortest so far is good enough
END_MAX = 1_024  # crossings before a violation that may have led to it; what needs more is run again as it was
DROPPED_MAX = 16  # crossings of which each is left out in turn


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
    """Silence the lane's journal, which is of no use here at a hundred lines a second."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@dataclass(frozen=True, slots=True)
class Shortest:
    """What shows the violation again. `cut_short`: there may be a shorter one, which was not looked for any more."""

    wishes: Wishes
    cut_short: bool


def shortest(
    found: Run, again: Callable[[Wishes], Run] = run, cpu_s: Callable[[], float] = time.process_time
) -> Shortest:
    """The shortest run that still shows the violation, as far as it is found in time; that of `found` where none does.

    A crossing is drawn from the seed and its number alone, so a few of many stay what they were. What the lane and the board remember of those
    that are left out is lost, so a shorter run is believed only after it was run.
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
    """What may show the same: the ends of the run, each twice as long as the one before, then all but one crossing, then all but one kind."""
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
    """The command line that runs these again."""
    numbers = _ranges(wishes.numbers)
    kinds = ",".join(sorted(kind.value for kind in wishes.met))
    faults = f" --faults on --kinds {kinds or 'none'}" if wishes.faults else ""
    lane = "" if wishes.doors is Doors.ONE else f" --lane {wishes.doors.value}"
    return f"gate simulate --seed {wishes.seed} --only {numbers}{faults}{lane}"


def _ranges(numbers: tuple[int, ...]) -> str:
    """Numbers as people write them: 3-5,9."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)
