"""A traveller's actions before the lane, by intention: places a document, waits, walks at GO, or does something else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import Place, nearness
from hardware_sim.hall.lane import EMERGENCY, LOOK, Word
from hardware_sim.hall.plan import VALID, Crossing, Intention, Moment

if TYPE_CHECKING:
    from hardware_sim.hall.scene import Scene
    from hardware_sim.hall.troubles import Troubles

TAKEN_UP_S = 0.5  # a document without effect after this time was not accepted
PULLS_S = 0.05  # after the document was read
PATIENCE_S = 90.0
WALKS_S = 20.0
GOES_MAX = 4  # how often a person may pass: by the machine, then by an officer
NEXT_S = (0.4, 0.9)  # from one body out of the zone to another in
# The same while a fault may hide the zone's occupation from the lane.
NEXT_UNSEEN_S = (2.2, 2.8)
STEPS_S = (0.3, 0.4)  # time in the zone before they turn: shorter than a poll, so no board reports it
PUSHED_DEGREES = 30.0
PROVOKES_S = 0.1  # from the moment before the provoking event
GAP_S = 2.0  # from the camera's last picture until the lane notices that no one came
GONE_S = 1.9  # from the camera's last picture until the lane notices, or nearly
TRIES_S = 1.5
BEHIND_S = (0.65, 1.6)  # the beams see people closer than this as one
# From the first step until vision reports that the face is gone: out of the picture at once or after passing, and 0.6 to 1.3 s for the tracker.
LOST_S = (0.6, 2.4)
TRACKER_S = (0.6, 1.3)  # from the last proof of a face until vision reports that it is gone
LEANS = (0.9, 1.12)  # relative size of a person who stays in place, by 20 cm either way
HOLDER_LEAVES_S = (0.0, 2.9)  # from the companion's passage until the holder leaves the picture


async def visit(scene: Scene, crossing: Crossing, troubles: Troubles) -> None:
    """Play one traveller, from the document to the way out. Raises ViolationError."""
    name = crossing.name
    if crossing.intention is Intention.CALLS:
        await _be_let_out(scene, crossing, troubles)
        return
    if crossing.intention is Intention.FORCES:
        scene.board.push_leaf(PUSHED_DEGREES)
        await scene.until(lambda: scene.board.leaf_closed, WALKS_S)
        return
    if crossing.intention in VALID:
        scene.judge.may_pass.add(name)
    scene.lane.lay(name)
    if crossing.intention is Intention.PULLS:
        await _pull(scene, crossing)
    if crossing.intention is Intention.ASKS and not _asks_late(crossing):
        await _ask_early(scene, crossing)
    await scene.until(lambda: scene.served_now(name), TAKEN_UP_S)
    for time in range(GOES_MAX):
        await scene.until(lambda: scene.may_go(name) or scene.is_over(name), PATIENCE_S)
        if not scene.may_go(name):
            break
        troubles.come(Moment.GO)
        await scene.until(lambda: not scene.may_go(name), crossing.goes_s)
        if scene.may_go(name):
            await _go(scene, crossing, troubles, straight=time > 0)
        if name in scene.judge.through:
            break
        await scene.until(lambda: not scene.may_go(name), PATIENCE_S)
    await _leave(scene, name)


async def _pull(scene: Scene, crossing: Crossing) -> None:
    """Take the document away once it is read. A traveller who does so before GO must not be admitted."""
    name = crossing.name
    await scene.until(lambda: scene.screen == LOOK and scene.served == name, TAKEN_UP_S)
    await scene.pause(crossing.reads_s + PULLS_S)
    if scene.served_now(name) and not scene.may_go(name):
        scene.judge.may_pass.discard(name)
        scene.lane.pull()


def _asks_late(crossing: Crossing) -> bool:
    """Return True when they ask at GO, False when during the examination."""
    return crossing.drawn < 0.5


def _wish(crossing: Crossing) -> str:
    return "help" if int(crossing.drawn * 1_000) % 2 else "protection"


async def _ask_early(scene: Scene, crossing: Crossing) -> None:
    """Ask for an officer during the examination: the machine must not admit this traveller then."""
    name = crossing.name
    await scene.until(lambda: scene.screen == LOOK and scene.served == name, TAKEN_UP_S)
    await scene.pause(crossing.reads_s * crossing.drawn)
    if scene.served_now(name) and not scene.may_go(name):
        scene.judge.may_pass.discard(name)
        scene.lane.ask(name, _wish(crossing))


async def _go(scene: Scene, crossing: Crossing, troubles: Troubles, *, straight: bool) -> None:
    """Walk by the traveller's intention; one whom an officer admits walks straight through."""
    name = crossing.name
    match Intention.GENUINE if straight else crossing.intention:
        case Intention.STAYS:
            return
        case Intention.AGAIN:
            await _provoke(scene, troubles)
            scene.lane.lay(f"{name}-again")
            scene.judge.forfeits(0.0)
        case Intention.ASKS if _asks_late(crossing):
            await _provoke(scene, troubles)
            scene.lane.ask(name, _wish(crossing))
            scene.judge.forfeits(0.0)
        case Intention.LEAVES:
            scene.lane.lose_sight(name)
            scene.judge.forfeits(GAP_S)
            await scene.pause(GONE_S)
            await _provoke(scene, troubles)
        case Intention.TURNS | Intention.SWAPS:
            await _turn(scene, crossing)
        case Intention.FOLLOWED:
            await _be_followed(scene, crossing)
        case Intention.COMPANION:
            await _send_companion(scene, crossing)
        case _:
            _step_in(scene, name, between(crossing, LOST_S), between(crossing, TRACKER_S))
            await _walk(scene, name)


