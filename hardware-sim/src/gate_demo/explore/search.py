"""Breadth-first search over a scope, and the way back to service from every state that it reaches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate_core.evidence.screen import Screen
from gate_demo.explore import judge
from gate_demo.explore.world import BETWEEN, LOSABLE, OUT, ZONE, Move, Node, Play, moves, root

if TYPE_CHECKING:
    from gate_demo.explore.scopes import Scope


MOVES_MAX = 400  # of a sound world, until service


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant with the shortest way to it."""

    scope: str
    why: str
    moves: tuple[Move, ...]


@dataclass(slots=True)
class Found:
    """What a search found. `closed`: every state of the scope was reached; `served_max`: most events until service."""

    scope: Scope
    states: int = 0
    steps: int = 0
    closed: bool = False
    violations: list[Violation] = field(default_factory=list)
    served_max: int = 0
    cpu_s: float = 0.0
    depth: int = 0


def sound(node: Node, play: Play) -> Move:
    """Return what happens next where everything works, everybody does their duty and nobody lingers."""
    world, past = node.world, node.past
    for part in sorted(LOSABLE):
        if LOSABLE[part] in past.lost:
            return ("part back", part)
    for at, board in enumerate(world.boards):
        if board.fire:
            return ("fire out", at)
        if board.orders:
            return ("arrived", at)
        if board.late is not None:
            return ("arrive", at)
    if world.call or world.bag:
        return ("tidy",)
    if not world.officer:
        return ("officer", True)
    if world.log:
        return ("write",)
    if world.chip:
        return ("read", "good")
    if (move := _people(node)) is not None:
        return move
    for at, board in enumerate(world.boards):
        if board.open and not board.free and not board.grant:
            return ("close", at)
    if (move := _heard(node, play)) is not None:
        return move
    if (move := _officer(node)) is not None:
        return move
    gone = world.camera not in {one for _, one in world.people} and bool(past.flags(world.camera) & judge.PASSED)
    if world.camera and world.compared and gone and world.passed <= 1 and past.grant is None and not _lost(node):
        return ("leave view",)
    if world.camera and not world.compared and any(one == world.camera for _, one in world.people):
        return ("compare", "good")
    rests = all(place == OUT for place, _ in world.people) and not past.crossings
    if rests and past.screen is Screen.WELCOME:
        return ("lay", 0)
    return ("tick",)


def _lost(node: Node) -> bool:
    return bool(getattr(node.state, "lost", False))


def _people(node: Node) -> Move | None:
    """Return how people leave: through a door that is open for them, or back."""
    world, boards, past = node.world, node.world.boards, node.past
    for at, (place, crossing) in enumerate(world.people):
        granted = bool(crossing) and any(one.grant == crossing for one in boards)
        if place == BETWEEN and boards[1].open and (boards[1].free or boards[1].grant == crossing != ""):
            return ("pass", at, 1)
        if place == BETWEEN and boards[0].open and not past.running and past.grant is None:
            return ("come out", at)
        if place == ZONE:
            mine = boards[0].grant == crossing != "" and boards[0].open
            return ("pass", at, 0) if mine else ("back", at)
        if place == OUT and granted and boards[0].grant == crossing and boards[0].open and not boards[0].free:
            return ("enter", at)
    return None


def _heard(node: Node, play: Play) -> Move | None:
    """Return the look that shows what the lane does not know."""
    for at in range(len(node.world.boards)):
        closed, bodies, entry, left, grants, fire, emergency, alarms = play.status(at)
        truth = (closed, grants, bodies, emergency, fire, len(alarms), 0, True)
        if entry or left or node.past.heard[at] != truth:
            return ("poll", at)
    if len(node.world.boards) > 1:
        people = sum(place == BETWEEN for place, _ in node.world.people)
        inside = node.past.inside
        if inside is None or (inside.people, inside.bag, inside.age, inside.since) != (people, node.world.bag, 0, True):
            return ("sense",)
    return None


