"""An exploration of several scopes, its result as fields, and the replay of what it found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gate.passage import machine
from gate_demo.explore.clock import NOW_MS, TICK_MS
from gate_demo.explore.scopes import SCOPES, Scope
from gate_demo.explore.search import Found, Search, Violation
from gate_demo.explore.world import Move, Node, Play, renamed, root

if TYPE_CHECKING:
    from gate.passage.effects import Effect
    from gate.passage.events import Event


@dataclass(slots=True)
class Exploration:
    """The result of an exploration: what each scope had."""

    scopes: list[Found] = field(default_factory=list)

    @property
    def violations(self) -> list[Violation]:
        """Every violation: the shortest of each scope."""
        return [one for found in self.scopes for one in found.violations]

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        found = self.scopes
        return {
            "states": sum(one.states for one in found),
            "steps": sum(one.steps for one in found),
            "closed": all(one.closed for one in found),
            "violations": [fields_of(one) for one in self.violations],
            "seconds": round(sum(one.cpu_s for one in found), 2),
            "serves_within_events": max((one.served_max for one in found), default=0),
            "scopes": [
                {
                    "name": one.scope.name,
                    "doors": one.scope.doors,
                    "states": one.states,
                    "steps": one.steps,
                    "closed": one.closed,
                    "depth": one.depth,
                    "serves_within_events": one.served_max,
                    "seconds": round(one.cpu_s, 2),
                }
                for one in found
            ],
        }


def explore(
    scopes: tuple[Scope, ...], cpu_s: float, done: Callable[[Found], None] = lambda _: None, *, first: bool = False
) -> Exploration:
    """Search each scope; together they take this much processor time at most, and each has an equal share of what is left.

    `first`: end with the first violation.
    """
    result, ends_s = Exploration(), time.process_time() + cpu_s
    for at, scope in enumerate(scopes):
        left_s = ends_s - time.process_time()
        until_s = time.process_time() + left_s / (len(scopes) - at)
        found = Search(scope).run(lambda until_s=until_s: time.process_time() >= until_s)  # type: ignore[misc]
        result.scopes.append(found)
        done(found)
        if first and found.violations:
            break
    return result


def of_doors(doors: int | None) -> tuple[Scope, ...]:
    """Return the scopes of a lane with this many doors; None: all."""
    return tuple(one for one in SCOPES if doors in {None, one.doors})


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def fields_of(violation: Violation) -> dict[str, object]:
    """Return a violation as JSON; `gate simulate --replay` reads it."""
    return {"scope": violation.scope, "why": violation.why, "moves": [list(move) for move in violation.moves]}


def read(document: Any) -> tuple[Scope, tuple[Move, ...]]:
    """Return scope and moves of a violation, or of the first one in an exploration's JSON. Raises ValueError for anything else."""
    try:
        one = document["violations"][0] if "violations" in document else document
        scope = next(scope for scope in SCOPES if scope.name == one["scope"])
        return scope, tuple(tuple(move) for move in one["moves"])
    except (KeyError, IndexError, TypeError, StopIteration) as error:
        raise ValueError("it holds no violation of a scope of this version") from error


class OnAClock(Play):
    """A play whose machine runs beside it on a clock that goes on, with absolute counters, versions and crossings that are never reused.

    Each answer must be that of the machine in the canonical state: `differs` has the first pair that is not.
    """

    def __init__(self, node: Node, scope: Scope) -> None:
        super().__init__(node, scope)
        self.real_lane, self.real_state = node.lane, node.state
        self.now_ms = NOW_MS
        self.real: dict[str, str] = {}  # the names of crossings, by those in the exploration
        self.begun = 0
        self.counts: dict[object, list[int]] = {door: [0, 0] for door in self.doors}
        self.differs: tuple[object, object] | None = None

    def age(self) -> None:
        """Move the clock on, and the exploration's state back."""
        super().age()
        self.now_ms += TICK_MS

    def step(self, event: Event) -> tuple[Effect, ...]:
        """Step both machines."""
        for name, _ in self.past.crossings:
            if name not in self.real:
                self.begun += 1
                self.real[name] = f"crossing-{self.begun}"
        stale = getattr(event, "version", self.lane.version) != self.lane.version
        told: Any = renamed(event, self.real)
        if hasattr(event, "version"):
            told = replace(told, version=self.real_lane.version - stale)
        if hasattr(event, "passages_entry"):
            counts = self.counts[told.door]
            counts[0] += told.passages_entry
            counts[1] += told.passages_exit
            told = replace(told, passages_entry=counts[0], passages_exit=counts[1])
        effects = super().step(event)
        self.real_lane, self.real_state, real = machine.step(
            self.rules, self.real_lane, self.real_state, told, self.now_ms
        )
        back = {real: name for name, real in self.real.items()}
        canonical, clocked = tuple(map(_comparable, effects)), tuple(_comparable(renamed(one, back)) for one in real)
        if canonical != clocked and self.differs is None:
            self.differs = (canonical, clocked)
        return effects

    def forget(self, gone: set[str], names: dict[str, str]) -> None:
        """Forget names, and never use them again."""
        super().forget(gone, names)
        self.real = {names[name]: real for name, real in self.real.items() if name in names}

    def go_on(self) -> None:
        """Be ready for the next move."""
        self.lane, self.state, self.world, self.past = self.node()
        self.told = []


def _comparable(effect: Any) -> Any:
    """Return an effect without counters, versions and the length of an alarm, which differ by intention."""
    record = getattr(effect, "record", None)
    if record is not None and hasattr(record, "lasted_ms"):
        return replace(effect, record=replace(record, lasted_ms=0))
    if record is not None and hasattr(record, "counters"):
        gone = {"counters": None} | ({"before": None} if hasattr(record, "before") else {})
        return replace(effect, record=replace(record, **gone))
    if record is not None and hasattr(record, "evidence"):
        return replace(effect, record=replace(record, evidence=None))  # ages beyond their limits are not told apart
    if hasattr(effect, "detail"):
        return replace(effect, detail="")
    return effect


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay: a line for each move, event and effect; what broke; True if both machines gave the same answers."""

    lines: tuple[str, ...]
    broken: tuple[str, ...]
    same: bool


def replay(scope: Scope, moves: tuple[Move, ...]) -> Replayed:
    """Play the moves on a clock that goes on. Raises ValueError for moves that this scope does not have."""
    play, lines = OnAClock(root(scope), scope), []
    for move in moves:
        try:
            play.do(move)
        except (AttributeError, IndexError, TypeError, KeyError, AssertionError, StopIteration) as error:
            raise ValueError(f"{' '.join(map(str, move))} is not possible there") from error
        lines.append(f"{(play.now_ms - NOW_MS) / 1000:5.0f} s  {' '.join(map(str, move))}")
        for event, effects in play.told:
            lines.append(f"           told {event}")
            lines.extend(f"             -> {effect}" for effect in effects)
        if play.broken:
            break
        play.go_on()
    return Replayed(tuple(lines), tuple(play.broken), play.differs is None)
