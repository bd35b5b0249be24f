"""The days of a soak: their crossings through the real lane, what happens to the installation on them, and what is checked each evening."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from gate.programs.shared.virtual_time import run_virtual
from gate.trust.freshness import AlarmKind
from gate_core.programs import clock as clocks
from gate_demo.simulate.lane import SimulatedLane
from gate_demo.simulate.log import Left
from gate_demo.simulate.run import Violation, make_hall
from gate_demo.soak.flatness import Sample, measure
from gate_demo.soak.installation import Clock, Installation, Kept
from hardware_sim.hall import plan
from hardware_sim.hall.judge import ViolationError
from hardware_sim.hall.lane import CLOSED
from hardware_sim.hall.plan import Doors, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

QUARTERS: Final = 4
DAY_S: Final = 86_400.0
SEES_S: Final = 6.0  # the lane looks at lists and clock every 5 s
IMPORT_EVERY_DAYS: Final = 7
LISTS_SHUT: Final = 0.2499  # of the day on which they become too old, just before its second quarter
AHEAD_S, BACK_S = 45 * DAY_S, -19 * 3_600.0  # the lists stay young enough, so the lane serves
RENEWED_AFTER_DAYS: Final = 60  # of the certificate's 90
# What happens, and when: each at these shares of the soak, in this quarter of the day.
PLAN: Final[dict[str, tuple[tuple[float, ...], int]]] = {
    "lists_expire": ((0.15,), 1),
    "clock_ahead": ((0.3, 0.75), 2),
    "clock_back": ((0.45, 0.9), 3),
    "power_cut": ((0.2, 0.4, 0.6, 0.8, 0.95), 1),
    "central_server_away": ((0.25, 0.5), 0),
    "earlier_central_server": ((0.1, 0.55, 0.85), 0),
    "certificate_expires": ((0.7,), 0),
    "update_installed": ((0.35, 0.65), 0),
    "update_undone": ((0.5, 1.0), 0),
}
EVENTS: Final = {
    "lists_expire": "The trust lists became too old, the lane closed, and new lists opened it",
    "clock_ahead": "The clock jumped 45 days ahead and back, without a time service",
    "clock_back": "The clock jumped 19 hours back and ahead, without a time service",
    "power_cut": "Power was cut: lane and log ended, and began again from the disk",
    "central_server_away": "The central server was away for a day",
    "earlier_central_server": "The central server answered only the requests of an earlier version",
    "certificate_expires": "The gate's certificate expired, and the gate was enrolled again",
    "certificate_renewed": "The gate's certificate was renewed before its end",
    "update_installed": "An update was installed, and the log's database migrated",
    "update_undone": "An update failed its checks, and was undone",
    "keys_expired": "Keys of old days were deleted",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """A soak: so many days with so many crossings altogether."""

    seed: int
    days: int
    crossings: int
    faults: bool = True

    @property
    def warm_days(self) -> int:
        """Return how many days pass before the quantities are judged: a third, and what retention needs to begin."""
        kept = Kept.in_a_soak_of(self.days)
        return max(math.ceil(self.days / 3), min(max(kept.mirrored, kept.crossings) + 2, self.days - 2))

    def numbers(self, day: int, quarter: int) -> range:
        """Return the numbers of the crossings of a quarter of a day."""
        parts, part = self.days * QUARTERS, day * QUARTERS + quarter
        return range(self.crossings * part // parts, self.crossings * (part + 1) // parts)

    def planned(self) -> dict[int, list[str]]:
        """Return the events of each day."""
        found: dict[int, list[str]] = {}
        for name, (shares, _) in PLAN.items():
            least = 2 if name == "certificate_expires" else 0
            for day in sorted({max(least, round(share * (self.days - 1))) for share in shares}):
                found.setdefault(day, []).append(name)
        for day in range(self.days):
            if self.is_centre_away(day, found):
                found[day] = [name for name in found.get(day, []) if name != "earlier_central_server"]
        return found

    @staticmethod
    def is_centre_away(day: int, planned: Mapping[int, list[str]]) -> bool:
        """Return True when the central server is away on this day: also on the one before the certificate's end."""
        return "central_server_away" in planned.get(day, []) or "certificate_expires" in planned.get(day + 1, [])