def _officer(node: Node) -> Move | None:
    past = node.past
    if past.emergency:
        return None if past.ended else ("order lane", "end-emergency")
    if past.called or any(one.waits for door in node.lane.doors for one in door.alarms):
        return ("order lane", "acknowledge")
    if past.closed:
        return ("order lane", "open")
    if any(flags & (judge.OVERRULED | judge.OVERRULE_SURE) for _, flags in past.crossings):
        return None
    for crossing, flags in past.crossings:
        if flags & judge.REFERRED and not flags & judge.ADMITTED:
            return ("hand over", crossing)
    return None


class Search:
    """One search. `nodes` are numbered in the order of their discovery; `came` has the way back of each."""

    def __init__(self, scope: Scope, *, live: bool = True) -> None:
        self.found = Found(scope)
        self.scope = scope
        self.live = live
        self._numbers: dict[Node, int] = {}
        self._came: list[tuple[int, Move]] = []
        self._serves: dict[Node, int] = {}  # events until service

    def run(self, until: Callable[[], bool]) -> Found:
        """Search until every state is known, an invariant broke or `until` says so."""
        found, began_s = self.found, time.process_time()
        frontier = self._sound_crossing()
        while frontier and not found.violations and not until():
            following: list[tuple[int, Node]] = []
            for number, node in frontier:
                following.extend(self._expand(number, node))
                if found.violations or until():
                    break
            else:
                found.depth += 1
                frontier = following
        found.closed = not frontier and not found.violations
        found.states = len(self._numbers)
        found.cpu_s = time.process_time() - began_s
        return found

    def _sound_crossing(self) -> list[tuple[int, Node]]:
        """Return the states of the first crossing in a sound world, from the lane's start: the search begins at each of them."""
        number, node = self._new(root(self.scope), -1, ())
        begun = [(number, node)]
        for _ in range(MOVES_MAX):
            play = Play(node, self.scope)
            move = sound(node, play)
            play.do(move)
            node = play.node()
            if play.broken or node in self._numbers:
                break  # the search itself reports it
            number, node = self._new(node, number, move)
            begun.append((number, node))
            if play.served:
                break
        return begun

    def _new(self, node: Node, came: int, move: Move) -> tuple[int, Node]:
        number = self._numbers[node] = len(self._numbers)
        self._came.append((came, move))
        self.found.states = number + 1
        return number, node

    def _expand(self, number: int, node: Node) -> Iterator[tuple[int, Node]]:
        found = self.found
        if self.live and not self._check_served(number, node):
            return
        for move in moves(node, self.scope):
            play = Play(node, self.scope)
            play.do(move)
            found.steps += len(play.told)
            if play.broken:
                found.violations.append(Violation(self.scope.name, play.broken[0], (*self.way(number), move)))
                return
            after = play.node()
            if after not in self._numbers:
                yield self._new(after, number, move)

    def way(self, number: int) -> tuple[Move, ...]:
        """Return the moves to a state."""
        way: list[Move] = []
        while number > 0:
            number, move = self._came[number]
            way.append(move)
        return tuple(reversed(way))

    def _check_served(self, number: int, node: Node) -> bool:
        """True if the lane serves again from here, when everything is sound."""
        path: list[tuple[Node, int]] = []
        seen: set[Node] = set()
        way: list[Move] = []
        events, why = 0, ""
        while True:
            if (known := self._serves.get(node)) is not None:
                events = known
                break
            if node in seen or len(way) > MOVES_MAX:
                why = "8: the lane never serves again, though everything is sound"
                break
            seen.add(node)
            play = Play(node, self.scope)
            move = sound(node, play)
            play.do(move)
            way.append(move)
            self.found.steps += len(play.told)
            path.append((node, len(play.told)))
            if play.broken:
                why = play.broken[0]
                break
            if play.served:
                break
            node = play.node()
        if why:
            self.found.violations.append(Violation(self.scope.name, why, (*self.way(number), *way)))
            return False
        for before, told in reversed(path):
            events += told
            self._serves[before] = events
        self.found.served_max = max(self.found.served_max, events)
        return True
