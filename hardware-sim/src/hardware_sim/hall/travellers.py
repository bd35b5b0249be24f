"""What a traveller does before the lane, by their intention: lays a document, waits, walks when the screen says so, or does something else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import Place, nearness
from hardware_sim.hall.lane import EMERGENCY, LOOK, Word
from hardware_sim.hall.plan import VALID, Crossing, Intention, Moment

if TYPE_CHECKING:
    from hardware_sim.hall.scene import Scene
    from hardware_sim.hall.troubles import Troubles

TAKEN_UP_S = 0.5  # a document that opened nothing by then was not taken up
PULLS_S = 0.05  # after the document was read
PATIENCE_S = 90.0
WALKS_S = 20.0
GOES_MAX = 4  # how often a person may pass: by the machine, then by an officer
NEXT_S = (0.4, 0.9)  # from one body out of the zone to another in
# The same while a fault may hide from the lane who is in the zone.
NEXT_UNSEEN_S = (2.2, 2.8)
STEPS_S = (0.3, 0.4)  # into the zone before they turn: of who is there for less than one look, no board tells
PUSHED_DEGREES = 30.0
PROVOKES_S = 0.1  # from the moment when somebody is about to do so
GAP_S = 2.0  # from the camera's last look until the lane takes it amiss that nobody came
GONE_S = 1.9  # from the camera's last look until the lane takes that amiss, or nearly
TRIES_S = 1.5
BEHIND_S = (0.65, 1.6)  # nearer than that, beams see one body
# From the first step until vision says that the face is gone: out of the picture at once or when they are through, and 0.6 to 1.3 s for the tracker.
LOST_S = (0.6, 2.4)
TRACKER_S = (0.6, 1.3)  # from the last proof of a face until vision says that it is gone
LEANS = (0.9, 1.12)  # whoever stays where they are, by 20 cm either way
HOLDER_LEAVES_S = (0.0, 2.9)  # the picture, so long after their companion passed


async def visit(scene: Scene, crossing: Crossing, troubles: Troubles) -> None:
    """One traveller, from the document to the way out. Raises ViolationError."""
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
    """Take the document away once it is read. Who does so before they may go shall not."""
    name = crossing.name
    await scene.until(lambda: scene.screen == LOOK and scene.served == name, TAKEN_UP_S)
    await scene.pause(crossing.reads_s + PULLS_S)
    if scene.served_now(name) and not scene.may_go(name):
        scene.judge.may_pass.discard(name)
        scene.lane.pull()


def _asks_late(crossing: Crossing) -> bool:
    """When they may go already."""
    return crossing.drawn < 0.5


def _wish(crossing: Crossing) -> str:
    return "help" if int(crossing.drawn * 1_000) % 2 else "protection"


async def _ask_early(scene: Scene, crossing: Crossing) -> None:
    """Ask for an officer while they are looked at: nobody may go on their word then."""
    name = crossing.name
    await scene.until(lambda: scene.screen == LOOK and scene.served == name, TAKEN_UP_S)
    await scene.pause(crossing.reads_s * crossing.drawn)
    if scene.served_now(name) and not scene.may_go(name):
        scene.judge.may_pass.discard(name)
        scene.lane.ask(name, _wish(crossing))


async def _go(scene: Scene, crossing: Crossing, troubles: Troubles, *, straight: bool) -> None:
    """As they meant to; whom an officer lets through goes straight on."""
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
    """Walking on takes the document along, and the face out of the picture, of which the lane hears so much later."""
    scene.lane.pull()
    scene.lane.lose_sight(name, lost_s, seen_ago_s, lambda: nearness(scene.board.position_of(name)))
    scene.board.walk_in(name)


async def _send_companion(scene: Scene, crossing: Crossing) -> None:
    """Have somebody go who has no document, and leave the picture after them."""
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
        await scene.until(lambda: not scene.may_go(name), WALKS_S)  # the lane has heard of it
    await _leave(scene, companion)


async def _walk(scene: Scene, name: str) -> None:
    """Through the leaf; back when the screen says that it is not for them any more, and they stand before it."""

    def stopped() -> bool:
        return scene.board.place_of(name) is Place.PASSED or not (scene.may_go(name) or scene.screen == EMERGENCY)

    await scene.until(stopped, WALKS_S)
    scene.board.turn_back(name)  # a person who is through continues


async def _turn(scene: Scene, crossing: Crossing) -> None:
    """Into the zone and back; somebody else may step in, who is nobody that the lane knows."""
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
    scene.standing = ""  # an officer lets no one through with them there
    scene.board.walk_in(follower)
    await _walk(scene, name)
    await _try(scene, follower)
    scene.standing = name


async def _provoke(scene: Scene, troubles: Troubles) -> None:
    troubles.come(Moment.PROVOKED)
    await scene.pause(PROVOKES_S)


async def _try(scene: Scene, name: str) -> None:
    """Somebody whom the screen does not mean walks on as far as the leaf lets them, and back."""
    await scene.until(lambda: scene.board.place_of(name) is Place.PASSED, TRIES_S)
    await _leave(scene, name)


async def _be_let_out(scene: Scene, crossing: Crossing, troubles: Troubles) -> None:
    """Let an officer open for a person who stands inside."""
    name = crossing.name
    scene.judge.by_officer.add(name)
    scene.board.walk_in(name)
    await scene.until(lambda: scene.board.place_of(name) is Place.IN_ZONE, WALKS_S)
    await _provoke(scene, troubles)
    scene.order(Word.FREE)
    await scene.until(lambda: scene.board.place_of(name) is Place.PASSED, WALKS_S)
    await _leave(scene, name)


async def _leave(scene: Scene, *names: str) -> None:
    """Leave the lane empty."""
    for name in names:
        scene.board.turn_back(name)
    await scene.until(lambda: scene.board.empty, WALKS_S)
    for name in names:
        scene.board.forget(name)


def between(crossing: Crossing, limits_s: tuple[float, float]) -> float:
    """A time between these, the crossing's own."""
    least_s, most_s = limits_s
    return least_s + (most_s - least_s) * crossing.drawn
