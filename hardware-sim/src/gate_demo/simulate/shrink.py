"""The shortest replay of a violation: fewer crossings, then fewer kinds of fault, as long as the same kind of violation comes of it.

A crossing is drawn from the seed and its number alone, so a few of many stay what they were. What the lane and the board remember of those
that are left out is lost, so a shorter run is believed only after it was run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gate_demo.simulate.run import Run, Wishes, run
from hardware_sim.hall.plan import Doors

CPU_S_MAX = 60.0  # then no other run is begun: the shortest so far is good enough
END_MAX = 1_024  # crossings before a violation that may have led to it; what needs more is run again as it was
DROPPED_MAX = 16  # crossings of which each is left out in turn


@dataclass(frozen=True, slots=True)
class Shortest:
    """What shows the violation again. `cut_short`: there may be a shorter one, which was not looked for any more."""

    wishes: Wishes
    cut_short: bool


def shortest(
    found: Run, again: Callable[[Wishes], Run] = run, cpu_s: Callable[[], float] = time.process_time
) -> Shortest:
    """The shortest run that still shows the violation, as far as it is found in time; that of `found` where none does."""
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


def command(wishes: Wishes) -> str:
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