@dataclass(frozen=True, slots=True)
class Day:
    """One day's figures."""

    number: int
    date: str
    crossings: int
    genuine: int
    admitted: int
    records: int
    mirrored: int
    events: tuple[str, ...]
    values: dict[str, float]


@dataclass(slots=True)
class Lived:
    """What a soak found. `happened`: how often each event happened."""

    wishes: Wishes
    kept: Kept
    origin: str = ""
    days: list[Day] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    crossings: int = 0
    genuine: int = 0
    admitted: int = 0
    referred: int = 0
    centre_bytes: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    seconds: float = 0.0
    digest: str = ""


def live(wishes: Wishes, folder: Path, done: Callable[[int], None] = lambda _: None) -> Lived:
    """Live through the soak in an empty folder. `done` receives the number of crossings so far."""
    result = Lived(wishes, Kept.in_a_soak_of(wishes.days))
    began_s, cpu_s = time.monotonic(), time.process_time()
    root, before = logging.getLogger(), (logging.root.level, logging.root.handlers[:])
    try:
        run_virtual(_live(result, folder, done))
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    result.seconds, result.cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    return result


async def _live(result: Lived, folder: Path, done: Callable[[int], None]) -> None:
    tomorrow = clocks.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock = Clock(tomorrow, asyncio.get_running_loop().time)
    here = Installation(folder, clock, seed=result.wishes.seed, kept=result.kept)
    logging.root.handlers[:] = [here.journal]
    logging.root.setLevel(logging.INFO)
    try:
        await _Life(result, here, tomorrow, done).run()
    except ViolationError as error:
        result.violations.append(Violation(error.kind.value, error.why, result.crossings))
    finally:
        here.close()
    if not here.has_key_days():  # only a stopped log lets others read its database
        result.violations.append(Violation("update", "the log's database was not migrated", result.crossings))


