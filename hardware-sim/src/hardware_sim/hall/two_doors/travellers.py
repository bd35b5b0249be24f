"""A traveller's actions before and between two doors, by intention; and those of people with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import BODY_DEPTH_M, LEAF_M, START_M, Place
from hardware_sim.hall.judge import ViolationError, Wrong
from hardware_sim.hall.lane import FIRST, LAST, Word
from hardware_sim.hall.plan import VALID, Crossing, Intention, Moment
from hardware_sim.hall.travellers import PATIENCE_S, PUSHED_DEGREES, STEPS_S, TAKEN_UP_S, WALKS_S, between

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hardware_sim.hall.troubles import Troubles
    from hardware_sim.hall.two_doors.scene import TwoDoorScene

GOES_MAX = 6  # how often a person tries to pass: by the machine, then by an officer
OUT_MAX = 12  # how often a person sets out from between the doors
CLEARS_S = 1.2  # behind a person who returns, so that the beams distinguish two
STEPS_IN_S = (0.42, 0.6)  # behind another person: one body to the beams, two people to the counter
BEHIND_S = (0.65, 1.6)  # two bodies to the beams
NEXT_S = (0.4, 0.9)  # from one body out of the zone to another in
NEXT_UNSEEN_S = (2.2, 2.8)
ASKS_S = 2.2  # from being inside, at most
PRESSED_S = 0.4
TRIES_S = 2.0
MAY_BE_INSIDE_S = 200.0


async def visit(scene: TwoDoorScene, crossing: Crossing, troubles: Troubles) -> None:
    """Play one traveller, from the document to the way out. Raises ViolationError."""
    if crossing.intention is Intention.FORCES:
        board = scene.boards[FIRST if crossing.drawn < 0.5 else LAST]
        board.push_leaf(PUSHED_DEGREES)
        await scene.until(lambda: board.leaf_closed, WALKS_S)
        return
    await _Visit(scene, crossing, troubles).run()


class _Visit:
    """One traveller and any companions."""

    def __init__(self, scene: TwoDoorScene, crossing: Crossing, troubles: Troubles) -> None:
        self._scene = scene
        self._crossing = crossing
        self._troubles = troubles
        self._name = crossing.name
        self._others: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Play the visit from the document to the way out."""
        judge, intention = self._scene.judge, self._crossing.intention
        if intention in VALID:
            judge.may_pass.add(self._name)
        self._scene.lane.lay(self._name)
        try:
            await self._get_in()
            while self._scene.between.is_inside(self._name):
                await self._get_out()
            for other in self._others:
                await other
        finally:
            for other in self._others:
                other.cancel()
        await self._leave()

    def _comes_along(self, other: Coroutine[object, object, None]) -> None:
        self._others.append(asyncio.ensure_future(other))

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _get_in(self) -> None:
        scene, name = self._scene, self._name
        await scene.until(lambda: scene.served_now(name), TAKEN_UP_S)
        for time in range(GOES_MAX):
            await scene.until(lambda: scene.may_go(name) or scene.is_over(name), PATIENCE_S)
            if not scene.may_go(name):
                return
            self._troubles.come(Moment.GO)
            await scene.until(lambda: not scene.may_go(name), self._crossing.goes_s)
            if scene.may_go(name):
                await self._step_in(straight=time > 0)
            if scene.between.is_inside(name):
                return
            await scene.until(lambda: not scene.may_go(name), PATIENCE_S)

    async def _step_in(self, *, straight: bool) -> None:
        scene, name, crossing = self._scene, self._name, self._crossing
        match Intention.GENUINE if straight else crossing.intention:
            case Intention.STAYS:
                return
            case Intention.TURNS:
                await self._turn_at(FIRST)
                return
            case Intention.SWAPS if crossing.drawn < 0.5:
                scene.standing = ""  # an officer sees that it is another person
                await _step_in_unasked(scene, f"{name}-other")
                scene.standing = name
                return
            case Intention.TAILGATED:
                self._comes_along(self._follow(f"{name}-follower", STEPS_IN_S))
            case Intention.FOLLOWED:
                self._comes_along(self._follow(f"{name}-follower", BEHIND_S))
            case _:
                pass
        scene.lane.pull()
        scene.boards[FIRST].walk_in(name)
        await self._walk(FIRST, name)

    async def _follow(self, follower: str, behind_s: tuple[float, float]) -> None:
        scene = self._scene
        if behind_s is STEPS_IN_S:
            scene.judge.together.add(follower)
            scene.judge.board_miscounts(FIRST)
        await scene.pause(between(self._crossing, behind_s))
        await _step_in_unasked(scene, follower)

    async def _walk(self, door: str, name: str) -> None:
        """Walk through a leaf; turn back when the screen no longer shows GO and the person is not in it yet."""
        scene = self._scene
        is_through = _through(scene, door, name)

        def stops() -> bool:
            at_m = scene.boards[door].bodies_m.get(name, START_M)
            return at_m < LEAF_M - BODY_DEPTH_M / 2 and not (scene.may_go(name) or scene.way_out_is_open(door))

        await scene.until(lambda: is_through() or stops(), WALKS_S)
        scene.boards[door].turn_back(name)  # a person who is through continues
        await scene.until(lambda: is_through() or scene.between.walks_at(name) is None, WALKS_S)

    async def _turn_at(self, door: str) -> None:
        """Walk into a zone and back."""
        scene, name = self._scene, self._name
        board = scene.boards[door]
        board.walk_in(name)
        await scene.until(lambda: board.place_of(name) is Place.IN_ZONE, WALKS_S)
        await scene.pause(between(self._crossing, STEPS_S))
        board.turn_back(name)
        await scene.until(lambda: scene.between.walks_at(name) is None, WALKS_S)

    # ── inside, and out ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _get_out(self) -> None:
        """Leave at either end."""
        scene, name = self._scene, self._name
        self._troubles.come(Moment.INSIDE)
        self._ask_for_something()
        stays = self._crossing.intention is Intention.STAYS_INSIDE
        ignores = 1 if stays and self._crossing.drawn < 0.5 else 0
        goes = 0
        for _ in range(OUT_MAX):
            await scene.until(
                lambda: (scene.between.walks_at(name) is None and bool(self._ways())) or not self._is_inside(),
                MAY_BE_INSIDE_S,
            )
            ways = self._ways()
            if not self._is_inside():
                return
            if not ways:
                raise ViolationError(Wrong.LOCKED_IN, f"{name} is between the doors, and nothing opens")
            if ways[0] == "go":
                goes += 1
                self._troubles.come(Moment.OUT)
                await self._go_out(straight=goes > 1)
                await scene.until(lambda: not scene.may_go(name) or not self._is_inside(), PATIENCE_S)
            elif ignores:
                ignores -= 1
                await scene.until(lambda: not self._ways(), WALKS_S)
            else:
                await self._leave_by(ways[0])
        raise ViolationError(Wrong.LOCKED_IN, f"{name} does not get out")

    def _is_inside(self) -> bool:
        return self._scene.between.is_inside(self._name)

    def _ways(self) -> list[str]:
        """Return the doors through which they could leave now: the last at GO, or one that is open for them."""
        scene = self._scene
        ways = [door for door in (LAST, FIRST) if scene.way_out_is_open(door)]
        return ways or (["go"] if scene.may_go(self._name) else [])

    def _ask_for_something(self) -> None:
        crossing = self._crossing
        word = {
            Intention.FREED: Word.FREE,
            Intention.PAUSED: Word.PAUSE,
            Intention.EVACUATED: Word.EVACUATE,
            Intention.SWAPS: Word.FREE,
        }.get(crossing.intention)
        after_s = ASKS_S * crossing.drawn
        if crossing.intention is Intention.PRESSES:
            self._comes_along(self._press(after_s))
        elif word is not None:
            self._comes_along(self._have_ordered(word, after_s))
        if crossing.intention is Intention.SWAPS:
            self._comes_along(self._slip_in(f"{self._name}-other"))

    async def _press(self, after_s: float) -> None:
        scene = self._scene
        await self._while_inside(after_s)
        if not self._is_inside():
            return
        self._troubles.come(Moment.PROVOKED)
        await scene.pause(0.1)
        scene.judge.sent_back()
        scene.between.press(pressed=True)
        await scene.pause(PRESSED_S)
        scene.between.press(pressed=False)

    async def _have_ordered(self, word: Word, after_s: float) -> None:
        await self._while_inside(after_s)
        if self._is_inside():
            self._troubles.come(Moment.PROVOKED)
            await self._scene.pause(0.1)
            self._scene.order(word)

    async def _while_inside(self, for_s: float) -> None:
        await self._scene.until(lambda: not self._is_inside(), for_s)

    async def _slip_in(self, other: str) -> None:
        """Let another person enter while the first leaf is open for the one who comes out."""
        scene = self._scene
        await scene.until(lambda: not self._is_inside(), MAY_BE_INSIDE_S)
        await scene.until(lambda: scene.between.walks_at(self._name) is None, WALKS_S)
        scene.standing = ""
        await scene.pause(between(self._crossing, NEXT_UNSEEN_S if self._crossing.faults else NEXT_S))
        await _step_in_unasked(scene, other)

    async def _go_out(self, *, straight: bool) -> None:
        scene, name, crossing = self._scene, self._name, self._crossing
        await scene.until(lambda: not scene.may_go(name), crossing.goes_s)
        if not scene.may_go(name):
            return
        match Intention.GENUINE if straight else crossing.intention:
            case Intention.STAYS_INSIDE:
                return
            case Intention.TURNS_INSIDE if crossing.drawn < 0.5:
                scene.lane.lose_sight(name)
                await self._turn_at(LAST)
                return
            case Intention.TURNS_INSIDE:
                scene.lane.lose_sight(name)
                await _go_back(scene, name)
                return
            case Intention.FORGETS:
                scene.between.lay(scene.clock() * 1000)
            case _:
                pass
        scene.lane.lose_sight(name)
        scene.boards[LAST].walk_in(name)
        await self._walk(LAST, name)

    async def _leave_by(self, door: str) -> None:
        if door == FIRST:
            await _go_back(self._scene, self._name)
        else:
            self._scene.boards[LAST].walk_in(self._name)
            await self._walk(LAST, self._name)

    async def _leave(self) -> None:
        """Empty the lane."""
        scene = self._scene
        scene.boards[FIRST].turn_back(self._name)
        await scene.until(lambda: all(board.empty for board in scene.boards.values()), WALKS_S)
        for board in scene.boards.values():
            for name in (self._name, f"{self._name}-other", f"{self._name}-follower"):
                board.forget(name)


