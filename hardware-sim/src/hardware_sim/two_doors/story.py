"""A traveller's actions in a two-door lane: document outside, in at GO, camera, out when the screen shows GO again.

A traveller inside who may not continue waits for the officer, and goes back when the first door opens, without a screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import Moment, Owner
from hardware_sim.story import (
    BACK_MS_MAX,
    DECIDED,
    DECISION_MS_MAX,
    OFFICER_MS_MAX,
    OFFICERS_GRANTS_MAX,
    OVER,
    PASSAGE_MS_MAX,
    SCREENS,
    SETTLED,
    Await,
    Move,
    Part,
    Pause,
    Seen,
    Stand,
    Traveller,
    TurnBack,
    Walk,
    WalkOn,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Generator

    from hardware_sim.scenario import Scenario

LOOKED_AT_MS_MAX = 20_000  # from entering to being examined
OPEN_MS_MAX = 6_000  # how long an unused way back stays open


class InnerTraveller(Traveller):
    """One traveller in one scenario of a two-door lane."""

    def __init__(self, scenario: Scenario, chance: random.Random, *, lays_pages: bool = False) -> None:
        super().__init__(scenario, chance, lays_pages=lays_pages)
        self._stays_left = scenario.stays
        self._waited = False

    def _cross(self) -> Generator[Move, Seen, None]:
        yield Pause(self._draw(150, 350))
        yield from self._present()
        seen = yield from self._be_read()
        for _ in range(OFFICERS_GRANTS_MAX):
            if seen.screen == "go":
                seen = yield from self._step_in()
            if seen.place is Place.INSIDE:
                yield from self._inside()
                return
            if seen.screen != "officer":
                return
            yield from self._wait()
            seen = yield Await(screens=SETTLED | {"go"}, limit_ms=OFFICER_MS_MAX)

    def _step_in(self) -> Part:
        """Yield the moves from GO until the traveller is inside, or sees that GO is no longer shown."""
        yield Pause(self._draw(150, 300))
        yield from self._take_passport()
        yield from self._deeds(Moment.LET_IN)
        yield Pause(self._draw(100, 200))
        seen = yield Await(screens=SCREENS - {"go"}, limit_ms=self._scenario.hesitates_outside_ms)
        if seen.screen != "go":
            return (yield from self._be_told(seen))
        yield Walk(self._walker)
        yield from self._deeds(Moment.WALKING_IN)
        in_or_out = frozenset({Place.INSIDE, Place.BACK})
        seen = yield Await(screens=SETTLED | {"officer"}, places=in_or_out, limit_ms=PASSAGE_MS_MAX)
        if seen.place is not Place.INSIDE:
            yield TurnBack(self._walker)
            # A traveller in the doorway may find the leaf closed behind them.
            seen = yield Await(places=in_or_out, limit_ms=BACK_MS_MAX)
        return seen

    def _inside(self) -> Generator[Move, Seen, None]:
        """Yield the moves from being inside until out, on either side."""
        yield Await(screens=SCREENS - {"go"}, limit_ms=LOOKED_AT_MS_MAX)
        seen = yield Await(screens=DECIDED | {"look"}, limit_ms=LOOKED_AT_MS_MAX)
        if seen.screen == "look":
            seen = yield from self._be_looked_at()
        if seen.screen == "go":
            seen = yield from self._go_out()
        for _ in range(OFFICERS_GRANTS_MAX + self._scenario.stays):
            if seen.place is not Place.INSIDE:
                return
            yield from self._wait()
            seen = yield from self._be_let_go()

    def _be_looked_at(self) -> Part:
        if not self._scenario.sight_late:
            yield Stand(self._scenario.sight)
        yield from self._deeds(Moment.LOOK)
        if self._scenario.sight_late:
            yield Stand(self._scenario.sight)
        return (yield Await(screens=OVER, limit_ms=DECISION_MS_MAX))

    def _go_out(self) -> Part:
        """Yield the moves from GO until the traveller is through the last door, or sees that GO is no longer shown."""
        yield Pause(self._draw(150, 300))
        yield from self._deeds(Moment.GO)
        yield Pause(self._draw(100, 200))
        seen = yield Await(screens=SCREENS - {"go"}, limit_ms=self._scenario.hesitates_ms)
        if seen.screen != "go":
            return seen
        yield WalkOn(self._walker)
        yield from self._deeds(Moment.WALKING)
        return (
            yield Await(
                screens=frozenset({"officer", "emergency"}), places=frozenset({Place.PASSED}), limit_ms=PASSAGE_MS_MAX
            )
        )

    def _wait(self) -> Generator[Move, Seen, None]:
        """Wait for the officer. The scenario's deeds at this moment happen once."""
        if not self._waited:
            self._waited = True
            yield from self._deeds(Moment.OFFICER)

    def _be_let_go(self) -> Part:
        """Leave by the last door at GO, or by the first when it opens; let `stays` openings of the first pass unused."""
        seen = yield Await(screens=frozenset({"go", "emergency"}), way_back=True, limit_ms=OFFICER_MS_MAX)
        if seen.screen == "go":
            return (yield from self._go_out())
        if self._stays_left and seen.screen != "emergency":
            self._stays_left -= 1
            yield Pause(OPEN_MS_MAX)
            return seen
        yield TurnBack(self._walker)
        if self._followed:
            yield TurnBack(Owner.OTHER)
        return (yield Await(places=frozenset({Place.BACK, Place.PASSED}), limit_ms=BACK_MS_MAX))
