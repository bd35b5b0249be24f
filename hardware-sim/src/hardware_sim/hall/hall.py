"""The hall: one crossing after another before one lane, until the first violation; and the results."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from hardware_sim.hall.judge import ViolationError, Wrong
from hardware_sim.hall.lane import LAST, WELCOME
from hardware_sim.hall.plan import Crossing, Intention, Kind, Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hardware_sim.hall.officer import Officer
    from hardware_sim.hall.scene import Scene
    from hardware_sim.hall.troubles import Troubles

LOOK_S = 0.1
REST_S = 14.0  # a lane that serves no one for this long without a fault is locked


@dataclass(slots=True)
class Tally:
    """The results of the crossings. `again` counts repeated orders, by the fault at that time; so does `referrals`."""

    crossings: int = 0
    genuine: int = 0
    genuine_admitted: int = 0
    admitted: int = 0
    referred: int = 0
    by_fault: int = 0
    companions: int = 0
    companions_through: int = 0
    companions_admitted: int = 0
    hits: Counter[Kind] = field(default_factory=Counter)
    again: Counter[Kind] = field(default_factory=Counter)
    referrals: Counter[Kind] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Return the share of the genuine travellers whom the machine admitted."""
        return self.genuine_admitted / self.genuine if self.genuine else 1.0


SceneT = TypeVar("SceneT", bound="Scene")


class Hall(Generic[SceneT]):
    """One hall around a scene, with the officer, the travellers and the faults of its lane."""

    def __init__(
        self,
        scene: SceneT,
        *,
        officer: Officer,
        visit: Callable[[SceneT, Crossing, Troubles], Awaitable[None]],
        troubles: Callable[[SceneT, Crossing], Troubles],
    ) -> None:
        """`visit` plays one traveller from the document to the way out."""
        self.scene = scene
        self.tally = Tally()
        self.officer = officer
        self._visit = visit
        self._troubles = troubles

    async def run(self, crossings: list[Crossing], done: Callable[[Crossing], None] = lambda _: None) -> None:
        """Play all crossings. Raises ViolationError at the first violation."""
        async with self.open():
            for crossing in crossings:
                await self.cross(crossing)
                done(crossing)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let the officer and the lane work during the block. Raises ViolationError."""
        serving = asyncio.ensure_future(self.officer.serve())
        serving.add_done_callback(self._ended)
        self._watch()
        self.scene.lane.start()
        try:
            await self.come_to_rest()
            yield
        finally:
            self._next_look.cancel()
            serving.cancel()
            await self.scene.lane.die()
            await asyncio.gather(serving, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Report the end of the officer's task as a violation: it must never end."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.scene.violate(error)

    def _watch(self) -> None:
        """Look repeatedly from now on, in the order that sleeping tasks would have."""
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(LOOK_S, loop.call_soon, self._look)

    def _look(self) -> None:
        """Move all walking people, and let the judge observe."""
        self.scene.pass_time()
        try:
            self.scene.judge.look()
        except ViolationError as error:
            self.scene.violate(error)
        if fault := self.scene.lane.fault():
            self.scene.violate(ViolationError(Wrong.LOCKED_LANE, f"the lane program ended: {fault}"))
        self.scene.notify()
        self._watch()

    async def cross(self, crossing: Crossing) -> None:
        """Play one crossing, until the lane is at rest again. Raises ViolationError."""
        self.scene.crossing = crossing
        self.scene.hits = set()
        for name, line in self.scene.lines.items():
            line.rng = random.Random(f"{crossing.number}/{crossing.drawn}" + ("" if name == LAST else f"/{name}"))
        self.scene.trace(f"crossing {crossing}")
        again = self._orders_again
        troubles = self._troubles(self.scene, crossing)
        try:
            await troubles.before()
            await self.scene.pause(crossing.rest_s)
            troubles.begin()
            troubles.come(Moment.LAID)
            self.scene.standing = crossing.name
            await self._visit(self.scene, crossing, troubles)
            self.scene.standing = ""
            await troubles.over()
        finally:
            troubles.end()
        self._count(crossing, self._orders_again - again)
        await self.come_to_rest()

    @property
    def _orders_again(self) -> int:
        return sum(line.orders_again for line in self.scene.lines.values())

    def _count(self, crossing: Crossing, again: int) -> None:
        tally, name = self.tally, crossing.name
        judge, referred = self.scene.judge, self.officer.referred
        admitted = name in judge.through and name not in judge.by_officer
        if admitted and name in referred and crossing.intention is Intention.GENUINE and not crossing.faults:
            raise ViolationError(Wrong.LOST_PASSAGE, f"{name} is through on their grant, and waits for an officer")
        tally.crossings += 1
        tally.admitted += admitted
        tally.referred += name in referred
        if crossing.intention is Intention.GENUINE:
            tally.genuine += 1
            tally.genuine_admitted += admitted
        tally.companions += crossing.intention is Intention.COMPANION
        for kind in self.scene.hits:
            tally.hits[kind] += 1
            tally.again[kind] += again
            tally.referrals[kind] += name in referred
        tally.by_fault = judge.by_fault

    async def come_to_rest(self) -> None:
        """Wait until all faults are over and an officer is present. The lane must then invite, and have recorded all passages."""
        if not await self.scene.until(self._rests, REST_S):
            report = self.scene.lane.report()
            raise ViolationError(
                Wrong.LOCKED_LANE,
                f"it shows {self.scene.screen} {self.scene.served} after {REST_S:.0f} s with everything well; {report}",
            )
        try:
            self.scene.judge.compare_books()
        finally:
            judge = self.scene.judge
            tally = self.tally
            tally.companions_through, tally.companions_admitted = judge.companions_through, judge.companions_admitted
            self.officer.rest()

    def _rests(self) -> bool:
        return self.scene.screen == WELCOME and self.scene.at_rest() and not self.scene.lane.report().owed
