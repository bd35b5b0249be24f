"""Computes how many lanes and officers a day takes: simulates the travellers of a schedule with measured service times.

The input is aggregates only: arrivals by time, and quantiles of service times of lanes and officers. A traveller waits in one queue for
the next free lane; a referred traveller then waits for an officer. The result is the waiting times in each of many simulated days, and
the fewest lanes and officers with which the site's target share of travellers waits no longer than its limit. Two things are not measured
and are stated as assumptions: the time over which an arrival's travellers reach the hall, and that travellers choose the shortest way.
"""

from __future__ import annotations

import csv
import io
import random
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import time
from typing import Any, Final

import msgspec
import simpy

from gate_lab.service_times import QUANTILES, ServiceTimes

ARRIVALS_MAX: Final = 2_000
TRAVELLERS_MAX: Final = 200_000
DAY_S: Final = 86_400.0
SPREAD_MIN: Final = 15  # minutes over which an arrival's travellers reach the hall
LANES_MAX: Final = 64
MORE: Final = 1.2  # of travellers, or of a lane's time, in a variant


class ScheduleError(ValueError):
    """The schedule is malformed; the message names the line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A number of travellers for the gates, starting at a time of day, over a number of minutes."""

    at_s: float
    travellers: int
    over_s: float


@dataclass(frozen=True, slots=True)
class Staff:
    """The lanes and officers on duty."""

    lanes: int
    officers: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Travellers' arrivals and waits of one day, in seconds, in the order of arrival: all for a lane, the referred ones for an officer."""

    came_s: tuple[float, ...]
    lane_s: tuple[float, ...]
    officer_s: tuple[float, ...]

    def share_within(self, limit_s: float) -> float:
        """Return the share of travellers whose waits, for a lane and for an officer, were both at most the limit."""
        total = len(self.lane_s)
        late = sum(wait > limit_s for wait in self.lane_s) + sum(wait > limit_s for wait in self.officer_s)
        return 1.0 if not total else max(0.0, 1.0 - late / total)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The expected day with one staff: the share of travellers within the limit, on the median day and on nine days of
    ten, and the waits that 95 % do not exceed, in seconds, on the median day.
    """

    staff: Staff
    median: float
    low: float
    p95_lane_s: float
    p95_officer_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The result: the staff that meets the target, None when none does; the alternatives tried; and the question asked."""

    chosen: Outlook | None
    tried: Sequence[Outlook]
    what_if: Sequence[tuple[str, Outlook]]
    arrivals: Sequence[Arrival]
    service: ServiceTimes
    limit_s: float
    share: float
    days: int

    @property
    def travellers(self) -> int:
        """Return how many travellers use the gates."""
        return sum(one.travellers for one in self.arrivals)

    def fields(self) -> dict[str, object]:
        """Return the plan for JSON."""
        return {
            "travellers": self.travellers,
            "chosen": None if self.chosen is None else asdict(self.chosen),
            "tried": [asdict(one) for one in self.tried],
            "what_if": [{"what": what, **asdict(one)} for what, one in self.what_if],
            "days": self.days,
        }

    def lines(self) -> Iterator[str]:
        """Yield the plan for people."""
        if self.chosen is None:
            yield "no number of lanes that was tried keeps the promise"
            return
        yield f"{self.chosen.staff.lanes} lanes, {self.chosen.staff.officers} officers"
        for what, one in self.what_if:
            median = f"{one.median:.1%} within {self.limit_s / 60:g} min on the median day"
            yield f"  {what}: {median}, {one.low:.1%} on nine days of ten"