def _through(scene: TwoDoorScene, door: str, name: str) -> Callable[[], bool]:
    """Return a test whether a person has passed a leaf in entry direction."""
    return lambda: scene.between.is_inside(name) is (door == FIRST)


async def _go_back(scene: TwoDoorScene, name: str) -> None:
    """Walk towards the hall, up to the first leaf if it is closed."""
    board = scene.boards[FIRST]
    if not await scene.until(lambda: board.empty, WALKS_S):
        return  # people cannot walk through each other
    board.walk_out(name)
    await scene.until(lambda: not scene.between.is_inside(name) or not scene.way_out_is_open(FIRST), WALKS_S)
    if scene.between.is_inside(name):
        await scene.pause(CLEARS_S)  # a leaf that begins to close may still let them through
        board.turn_back(name)
    await scene.until(lambda: scene.between.walks_at(name) is None, WALKS_S)


async def _step_in_unasked(scene: TwoDoorScene, name: str) -> None:
    """Let a person without GO walk through the first leaf, if it is open, and out again."""
    board = scene.boards[FIRST]
    board.walk_in(name)
    await scene.until(lambda: scene.between.is_inside(name), TRIES_S)
    board.turn_back(name)
    if scene.between.is_inside(name):
        await _stranger(scene, name)
    await scene.until(lambda: scene.between.walks_at(name) is None, WALKS_S)


async def _stranger(scene: TwoDoorScene, name: str) -> None:
    """Let an unknown person inside leave by the last door if it is open, otherwise by the first when it opens."""
    last = scene.boards[LAST]
    for _ in range(OUT_MAX):
        await scene.until(
            lambda: (
                (scene.between.walks_at(name) is None and (not last.leaf_closed or scene.way_out_is_open(FIRST)))
                or not scene.between.is_inside(name)
            ),
            MAY_BE_INSIDE_S,
        )
        if not scene.between.is_inside(name):
            return
        if not last.leaf_closed:
            if scene.way_out_is_open(LAST):
                await scene.pause(CLEARS_S)
            last.walk_in(name)
            await scene.until(lambda: not scene.between.is_inside(name) or last.leaf_closed, WALKS_S)
            last.turn_back(name)
        elif scene.way_out_is_open(FIRST):
            await scene.pause(CLEARS_S)
            await _go_back(scene, name)
        await scene.until(lambda: scene.between.walks_at(name) is None, WALKS_S)
    raise ViolationError(Wrong.LOCKED_IN, f"{name} does not get out")