class _Life:
    """The life of one installation."""

    def __init__(self, result: Lived, here: Installation, begins: datetime, done: Callable[[int], None]) -> None:
        self._result, self._here, self._begins, self._done = result, here, begins, done
        self._wishes, self._clock, self._journal = result.wishes, here.clock, here.journal.counts
        self._hall = make_hall(Doors.ONE)
        self._scene = self._hall.scene
        self._left = Left(self._scene.disk, random.Random(f"{self._wishes.seed}/lane"))
        self._left.store = here.append
        self._lane = SimulatedLane(self._scene, self._left.rng, self._left)
        self._scene.lane = self._lane
        self._planned = self._wishes.planned()

    async def run(self) -> None:
        """Live. Raises ViolationError at the first violation of the lane."""
        wishes, here = self._wishes, self._here
        self._result.origin = here.config.origin
        expire = next(day for day, names in self._planned.items() if "lists_expire" in names)
        here.import_lists(self._begins + timedelta(days=expire + LISTS_SHUT - 90))
        here.centre.issued_ago_days = self._usual_days
        here.enrol()
        here.start()
        self._lane.lists_are_old(here.lists_age_s())
        try:
            async with self._hall.open():
                for day in range(wishes.days):
                    await self._day(day)
        finally:
            self._result.virtual_s, self._result.digest = self._clock.lived_s, self._scene.digest

    @property
    def _usual_days(self) -> float:
        """Return the age of new certificates with which one is due for renewal four times in the soak."""
        return RENEWED_AFTER_DAYS - min(max(1.0, self._wishes.days / 4), RENEWED_AFTER_DAYS)

    async def _day(self, day: int) -> None:
        here, tally, result = self._here, self._hall.tally, self._result
        before = (tally.crossings, tally.genuine, tally.genuine_admitted)
        events, size = self._planned.get(day, []), int(here.status()["entries"])
        here.centre.is_earlier = "earlier_central_server" in events
        here.centre.is_away = self._wishes.is_centre_away(day, self._planned)
        all_failed = True
        in_parts = here.centre.uploads_in_parts
        for quarter in range(QUARTERS):
            due = [name for name in events if PLAN[name][1] == quarter]
            async with contextlib.AsyncExitStack() as stack:
                for name in due:
                    if (begin := getattr(self, f"_{name}", None)) is not None:
                        await stack.enter_async_context(begin())
                await self._cross(day, quarter)
            self._rest_until(day + (quarter + 1) / QUARTERS)
            await self._look_at_lists()
            all_failed = not self._sync() and all_failed
            self._sample(day)
        if here.centre.is_away and "central_server_away" in events:
            self._happens("central_server_away", all_failed)
        self._evening(day)
        status = here.status()
        if here.centre.is_earlier:
            self._happens("earlier_central_server", here.centre.uploads_in_parts > in_parts and self._is_mirrored())
        now = (tally.crossings, tally.genuine, tally.genuine_admitted)
        crossings, genuine, admitted = (one - other for one, other in zip(now, before, strict=True))
        result.days.append(
            Day(
                day,
                self._date(day),
                crossings,
                genuine,
                admitted,
                int(status["entries"]) - size,
                here.mirrored,
                tuple(events),
                dict(result.samples[-1].values),
            )
        )

    async def _cross(self, day: int, quarter: int) -> None:
        tally, result = self._hall.tally, self._result
        for number in self._wishes.numbers(day, quarter):
            drawn = plan.crossing(self._wishes.seed, number, faults=self._wishes.faults, kinds=frozenset(Kind))
            await self._hall.cross(drawn)
            result.crossings, result.referred = tally.crossings, tally.referred
            result.genuine, result.admitted = tally.genuine, tally.genuine_admitted
            self._done(number + 1)

    def _rest_until(self, days: float) -> None:
        """Let the hours pass in which nobody comes. The lane's own clock stands still."""
        self._clock.quiet_s += max(0.0, days * DAY_S - self._clock.lived_s)

    def _sync(self) -> bool:
        """Have a round; while the central server is there, it must have everything afterwards. False if it failed."""
        here = self._here
        self._need(here.wait_for(here.is_published), "spool", "the log did not publish its records")
        fine = here.sync()
        if not here.centre.is_away:
            self._need(fine and self._is_mirrored(), "sync", f"the central server lacks records: {here.problem}")
        return fine

    def _is_mirrored(self) -> bool:
        return self._here.wait_for(lambda: int(self._here.status()["mirrored"]) >= self._here.mirrored > 0)

    def _evening(self, day: int) -> None:
        """Check what is kept, and do what is done by day."""
        here, kept = self._here, self._result.kept
        oldest = {"crossing": max(0, day + 1 - kept.crossings)}
        wanted = {
            ("crossing", self._date(one))
            for one in range(oldest["crossing"], day + 1)
            if any(self._wishes.numbers(one, quarter) for quarter in range(QUARTERS))
        }

        def is_right() -> bool:
            # It is past midnight. A key of a time at which no time service vouched for the clock counts as made today.
            has = here.key_days()
            young = (self._date(oldest.get(about, day + 1 - kept.others)) <= one for about, one in has)
            return wanted <= set(has) and all(young) and max(one for _, one in has) <= self._date(day + 1)

        self._need(
            here.wait_for(is_right),
            "retention",
            f"days of keys {sorted(here.key_days())}, and {sorted(wanted)} are wanted",
        )
        self._result.happened["keys_expired"] = self._journal["keys_expired"]
        self._result.happened["certificate_renewed"] = self._journal["identity_renewed"]
        here.tidy_centre()
        self._result.centre_bytes = here.centre_bytes()
        is_due = day % IMPORT_EVERY_DAYS == IMPORT_EVERY_DAYS - 1 and self._result.happened["lists_expire"] > 0
        if is_due and "clock_back" not in self._planned.get(day + 1, []):
            here.import_lists(self._clock.true())
        if "certificate_expires" in self._planned.get(day + 2, []):
            here.centre.is_away = False
            here.centre.issued_ago_days = 89.0
            here.enrol(again=True)
            here.centre.issued_ago_days = self._usual_days

    def _date(self, day: int) -> str:
        return (self._begins + timedelta(days=day)).date().isoformat()

    def _sample(self, day: int) -> None:
        here = self._here
        status = here.status()
        rows = int(status["entries"]) - int(status["kept"]["first"])
        values = measure() | {"disk": here.disk_bytes(), "rows": rows}
        self._result.samples.append(Sample(day, self._result.crossings, values))

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _happens(self, name: str, is_true: bool) -> None:  # noqa: FBT001
        self._result.happened[name] += is_true

    def _need(self, is_true: bool, kind: str, why: str) -> None:  # noqa: FBT001
        if not is_true:
            self._result.violations.append(Violation(kind, why, self._result.crossings))

    async def _look_at_lists(self) -> None:
        self._lane.lists_are_old(self._here.lists_age_s())
        await self._scene.pause(SEES_S)

    @contextlib.asynccontextmanager
    async def _lists_expire(self) -> AsyncIterator[None]:
        """The lists are too old, so the lane closes; with new ones it opens."""
        here, scene = self._here, self._scene
        kinds = sorted({one.kind.value for one in here.list_alarms()})
        self._need(AlarmKind.REVOCATION_LIST_OVERDUE.value in kinds, "lists", f"only these alarms: {kinds}")
        closes = await scene.until(lambda: scene.screen == CLOSED, SEES_S)
        self._need(closes, "lists", "the lane is open with lists that are too old")
        here.import_lists(self._clock.true())
        self._need(not here.list_alarms(), "lists", f"alarms after an import: {here.list_alarms()}")
        await self._look_at_lists()
        await self._hall.come_to_rest()
        self._happens("lists_expire", closes)
        yield

    def _clock_ahead(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._clock_jumps("clock_ahead", AHEAD_S)

    def _clock_back(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._clock_jumps("clock_back", BACK_S)

    @contextlib.asynccontextmanager
    async def _clock_jumps(self, name: str, by_s: float) -> AsyncIterator[None]:
        """The wall clock is wrong for a quarter, and no time service vouches for it."""
        is_seen = await self._step(by_s)
        yield
        is_seen = await self._step(0.0) and is_seen
        self._need(is_seen, "clock", "the log has no record of a step of the clock")
        self._happens(name, is_seen)

    async def _step(self, jump_s: float) -> bool:
        before = self._journal["clock_stepped"]
        self._clock.jump_s = jump_s
        await self._look_at_lists()
        return self._here.wait_for(lambda: self._journal["clock_stepped"] > before)

    @contextlib.asynccontextmanager
    async def _without_lane(self) -> AsyncIterator[None]:
        """The lane is down during the block, and is at rest again after it."""
        judge = self._scene.judge
        judge.well_since_s = math.inf
        await self._lane.die()
        judge.lane_died()
        self._scene.shown("", "")
        yield
        self._lane.start()
        judge.well_since_s = self._scene.clock()
        await self._hall.come_to_rest()

    @contextlib.asynccontextmanager
    async def _power_cut(self) -> AsyncIterator[None]:
        """Board and programs lose their power; what they had on disk is all that they begin with."""
        here, left = self._here, self._left
        async with self._without_lane():
            for door, board in self._scene.boards.items():
                self._scene.judge.board_miscounts(door)
                board.power_cycle()
            here.cut_power()
            here.start()
            found = here.left()
            size = int(here.status()["entries"])
            self._need(size > here.newest_index, "power", f"{size} records, and {here.newest_index} had a receipt")
            same = (list(left.open), set(left.referred)) == (found.crossings, set(found.referred))
            self._need(same, "power", f"open crossings {found.crossings}, and {list(left.open)} were open")
            left.open, left.referred = dict.fromkeys(found.crossings), dict.fromkeys(found.referred)
            left.remembered = found.remembered
            self._happens("power_cut", same)
        yield

    @contextlib.asynccontextmanager
    async def _certificate_expires(self) -> AsyncIterator[None]:
        """The certificate ended while the central server was away: a technician enrols the gate again."""
        here = self._here
        fine = here.sync()
        self._happens("certificate_expires", not fine and here.certificate.expires <= self._clock.true())
        self._need(not fine, "certificate", "the central server took records with an expired certificate")
        here.enrol(again=True)
        yield

    @contextlib.asynccontextmanager
    async def _update_installed(self) -> AsyncIterator[None]:
        async with self._without_lane():
            stays = self._here.update(fails=False)
        self._happens("update_installed", stays)
        yield

    @contextlib.asynccontextmanager
    async def _update_undone(self) -> AsyncIterator[None]:
        async with self._without_lane():
            stays = self._here.update(fails=True)
        self._happens("update_undone", not stays)
        yield