def read_schedule(text: str, *, share: float = 1.0) -> list[Arrival]:
    """Return the arrivals of a table with the columns `time` (HH:MM), `travellers` and, optionally, `over_min`; `share`
    of them use the gates. Raises ScheduleError.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: list[Arrival] = []
    try:
        if missing := [name for name in ("time", "travellers") if name not in (rows.fieldnames or ())]:
            raise ScheduleError(f"line 1: has no column {', '.join(missing)}")
        for row in rows:
            at, number = time.fromisoformat(row["time"]), int(row["travellers"])
            over = int(row.get("over_min") or SPREAD_MIN)
            if number < 0 or not 1 <= over <= 240:
                raise ScheduleError("travellers are 0 or more, over_min from 1 to 240")
            found.append(Arrival(at.hour * 3600.0 + at.minute * 60.0 + at.second, round(number * share), over * 60.0))
    except (csv.Error, ValueError, TypeError) as error:
        raise ScheduleError(f"line {max(1, rows.line_num)}: {error}".replace("line 1: line 1", "line 1")) from error
    if len(found) > ARRIVALS_MAX or sum(one.travellers for one in found) > TRAVELLERS_MAX:
        raise ScheduleError(f"has more than {ARRIVALS_MAX} arrivals or {TRAVELLERS_MAX} travellers")
    if not any(one.travellers for one in found):
        raise ScheduleError("nobody comes")
    return found


def day(arrivals: Sequence[Arrival], service: ServiceTimes, staff: Staff, seed: int) -> Waits:
    """Simulate one day. The same seed gives the same travellers, whatever the staff."""
    drawn = random.Random(seed)  # noqa: S311 - a simulation, which is to be repeated
    people = sorted(
        (
            one.at_s + drawn.triangular(0, one.over_s, one.over_s / 3),
            _draw(service.lane_s, drawn.random()),
            drawn.random() < service.share_referred,
            _draw(service.officer_s or service.lane_s, drawn.random()),
        )
        for one in arrivals
        for _ in range(one.travellers)
    )
    world = simpy.Environment()
    lanes, officers = simpy.Resource(world, staff.lanes), simpy.Resource(world, staff.officers)
    lane_s, officer_s = [0.0] * len(people), [0.0] * len(people)

    def traveller(number: int, takes_s: float, referred: bool, officer_takes_s: float) -> Generator[Any, Any, None]:  # noqa: FBT001
        came = world.now
        with lanes.request() as lane:
            yield lane
            lane_s[number] = world.now - came
            yield world.timeout(takes_s)
        if referred:
            left = world.now
            with officers.request() as officer:
                yield officer
                officer_s[number] = world.now - left
                yield world.timeout(officer_takes_s)

    def hall() -> Generator[Any, Any, None]:
        for number, (at_s, takes_s, referred, officer_takes_s) in enumerate(people):
            yield world.timeout(max(0.0, at_s - world.now))
            world.process(traveller(number, takes_s, referred, officer_takes_s))

    world.process(hall())
    world.run()
    came_s = tuple(one[0] for one in people)
    return Waits(came_s, tuple(lane_s), tuple(wait for wait, one in zip(officer_s, people, strict=True) if one[2]))


def _draw(quantiles: Sequence[float], place: float) -> float:
    """Return the value at `place` (0 to 1), linear between neighbouring quantiles."""
    scaled = place * (QUANTILES - 1)
    low = min(int(scaled), QUANTILES - 2)
    return quantiles[low] + (scaled - low) * (quantiles[low + 1] - quantiles[low])


def outlook(arrivals: Sequence[Arrival], service: ServiceTimes, staff: Staff, *, limit_s: float, days: int) -> Outlook:
    """Simulate a number of days and return what to expect."""
    found = [day(arrivals, service, staff, seed) for seed in range(days)]
    shares = sorted(one.share_within(limit_s) for one in found)
    return Outlook(
        staff,
        shares[len(shares) // 2],
        shares[len(shares) // 10],
        _median([_p95(one.lane_s) for one in found]),
        _median([_p95(one.officer_s) for one in found]),
    )


def fewest(
    arrivals: Sequence[Arrival],
    service: ServiceTimes,
    *,
    limit_s: float,
    share: float,
    days: int,
    tried: Callable[[Outlook], None] = lambda _: None,
) -> Outlook | None:
    """Return the fewest lanes, then officers, that meet the target on nine days of ten; None above LANES_MAX. Calls `tried` with each."""

    def holds(staff: Staff) -> bool:
        found[staff] = outlook(arrivals, service, staff, limit_s=limit_s, days=days)
        tried(found[staff])
        return found[staff].low >= share

    found: dict[Staff, Outlook] = {}
    lanes = _least(lambda number: holds(Staff(number, LANES_MAX)))
    officers = None if lanes is None else _least(lambda number: holds(Staff(lanes, number)))
    return None if lanes is None or officers is None else found[Staff(lanes, officers)]


def _least(holds: Callable[[int], bool]) -> int | None:
    """Return the least number up to LANES_MAX that holds, when larger numbers hold as well: doubles, then bisects."""
    below, number = 0, 1
    while not holds(number):
        if number == LANES_MAX:
            return None
        below, number = number, min(2 * number, LANES_MAX)
    between = range(below + 1, number)
    return below + 1 + bisect_right(between, 0, key=lambda one: int(holds(one)))


def variants(
    chosen: Outlook, arrivals: Sequence[Arrival], service: ServiceTimes, *, limit_s: float, days: int
) -> list[tuple[str, Outlook]]:
    """Return the chosen staff's outlook as it is, and with more travellers, slower lanes, faster arrivals, and one lane or officer less."""

    def again(people: Sequence[Arrival], times: ServiceTimes, staff: Staff) -> Outlook:
        return outlook(people, times, staff, limit_s=limit_s, days=days)

    staff = chosen.staff
    more = [replace(one, travellers=round(one.travellers * MORE)) for one in arrivals]
    at_once = [replace(one, over_s=one.over_s / 2) for one in arrivals]
    slower = msgspec.structs.replace(service, lane_s=tuple(one * MORE for one in service.lane_s))
    found = [
        ("as it is", chosen),
        ("a fifth more travellers", again(more, service, staff)),
        ("each lane a fifth slower", again(arrivals, slower, staff)),
        ("arrivals reach the hall in half the time", again(at_once, service, staff)),
    ]
    if staff.lanes > 1:
        found.append(("one lane out of service", again(arrivals, service, Staff(staff.lanes - 1, staff.officers))))
    if staff.officers > 1:
        found.append(("one officer away", again(arrivals, service, Staff(staff.lanes, staff.officers - 1))))
    return found


def planned(
    arrivals: Sequence[Arrival],
    service: ServiceTimes,
    *,
    limit_s: float,
    share: float,
    days: int,
    heard: Callable[[Outlook], None],
) -> Plan:
    """Return the fewest lanes and officers, and what changes with variants. Calls `heard` with each staff tried."""
    tried: list[Outlook] = []

    def take(one: Outlook) -> None:
        tried.append(one)
        heard(one)

    chosen = fewest(arrivals, service, limit_s=limit_s, share=share, days=days, tried=take)
    what_if = [] if chosen is None else variants(chosen, arrivals, service, limit_s=limit_s, days=days)
    return Plan(chosen, tried, what_if, arrivals, service, limit_s, share, days)


def over_the_day(waits: Waits, step_s: float = 300.0) -> list[tuple[float, float]]:
    """Return the longest wait for a lane in each span of the day, with the span's start; both in seconds."""
    longest: dict[int, float] = {}
    for came_s, waited_s in zip(waits.came_s, waits.lane_s, strict=True):
        span = int(came_s // step_s)
        longest[span] = max(longest.get(span, 0.0), waited_s)
    return [(span * step_s, longest[span]) for span in sorted(longest)]


def _p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
