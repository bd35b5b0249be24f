"""Random walks of a lane: everything around it is drawn from one seed, and an oracle watches.

Every few minutes all faults end and everybody behaves. Then the lane must come to invite travellers again and let one through (no dead
end), the books must hold everybody who went through, and no referral may be left that no officer can settle.
"""

from __future__ import annotations

import asyncio

from fakes.lane_oracle import Oracle
from fakes.oracle_account import ADMITTED
from fakes.walked_lane import WalkedLane
from fakes.walked_people import People
from fakes.walked_troubles import Troubles

from gate.passage import records
from gate.passage.names import Disposition
from gate.passage.orders import BePresent, Command, HandOver, LaneOrder
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction

CALM_EVERY_S = 150.0
CALM_LIMIT_S = 90.0
LOOK_S = 1.0


class Walk:
    """One walk of one lane."""

    def __init__(self, seed: int) -> None:
        self._lane = WalkedLane(seed)
        self._people = People(self._lane)
        self._troubles = Troubles(self._lane, self._people)

    @property
    def durable(self) -> list[records.Record]:
        """What the log has, in its order."""
        return self._lane.log.durable

    async def run(self, steps: int) -> Oracle:
        """Walk until the engine has answered so many events, and come to rest. Raises BrokenInvariantError."""
        lane = self._lane
        lane.start()
        try:
            while lane.oracle.steps < steps:
                await self._live(steps)
                await self._come_to_rest()
        finally:
            self._troubles.end()
            await lane.end()
        return lane.oracle

    async def _live(self, steps: int) -> None:
        """Some minutes with everything that can happen."""
        stories = [
            asyncio.ensure_future(story())
            for story in (self._people.come, self._people.ask, self._people.serve, self._troubles.come)
        ]
        until_s = self._lane.clock() + CALM_EVERY_S
        while self._lane.clock() < until_s and self._lane.oracle.steps < steps:
            await asyncio.sleep(LOOK_S)
            self._lane.raise_what_ended()
            for story in stories:
                if story.done():
                    story.result()
        for story in stories:
            story.cancel()

    async def _come_to_rest(self) -> None:
        """No fault any more, and officers who do what is asked of them: the lane must serve again, and admit."""
        lane, oracle = self._lane, self._lane.oracle
        while self._troubles.last:
            await asyncio.sleep(LOOK_S)
            lane.raise_what_ended()
        until_s = lane.clock() + CALM_LIMIT_S
        while not lane.shows(Screen.WELCOME):
            await asyncio.sleep(LOOK_S)
            lane.raise_what_ended()
            if lane.clock() > until_s:
                shown = None if lane.view is None else lane.view.screen.value
                what = f"{CALM_LIMIT_S} s after the last fault the screen shows {shown}"
                oracle.broken("no dead end", f"{what}: {lane.engine.state} {lane.engine.context}")
            self._tidy()
        lane.order(BePresent())
        crossing = await self._people.cross(self._people.honest())
        await asyncio.sleep(5 * LOOK_S)
        lane.raise_what_ended()
        seen = oracle.crossings.get(crossing)
        if seen is None or seen.verdict is not ADMITTED:
            oracle.broken("no dead end", f"a lane at rest let no honest traveller through: {seen} {lane.engine.state}")
        self._hold_books_to_the_truth()

    def _tidy(self) -> None:
        """What officers do with a lane that does not serve."""
        lane, rng = self._lane, self._lane.rng
        lane.order(BePresent())
        for name in tuple(lane.board.zone):
            if not lane.board.goes_through(name):
                lane.board.steps_back(name)
        if lane.shows(Screen.EMERGENCY) or lane.oracle.state_lost:
            lane.order(LaneOrder.END_EMERGENCY)
        elif (waiting := lane.waiting()) and rng.random() < 0.7:
            lane.order(HandOver(rng.choice(waiting), Disposition.TAKEN_OVER))
        else:
            orders: list[Command] = [LaneOrder.ACKNOWLEDGE, LaneOrder.OPEN]
            lane.order(rng.choice(orders))

    def _hold_books_to_the_truth(self) -> None:
        """Everybody who went through is in a durable record, but for those whom a board without power forgot."""
        lane, troubles = self._lane, self._troubles
        passed = [one for one in lane.log.durable if isinstance(one, records.Passed)]
        for direction, ever, unknown in (
            (Direction.ENTRY, lane.board.entries_ever, troubles.unknown_entries),
            (Direction.EXIT, lane.board.exits_ever, troubles.unknown_exits),
        ):
            written = sum(one.count for one in passed if one.direction is direction)
            if not ever - unknown <= written <= ever:
                what = (
                    f"{ever} went through ({direction.value}), {unknown} of them unknown, and the books say {written}"
                )
                lane.oracle.broken("line 6", what)
        if waiting := lane.waiting():
            lane.oracle.broken("line 7", f"{waiting} were never settled, and no officer can settle them")


async def walk(seed: int, steps: int) -> Oracle:
    """One walk of one lane."""
    return await Walk(seed).run(steps)


async def written(seed: int, steps: int) -> list[records.Record]:
    """The log of one walk."""
    made = Walk(seed)
    await made.run(steps)
    return made.durable
