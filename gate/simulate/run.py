"""One run of a simulation: crossings from a seed through one lane, to the end or to the first violation."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from gate.programs.shared.virtual_time import run_virtual
from gate.simulate.lane import PRESENCE_MAX_S, SimulatedLane
from hardware_sim.hall.hall import Hall, Tally
from hardware_sim.hall.judge import ViolationError
from hardware_sim.hall.plan import Crossing, Kind, crossing
from hardware_sim.hall.scene import Scene

KINDS = {kind.value: kind for kind in Kind}  # of fault, by their words


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be run: these crossings of a seed, with faults of these kinds."""

    seed: int
    numbers: tuple[int, ...]
    faults: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)

    def crossings(self) -> list[Crossing]:
        """All of them, drawn."""
        return [crossing(self.seed, number, faults=self.faults, kinds=self.kinds) for number in self.numbers]

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
    scene = Scene(presence_max_s=PRESENCE_MAX_S)
    scene.lane = lane = SimulatedLane(scene, random.Random(f"{wishes.seed}/lane"))  # noqa: S311 - drawn, not secret
    hall = Hall(scene)
    began_s = scene.clock()
    try:
        await hall.run(wishes.crossings(), lambda crossing: done(crossing.number))
    except ViolationError as error:
        number = -1 if scene.crossing is None else scene.crossing.number
        result.violation = Violation(error.kind.value, error.why, number)
    result.tally = hall.tally
    result.exchanges = lane.exchanges
    result.wire_bytes = scene.line.bytes_sent + scene.line.bytes_received
    result.orders_again = scene.line.orders_again
    result.records = scene.disk.records
    result.virtual_s = scene.clock() - began_s
    result.digest = scene.digest
    result.lines = tuple(scene.lines)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the lane says in its journal is of no use here, a hundred times a second."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
