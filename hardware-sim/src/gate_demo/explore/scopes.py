"""The scopes of an exploration: what may happen in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """`deviations`: faults and misbehaviour that may happen (`gate_demo.explore.world.DEVIATIONS`), at most `most` of them until the lane invites
    again. `late`: orders wait on their way. `crossings`: open or waiting at the same time.
    """

    name: str
    doors: int
    bodies: int
    deviations: frozenset[str] = frozenset()
    most: int = 0
    late: bool = False
    crossings: int = 1


def _scope(
    name: str, doors: int, bodies: int, deviations: str = "", *, most: int = 0, late: bool = False, crossings: int = 1
) -> Scope:
    kinds = frozenset(one.strip() for one in deviations.split(",") if one.strip())
    return Scope(name, doors, bodies, kinds, most, late, crossings)


_PEOPLE = "intrude, follow, come in"
_VIEW = "misread, mistake, see, step aside, track, doubt"
_LINE = "lose, look, hush, lose part"
_OFFICERS = "admit, hold, stop, officer"
SCOPES: Final = (
    _scope("alone", 1, 1),
    _scope("people", 1, 2, _PEOPLE, most=2),
    _scope("view", 1, 1, f"{_VIEW}, lose part", most=2),
    _scope("companion", 1, 2, "intrude, follow, step aside", most=3),
    _scope("documents", 1, 2, "lay another, take early, step aside", most=2, crossings=2),
    _scope("log", 1, 1, "refuse, repeat, lose part", most=2),
    _scope("line", 1, 1, _LINE, most=1, late=True),
    _scope("absence", 1, 1, "officer", most=1),
    _scope("release", 1, 1, "stop, lose", most=2, late=True),
    _scope("officers", 1, 1, _OFFICERS, most=2),
    _scope("fire", 1, 1, "fire, stop, lose part", most=2),
    _scope("alarms", 1, 1, "alarm, come in, fire", most=2),
    _scope("alone, two doors", 2, 1),
    _scope("people, two doors", 2, 2, _PEOPLE, most=1),
    _scope("view, two doors", 2, 1, f"{_VIEW}, lose part", most=1),
    _scope("log, two doors", 2, 1, "refuse, repeat", most=1),
    _scope("line, two doors", 2, 1, _LINE, most=1, late=True),
    _scope("officers, two doors", 2, 1, _OFFICERS, most=2),
    _scope("fire, two doors", 2, 1, "fire, stop", most=1),
    _scope("between, two doors", 2, 1, "press, leave bag, alarm, admit", most=2),
)
ALONE: Final = SCOPES[0]