def _step_in(scene: Scene, name: str, lost_s: float = 0.0, seen_ago_s: float = TRACKER_S[0]) -> None:
    """Take the document along and leave the picture; the lane is informed after `lost_s`."""
    scene.lane.pull()
    scene.lane.lose_sight(name, lost_s, seen_ago_s, lambda: nearness(scene.board.position_of(name)))
    scene.board.walk_in(name)


async def _send_companion(scene: Scene, crossing: Crossing) -> None:
    """Let a person without a document pass, and leave the picture after them."""
    name, stays_s = crossing.name, between(crossing, HOLDER_LEAVES_S)
    companion = f"{name}-companion"
    scene.judge.companions[companion] = name
    scene.lane.pull()
    scene.board.walk_in(companion)
    await scene.until(lambda: scene.board.place_of(companion) is Place.PASSED, TRIES_S)
    chance = random.Random(name)
    tracker_s, leans = chance.uniform(*TRACKER_S), chance.uniform(*LEANS)
    scene.lane.lose_sight(name, stays_s + tracker_s, tracker_s, lambda: leans)
    if scene.board.place_of(companion) is Place.PASSED:
        await scene.until(lambda: not scene.may_go(name), WALKS_S)  # the lane is informed
    await _leave(scene, companion)


async def _walk(scene: Scene, name: str) -> None:
    """Walk through the leaf; turn back when the screen no longer shows GO and the person is still before it."""

    def stopped() -> bool:
        return scene.board.place_of(name) is Place.PASSED or not (scene.may_go(name) or scene.screen == EMERGENCY)

    await scene.until(stopped, WALKS_S)
    scene.board.turn_back(name)  # a person who is through continues


async def _turn(scene: Scene, crossing: Crossing) -> None:
    """Walk into the zone and back; another person, unknown to the lane, may enter instead."""
    name = crossing.name
    _step_in(scene, name)
    await scene.until(lambda: scene.board.place_of(name) is not Place.WAITING, WALKS_S)
    await scene.pause(between(crossing, STEPS_S))
    scene.board.turn_back(name)
    if crossing.intention is Intention.TURNS:
        return
    await scene.until(lambda: scene.board.place_of(name) in {Place.BACK, Place.PASSED}, WALKS_S)
    scene.standing = ""  # an officer sees that another person is there
    await scene.pause(between(crossing, NEXT_UNSEEN_S if crossing.faults else NEXT_S))
    other = f"{name}-other"
    scene.board.walk_in(other)
    await _try(scene, other)
    scene.standing = name


async def _be_followed(scene: Scene, crossing: Crossing) -> None:
    name = crossing.name
    _step_in(scene, name)
    await scene.pause(between(crossing, BEHIND_S))
    follower = f"{name}-follower"
    scene.standing = ""  # an officer admits no one while they are there
    scene.board.walk_in(follower)
    await _walk(scene, name)
    await _try(scene, follower)
    scene.standing = name


async def _provoke(scene: Scene, troubles: Troubles) -> None:
    troubles.come(Moment.PROVOKED)
    await scene.pause(PROVOKES_S)


async def _try(scene: Scene, name: str) -> None:
    """Let a person without GO walk up to the leaf, and back."""
    await scene.until(lambda: scene.board.place_of(name) is Place.PASSED, TRIES_S)
    await _leave(scene, name)


async def _be_let_out(scene: Scene, crossing: Crossing, troubles: Troubles) -> None:
    """Let an officer open for a person who is inside."""
    name = crossing.name
    scene.judge.by_officer.add(name)
    scene.board.walk_in(name)
    await scene.until(lambda: scene.board.place_of(name) is Place.IN_ZONE, WALKS_S)
    await _provoke(scene, troubles)
    scene.order(Word.FREE)
    await scene.until(lambda: scene.board.place_of(name) is Place.PASSED, WALKS_S)
    await _leave(scene, name)


async def _leave(scene: Scene, *names: str) -> None:
    """Empty the lane."""
    for name in names:
        scene.board.turn_back(name)
    await scene.until(lambda: scene.board.empty, WALKS_S)
    for name in names:
        scene.board.forget(name)


def between(crossing: Crossing, limits_s: tuple[float, float]) -> float:
    """Return a time between these limits; the crossing determines it."""
    least_s, most_s = limits_s
    return least_s + (most_s - least_s) * crossing.drawn
